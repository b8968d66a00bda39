//! The steps of the set-up.

use std::fmt;

use anyhow::Result;

use super::apt::Apt;
pub use super::apt::Done;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Ready(String),
    Missing(String),
}

/// A step's name, and its purpose, to follow the word "needed".
pub struct About {
    pub name: &'static str,
    pub purpose: &'static str,
}

/// A thing that the host needs.
pub trait Step {
    fn about(&self) -> About;

    /// Changes nothing.
    fn check(&self) -> Found;

    /// Installs it. After an error the caller prints [`Step::by_hand`].
    fn act(&self, apt: &mut Apt) -> Result<Done>;

    fn by_hand(&self) -> ByHand;
}

/// The line to type on each system.
pub struct ByHand {
    /// Debian and Ubuntu.
    pub debian: String,
    pub fedora: String,
    pub macos: String,
}

impl ByHand {
    /// Uses the same line on every system.
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

/// Returns the line that installs packages on Debian.
pub fn apt_line(packages: &[&str]) -> String {
    format!("sudo apt-get install --no-install-recommends {}", packages.join(" "))
}
