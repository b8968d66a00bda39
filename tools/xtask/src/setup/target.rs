//! Step: a compiler with the library for a target: a microcontroller or a browser.

use std::time::Duration;

use anyhow::{Context, Result};

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};
use crate::image::{self, Facts, Library};
use crate::output::log;
use crate::process::Job;
use crate::programs::find_program;

/// Debian's newest compiler, which it keeps for browsers, with the source of its library.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Time limit for a download of 10 MB; without a network rustup fails much sooner.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);

/// A compiler that can build for the triple.
pub struct CompilerTarget {
    pub triple: String,
}

impl Step for CompilerTarget {
    fn about(&self) -> About {
        About {
            name: "compiler target",
            purpose: match self.triple.as_str() {
                image::BROWSER_TRIPLE => "to compile Rust for browsers",
                _ => "to compile Rust for the microcontroller",
            },
        }
    }

    fn check(&self) -> Found {
        let facts = Facts::gather(&self.triple);
        let Some(toolchain) = facts.toolchain() else {
            return Found::Missing(format!("no installed compiler has the library for {}", self.triple));
        };
        let library = match toolchain.library(&self.triple) {
            Some(Library::Source) => "builds its library from source",
            _ => "has its library",
        };
        let (rustc, version) = (toolchain.rustc.display(), &toolchain.version);
        Found::Ready(format!("{}: {rustc} {version} {library}", self.triple))
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        if find_program("rustup").is_none() {
            return apt.install(&PACKAGES).context("rustup is not installed");
        }
        let add = Job::new("rustup").args(["target", "add", &self.triple]).without_input();
        if let Err(error) = add.run_within(RUSTUP_LIMIT) {
            let error = host_support::errors::chain(error.as_ref());
            log(format_args!("    {error}; trying the system's packages"));
            return apt.install(&PACKAGES).context("rustup did not provide it");
        }
        Ok(Done::Now)
    }

    fn by_hand(&self) -> ByHand {
        let add = format!("rustup target add {}", self.triple);
        if find_program("rustup").is_some() {
            let debian = format!("{add}    (or: {})", apt_line(&PACKAGES));
            return ByHand { debian, fedora: add.clone(), macos: add };
        }
        ByHand {
            debian: apt_line(&PACKAGES),
            fedora: format!("sudo dnf install rustup && rustup-init -y && . ~/.cargo/env && {add}"),
            macos: format!(
                "brew install rustup && export PATH=\"$(brew --prefix rustup)/bin:$PATH\" && rustup default stable && \
                 {add}"
            ),
        }
    }
}
