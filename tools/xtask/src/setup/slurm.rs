//! Step: Slurm, a scheduler of clusters, for `cargo xtask cluster`.

use anyhow::Result;

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};
use crate::process::Job;
use crate::programs::find_program;

const PROGRAMS: [&str; 3] = ["slurmctld", "slurmd", "munged"];
const PACKAGES: [&str; 2] = ["slurm-wlm", "munge"];

/// Slurm's daemons and commands, and the daemon that signs their messages.
pub struct Slurm;

impl Step for Slurm {
    fn about(&self) -> About {
        About { name: "Slurm", purpose: "to run an array of jobs (30 MB); only `cargo xtask cluster` uses it" }
    }

    fn check(&self) -> Found {
        if let Some(missing) = PROGRAMS.into_iter().find(|name| find_program(name).is_none()) {
            return Found::Missing(format!("{missing} is not on PATH"));
        }
        match Job::new("slurmd").arg("-V").probe() {
            Ok(output) if output.status.success() => {
                Found::Ready(String::from_utf8_lossy(&output.stdout).trim().to_owned())
            }
            _ => Found::Missing("slurmd does not start".to_owned()),
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        apt.install(&PACKAGES)
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            debian: apt_line(&PACKAGES),
            fedora: "sudo dnf install slurm-slurmctld slurm-slurmd munge".into(),
            macos: "not available; use a machine with Linux".into(),
        }
    }
}
