//! Step: a linker for bare metal.

use anyhow::Result;

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};
use crate::image::Facts;

const PACKAGES: [&str; 1] = ["lld"];

/// A linker that the firmware's compiler can use.
pub struct Linker {
    pub triples: Vec<String>,
}

impl Step for Linker {
    fn about(&self) -> About {
        About { name: "linker", purpose: "to link the firmware" }
    }

    fn check(&self) -> Found {
        let mut found = None;
        for triple in &self.triples {
            match Facts::gather(triple).linker() {
                Some(path) => found = found.or(Some(path.display().to_string())),
                None => {
                    let text = format!("no rust-lld with the compiler, and no linker for {triple} on PATH");
                    return Found::Missing(text);
                }
            }
        }
        Found::Ready(found.unwrap_or_default())
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        apt.install(&PACKAGES)
    }

    fn by_hand(&self) -> ByHand {
        ByHand { debian: apt_line(&PACKAGES), fedora: "sudo dnf install lld".into(), macos: "brew install lld".into() }
    }
}
