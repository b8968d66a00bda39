//! The burn backends that can train. Those for graphics cards are optional features.

mod hardware;

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(feature = "wgpu")]
mod wgpu;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use hardware::Hardware;

/// A backend of burn that trains in `f32`. Every build knows all names, so that it can read any
/// run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// burn-flex
    Flex,
    /// burn-ndarray, the predecessor of burn-flex
    Ndarray,
    /// burn-wgpu, with Metal on Apple's systems and Vulkan elsewhere
    Wgpu,
    /// burn-cuda
    Cuda,
    /// Another program trained, and burn-flex only runs its network
    Imported,
}

/// Why a backend cannot train here.
#[derive(Debug, Error)]
pub enum BackendError {
    #[error("backend {name} is not in this build; {}", build_line(name))]
    NotBuilt { name: &'static str },
    #[cfg_attr(
        not(any(feature = "wgpu", feature = "cuda")),
        expect(dead_code, reason = "only graphics cards can be absent")
    )]
    #[error("the backend {name} has no device on this machine: {reason}; {advice}, or train with --backend flex")]
    NoDevice { name: &'static str, reason: String, advice: &'static str },
}

impl Backend {
    /// All backends that train, in this build or not.
    pub const ALL: [Self; 4] = [Self::Flex, Self::Ndarray, Self::Wgpu, Self::Cuda];

    pub const DEFAULT: Self = Self::Flex;

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
            Self::Imported => "imported",
        }
    }

    /// Describes the backend in one line.
    pub fn description(self) -> &'static str {
        match self {
            Self::Flex => "The processor, with burn-flex",
            Self::Ndarray => "The processor, with burn-ndarray, the predecessor of burn-flex",
            Self::Wgpu => "A graphics card, with Vulkan or Metal",
            Self::Cuda => "A graphics card, with NVIDIA's CUDA",
            Self::Imported => "Another program",
        }
    }

    /// Returns true if it computes on the processor.
    pub fn is_on_processor(self) -> bool {
        matches!(self, Self::Flex | Self::Ndarray | Self::Imported)
    }

    /// Returns true if this build has it.
    pub fn is_built(self) -> bool {
        match self {
            Self::Flex | Self::Imported => true,
            Self::Ndarray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
        }
    }

    /// Returns the hardware that it can train on here, or none if this build lacks it.
    pub fn hardware(self) -> Vec<Hardware> {
        match self {
            Self::Flex | Self::Imported => vec![Hardware::processor()],
            Self::Ndarray if self.is_built() => vec![Hardware::processor()],
            Self::Ndarray => Vec::new(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => wgpu::hardware(),
            #[cfg(feature = "cuda")]
            Self::Cuda => cuda::hardware(),
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => Vec::new(),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => Vec::new(),
        }
    }

    /// Opens the device for tensors, without differentiation, and describes its hardware.
    ///
    /// # Errors
    ///
    /// Returns an error if the build or the machine lacks it.
    #[cfg_attr(
        feature = "ndarray",
        expect(
            deprecated,
            reason = "burn will replace burn-ndarray with burn-flex; until then both are built and tested"
        )
    )]
    pub fn open(self) -> Result<(Device, Hardware), BackendError> {
        match self {
            Self::Flex | Self::Imported => Ok((processor(), Hardware::processor())),
            #[cfg(feature = "ndarray")]
            Self::Ndarray => Ok((Device::ndarray(), Hardware::processor())),
            #[cfg(not(feature = "ndarray"))]
            Self::Ndarray => Err(BackendError::NotBuilt { name: self.name() }),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => wgpu::open(),
            #[cfg(feature = "cuda")]
            Self::Cuda => cuda::open(),
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => Err(BackendError::NotBuilt { name: self.name() }),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => Err(BackendError::NotBuilt { name: self.name() }),
        }
    }

    /// Opens the device for tensors, without differentiation.
    ///
    /// # Errors
    ///
    /// Fails like [`open`](Self::open).
    pub fn device(self) -> Result<Device, BackendError> {
        self.open().map(|(device, _)| device)
    }

    /// Returns the backends that can train here, and logs the others.
    #[cfg(test)]
    pub fn present() -> impl Iterator<Item = (Self, Device)> {
        Self::ALL.into_iter().filter_map(|backend| match backend.device() {
            Ok(device) => Some((backend, device)),
            Err(error) => {
                eprintln!("not tested: {error}");
                None
            }
        })
    }
}

/// Returns the processor with burn-flex, which every build and every machine has.
pub fn processor() -> Device {
    Device::flex()
}

/// Describes how to build this program with the backend `name`.
pub fn build_line(name: &str) -> String {
    format!(
        "build with --features host-trainer/{name}: cargo build --workspace --bin host-trainer --features \
         host-trainer/{name}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_build_reads_every_name() {
        for backend in Backend::ALL.into_iter().chain([Backend::Imported]) {
            let text = format!("\"{}\"", backend.name());
            assert_eq!(serde_json::from_str::<Backend>(&text).unwrap(), backend);
            assert_eq!(serde_json::to_string(&backend).unwrap(), text);
        }
    }

    #[test]
    fn backends_that_open_are_built_and_have_hardware() {
        for backend in Backend::ALL {
            let hardware = backend.hardware();
            match backend.open() {
                Ok((_, opened)) => assert!(backend.is_built() && hardware.contains(&opened), "{opened:?} {hardware:?}"),
                Err(BackendError::NotBuilt { name }) => assert!(!backend.is_built() && name == backend.name()),
                Err(error @ BackendError::NoDevice { .. }) => assert!(hardware.is_empty(), "{error} {hardware:?}"),
            }
        }
    }

    #[test]
    fn the_processor_always_trains() {
        let present: Vec<_> = Backend::present().map(|(backend, _)| backend).collect();
        assert_eq!(present.first(), Some(&Backend::Flex));
        assert_eq!(present.contains(&Backend::Ndarray), cfg!(feature = "ndarray"));
        // A device that is opened twice is the same.
        for (backend, device) in Backend::present() {
            assert_eq!(backend.device().unwrap(), device);
        }
    }
}
