//! Step: a device for a backend of graphics cards.

use anyhow::{Result, bail};
use serde::Deserialize;

use super::apt::Apt;
use super::steps::{ByHand, Done, Found, Step, apt_line};
use crate::gpu::Backend;
use crate::workspace::Workspace;

/// Mesa's drivers, one of them for no card at all: lavapipe, Vulkan on the processor.
const PACKAGES: [&str; 1] = ["mesa-vulkan-drivers"];

/// A device on which the trainer, which is built, can train by a backend.
pub struct GraphicsDevice<'a> {
    /// Where the trainer is.
    pub workspace: &'a Workspace,
    /// By which backend.
    pub backend: Backend,
}

/// What `host-trainer train --backend list --json` prints.
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
    fn name(&self) -> &'static str {
        "device"
    }

    fn why(&self) -> &'static str {
        "to train on: a graphics card with its driver, or a driver that computes on the processor"
    }

    fn check(&self) -> Found {
        let name = self.backend.name();
        let job = self.workspace.job("host-trainer").args(["train", "--backend", "list", "--json"]);
        match job.probe() {
            Ok(output) => look(name, &output.stdout),
            Err(error) => Found::Missing(format!("the trainer cannot be asked: {error:#}")),
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        match self.backend {
            Backend::Wgpu if cfg!(target_vendor = "apple") => bail!("Metal is a part of macOS, and cannot be added"),
            Backend::Wgpu => apt.install(&PACKAGES).map(|()| Done::Now),
            Backend::Cuda => bail!("a driver of NVIDIA's is left to you, since it replaces parts of the system"),
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
                macos: "(none: there is no CUDA; take --backend wgpu)".into(),
            },
        }
    }
}

/// The devices of `backend` in what the trainer printed.
fn look(backend: &str, printed: &[u8]) -> Found {
    let Ok(list) = serde_json::from_slice::<List>(printed) else {
        return Found::Missing("the trainer does not say which devices there are".into());
    };
    let entries = list.backends.into_iter().filter(|entry| entry.backend == backend);
    let names: Vec<String> = entries.flat_map(|entry| entry.devices).map(|device| device.name).collect();
    if names.is_empty() {
        return Found::Missing(format!("the trainer finds none for {backend}"));
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
        for (backend, printed, what) in [("cuda", &printed[..], "none for cuda"), ("wgpu", b"error", "does not say")] {
            assert!(matches!(look(backend, printed), Found::Missing(text) if text.contains(what)), "{backend}");
        }
    }
}
