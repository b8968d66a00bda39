//! The burn backends that can train: those of the processor in every build, those of a graphics
//! card where built in.

mod hardware;

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(feature = "wgpu")]
mod wgpu;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use hardware::Hardware;

/// Which of burn's backends trains, in `f32`. Every build knows the names of all, so that it reads
/// any run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// burn-flex
    Flex,
    /// burn-ndarray, which burn-flex succeeds
    Ndarray,
    /// burn-wgpu, by Metal on Apple's systems and by Vulkan elsewhere
    Wgpu,
    /// burn-cuda
    Cuda,
    /// None of them: another program trained, and burn-flex only runs what came of it
    Imported,
}

/// Why a backend cannot train here.
#[derive(Debug, Error)]
pub enum BackendError {
    /// The program is built without it.
    #[error("this build has no backend {name}; {}", build_line(name))]
    NotBuilt {
        /// Its name.
        name: &'static str,
    },
    /// The machine has no device for it, or the device does not work.
    #[cfg_attr(
        not(any(feature = "wgpu", feature = "cuda")),
        expect(dead_code, reason = "only graphics cards can be absent")
    )]
    #[error("the backend {name} has no device on this machine: {reason}; {advice}, or train by --backend flex")]
    NoDevice {
        /// Its name.
        name: &'static str,
        /// What was found instead.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
}

impl Backend {
    /// All that train, whatever this build has.
    pub const ALL: [Self; 4] = [Self::Flex, Self::Ndarray, Self::Wgpu, Self::Cuda];

    /// The one that trains where none is asked for.
    pub const DEFAULT: Self = Self::Flex;

    /// The name, as the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
            Self::Imported => "imported",
        }
    }

    /// What it is, in one line.
    pub fn description(self) -> &'static str {
        match self {
            Self::Flex => "The processor, by burn-flex",
            Self::Ndarray => "The processor, by burn-ndarray, which burn-flex succeeds",
            Self::Wgpu => "A graphics card, by Vulkan or Metal",
            Self::Cuda => "A graphics card, by NVIDIA's CUDA",
            Self::Imported => "Another program",
        }
    }

    /// Whether it computes on the processor, in memory that the program can read as it is.
    pub fn is_on_processor(self) -> bool {
        matches!(self, Self::Flex | Self::Ndarray | Self::Imported)
    }

    /// Whether this build has it.
    pub fn is_built(self) -> bool {
        match self {
            Self::Flex | Self::Imported => true,
            Self::Ndarray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
        }
    }

    /// What it can train on here; nothing where this build does not have it.
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

    /// Where tensors live, without differentiation, and what that is.
    ///
    /// # Errors
    ///
    /// Returns an error if the build or the machine does not have it.
    #[cfg_attr(
        feature = "ndarray",
        expect(
            deprecated,
            reason = "upstream will drop burn-ndarray for burn-flex; until then both are built and tested"
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

    /// Where tensors live, without differentiation.
    ///
    /// # Errors
    ///
    /// Fails like [`open`](Self::open).
    pub fn device(self) -> Result<Device, BackendError> {
        self.open().map(|(device, _)| device)
    }

    /// Those that can train here, to test each; whoever runs the tests reads which these are.
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

/// The processor, by burn-flex: what every build and every machine has.
pub fn processor() -> Device {
    Device::flex()
}

/// How to get a program that has the backend `name`.
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
    fn what_opens_is_built_and_has_hardware() {
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
