//! Step: the command-line tool of probe-rs.

use anyhow::{Context, Result};

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};
use crate::probe;
use crate::process::Job;
use crate::workspace::cargo;

/// The version to install, with which docs/probe-rs.md was written.
const VERSION: &str = "0.32.0";

const PACKAGES: [&str; 2] = ["libudev-dev", "pkg-config"];

/// `probe-rs`, on PATH and recent enough.
pub struct ProbeRs;

impl Step for ProbeRs {
    fn about(&self) -> About {
        About { name: "probe-rs", purpose: "to flash boards and show their logs; building it takes ten minutes" }
    }

    fn check(&self) -> Found {
        match probe::find() {
            Ok(path) => Found::Ready(path.display().to_string()),
            Err(error) => Found::Missing(host_support::errors::chain(error.as_ref())),
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        if cfg!(target_os = "linux") {
            apt.install(&PACKAGES).context("its build needs them")?;
        }
        Job::new(cargo()).args(["install", "probe-rs-tools", "--version", VERSION, "--locked", "--force"]).run()?;
        Ok(Done::Now)
    }

    fn by_hand(&self) -> ByHand {
        let install = format!("cargo install probe-rs-tools --version {VERSION} --locked --force");
        ByHand {
            debian: format!("{} && {install}", apt_line(&PACKAGES)),
            fedora: format!("sudo dnf install systemd-devel pkgconf && {install}"),
            macos: install,
        }
    }
}
