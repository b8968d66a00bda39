//! What a step of set-up is.

use std::fmt;

use anyhow::Result;

use super::apt::Apt;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The step is true; the text says what is there.
    Ready(String),
    /// It is not; the text says what was looked for.
    Missing(String),
}

/// How an act ended.
pub enum Done {
    /// What was missing should be there now.
    Now,
    /// Something else will do it; the text says what, and when.
    Later(String),
}

/// One thing that a machine needs.
pub trait Step {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// What it is needed for, to follow the word "needed".
    fn why(&self) -> &'static str;

    /// Looks, and changes nothing.
    fn check(&self) -> Found;

    /// Gets what is missing.
    ///
    /// # Errors
    /// When it cannot; the caller prints [`Step::by_hand`].
    fn act(&self, apt: &mut Apt) -> Result<Done>;

    /// The lines with which a person gets it.
    fn by_hand(&self) -> ByHand;
}

/// One line to type on each system.
pub struct ByHand {
    /// Debian and Ubuntu.
    pub debian: String,
    /// Fedora.
    pub fedora: String,
    /// macOS.
    pub macos: String,
}

impl ByHand {
    /// One line for every system.
    pub fn same(line: &str) -> Self {
        Self { debian: line.into(), fedora: line.into(), macos: line.into() }
    }
}

impl fmt::Display for ByHand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.debian == self.fedora && self.debian == self.macos {
            return write!(formatter, "             type:            {}", self.debian);
        }
        writeln!(formatter, "             Debian, Ubuntu:  {}", self.debian)?;
        writeln!(formatter, "             Fedora:          {}", self.fedora)?;
        write!(formatter, "             macOS:           {}", self.macos)
    }
}

/// What the installation line looks like on Debian.
pub fn apt_line(packages: &[&str]) -> String {
    format!("sudo apt-get install --no-install-recommends {}", packages.join(" "))
}
