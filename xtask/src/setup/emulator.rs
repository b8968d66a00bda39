//! Step: QEMU for ARM system emulation.

use anyhow::Result;

use super::apt::Apt;
use super::steps::{ByHand, Done, Found, Step, apt_line};
use crate::process::Job;
use crate::programs::find_program;

const PROGRAM: &str = "qemu-system-arm";
const PACKAGES: [&str; 1] = ["qemu-system-arm"];

/// `qemu-system-arm`, on PATH and able to start.
pub struct Emulator;

impl Step for Emulator {
    fn name(&self) -> &'static str {
        "emulator"
    }

    fn why(&self) -> &'static str {
        "to run the firmware with no hardware on the desk"
    }

    fn check(&self) -> Found {
        let Some(path) = find_program(PROGRAM) else {
            return Found::Missing(format!("{PROGRAM} is not on PATH"));
        };
        let shown = path.display();
        match Job::new(&path).arg("--version").probe() {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout);
                Found::Ready(format!("{shown}, {}", text.lines().next().unwrap_or_default()))
            }
            _ => Found::Missing(format!("{shown} is there, but does not start")),
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        apt.install(&PACKAGES)?;
        Ok(Done::Now)
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            debian: apt_line(&PACKAGES),
            fedora: "sudo dnf install qemu-system-arm".into(),
            macos: "brew install qemu".into(),
        }
    }
}
