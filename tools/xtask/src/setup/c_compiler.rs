//! Step: a C compiler for the example in C, which only tests use.

use anyhow::Result;

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};
use crate::process::Job;
use crate::programs::find_program;

const PROGRAMS: [&str; 2] = ["arm-none-eabi-gcc", "make"];
const PACKAGES: [&str; 2] = ["gcc-arm-none-eabi", "make"];

/// GCC for Cortex-M, without a C library, and Make.
pub struct CCompiler;

impl Step for CCompiler {
    fn about(&self) -> About {
        About { name: "C compiler", purpose: "to build the example in C (GCC, 50 MB); only tests use it" }
    }

    fn check(&self) -> Found {
        for program in PROGRAMS {
            let starts = |path| Job::new(path).arg("--version").probe().is_ok_and(|output| output.status.success());
            match find_program(program) {
                None => return Found::Missing(format!("{program} is not on PATH")),
                Some(path) if !starts(&path) => return Found::Missing(format!("{} does not start", path.display())),
                Some(_) => {}
            }
        }
        Found::Ready(PROGRAMS.join(", "))
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        apt.install(&PACKAGES)
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            debian: apt_line(&PACKAGES),
            fedora: "sudo dnf install arm-none-eabi-gcc-cs make".into(),
            macos: "brew install arm-none-eabi-gcc make".into(),
        }
    }
}
