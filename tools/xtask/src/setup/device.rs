//! Step: a device for a backend for graphics cards.

use anyhow::{Result, bail};
use serde::Deserialize;

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};
use crate::trainer::Backend;
use crate::workspace::Workspace;

/// Mesa's drivers, among them lavapipe, which is Vulkan on the CPU.
const PACKAGES: [&str; 1] = ["mesa-vulkan-drivers"];

/// A device on which the trainer, which must be built, can train with a backend.
pub struct GraphicsDevice<'a> {
    pub workspace: &'a Workspace,
    pub backend: Backend,
}

/// The output of `host-trainer train --backend list --json`.
#[derive(Deserialize)]
struct List {
    backends: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    backend: String,
    devices: Vec<Hardware>,
}

#[derive(Deserialize)]
struct Hardware {
    name: String,
}

impl Step for GraphicsDevice<'_> {
    fn about(&self) -> About {
        About {
            name: "device",
            purpose: "to train on: a graphics card with its driver, or a driver that computes on the CPU",
        }
    }

    fn check(&self) -> Found {
        let name = self.backend.name();
        let job = self.workspace.job("host-trainer").args(["train", "--backend", "list", "--json"]);
        match job.probe() {
            Ok(output) => look(name, &output.stdout),
            Err(error) => {
                Found::Missing(format!("cannot ask the trainer: {}", host_support::errors::chain(error.as_ref())))
            }
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        match self.backend {
            Backend::Wgpu if cfg!(target_vendor = "apple") => bail!("Metal is a part of macOS and cannot be installed"),
            Backend::Wgpu => apt.install(&PACKAGES),
            Backend::Cuda => bail!("NVIDIA's driver replaces parts of the system; install it yourself"),
        }
    }

    fn by_hand(&self) -> ByHand {
        match self.backend {
            Backend::Wgpu => ByHand {
                debian: apt_line(&PACKAGES),
                fedora: "sudo dnf install mesa-vulkan-drivers".into(),
                macos: "(none: Metal is a part of macOS)".into(),
            },
            Backend::Cuda => ByHand {
                debian: "sudo apt-get install nvidia-driver    (from non-free)".into(),
                fedora: "sudo dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda    (from RPM Fusion)".into(),
                macos: "(none: there is no CUDA; use --backend wgpu)".into(),
            },
        }
    }
}

/// Finds the devices of `backend` in the trainer's output.
fn look(backend: &str, printed: &[u8]) -> Found {
    let Ok(list) = serde_json::from_slice::<List>(printed) else {
        return Found::Missing("cannot parse the trainer's list of devices".into());
    };
    let entries = list.backends.into_iter().filter(|entry| entry.backend == backend);
    let names: Vec<String> = entries.flat_map(|entry| entry.devices).map(|device| device.name).collect();
    if names.is_empty() {
        return Found::Missing(format!("the trainer finds no device for {backend}"));
    }
    Found::Ready(names.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_devices_of_the_backend_count() {
        let printed = br#"{"backends":[{"backend":"flex","is_built":true,"devices":[{"name":"processor"}]},
            {"backend":"wgpu","is_built":true,"devices":[{"name":"a","interface":"Vulkan"},{"name":"b"}]},
            {"backend":"cuda","is_built":false,"devices":[]}]}"#;
        assert_eq!(look("wgpu", printed), Found::Ready("a; b".into()));
        for (backend, printed, what) in
            [("cuda", &printed[..], "no device for cuda"), ("wgpu", b"error", "cannot parse")]
        {
            assert!(matches!(look(backend, printed), Found::Missing(text) if text.contains(what)), "{backend}");
        }
    }
}
