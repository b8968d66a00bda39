//! Step: a linker for bare-metal ARM.

use anyhow::Result;

use super::apt::Apt;
use super::steps::{ByHand, Done, Found, Step, apt_line};
use crate::image::Facts;

const PACKAGES: [&str; 1] = ["lld"];

/// A linker that the firmware's compiler can call.
pub struct Linker {
    /// The compiler's name for the target.
    pub triple: String,
}

impl Step for Linker {
    fn name(&self) -> &'static str {
        "linker"
    }

    fn why(&self) -> &'static str {
        "to lay out the firmware in the device's memory"
    }

    fn check(&self) -> Found {
        match Facts::gather(&self.triple).linker() {
            Some(path) => Found::Ready(path.display().to_string()),
            None => Found::Missing("no rust-lld with the compiler; no ld.lld or arm-none-eabi-ld on PATH".into()),
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        apt.install(&PACKAGES)?;
        Ok(Done::Now)
    }

    fn by_hand(&self) -> ByHand {
        ByHand { debian: apt_line(&PACKAGES), fedora: "sudo dnf install lld".into(), macos: "brew install lld".into() }
    }
}
