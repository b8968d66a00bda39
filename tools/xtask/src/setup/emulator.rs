//! Step: QEMU for system emulation.

use anyhow::Result;

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};
use crate::process::Job;
use crate::programs::find_program;

/// A program of QEMU, on PATH and able to start.
pub struct Emulator {
    /// Its name: `qemu-system-` and the architecture.
    pub program: String,
}

impl Step for Emulator {
    fn about(&self) -> About {
        About { name: "emulator", purpose: "to run the firmware without hardware" }
    }

    fn check(&self) -> Found {
        let Some(path) = find_program(&self.program) else {
            return Found::Missing(format!("{} is not on PATH", self.program));
        };
        let shown = path.display();
        match Job::new(&path).arg("--version").probe() {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout);
                Found::Ready(format!("{shown}, {}", text.lines().next().unwrap_or_default()))
            }
            _ => Found::Missing(format!("{shown} does not start")),
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        // Debian's packages have or provide these names.
        apt.install(&[self.program.as_str()])
    }

    fn by_hand(&self) -> ByHand {
        let fedora = match self.program.as_str() {
            "qemu-system-riscv32" => "qemu-system-riscv",
            _ => self.program.as_str(),
        };
        ByHand {
            debian: apt_line(&[self.program.as_str()]),
            fedora: format!("sudo dnf install {fedora}"),
            macos: "brew install qemu".into(),
        }
    }
}
