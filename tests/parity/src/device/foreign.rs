//! Firmware of others: a program that serves a model by `prenda-serve`, with the model in it.

use std::path::{Path, PathBuf};

use boards::Board;

#[cfg(feature = "probe")]
use super::probe;
use super::{Device, DeviceError, Lab, Session, qemu};
use crate::Target;

/// The machine that runs a program of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A board in QEMU.
    Board(&'static Board),
    /// A chip that probe-rs knows, through a debug probe.
    Chip(String),
}

/// A program of others, and the machine that runs it.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The file's name without its extension.
    pub(super) name: String,
    elf: PathBuf,
    place: Place,
}

impl Foreign {
    pub(super) fn new(elf: &Path, place: Place) -> Self {
        let name = elf.file_stem().unwrap_or(elf.as_os_str()).to_string_lossy().into_owned();
        Self { name, elf: elf.into(), place }
    }

    /// Checks that there is an emulator or a probe.
    pub(super) fn availability(&'static self, lab: &Lab) -> Result<(), DeviceError> {
        match &self.place {
            Place::Board(board) => qemu::check_emulator_of(&self.name, board, lab),
            #[cfg(feature = "probe")]
            Place::Chip(_) => probe::check_probe(&self.name, lab),
            #[cfg(not(feature = "probe"))]
            Place::Chip(_) => Err(self.without_probes()),
        }
    }

    /// Starts the program. `model` is written to its flash only if it has a region for it.
    pub(super) fn start(&'static self, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
        match &self.place {
            Place::Board(board) => qemu::start_elf(Device::Foreign(self), board, &self.elf, lab, model),
            #[cfg(feature = "probe")]
            Place::Chip(chip) => probe::start_foreign(Device::Foreign(self), chip, &self.elf, lab, model),
            #[cfg(not(feature = "probe"))]
            Place::Chip(_) => Err(self.without_probes()),
        }
    }

    #[cfg(not(feature = "probe"))]
    fn without_probes(&'static self) -> DeviceError {
        let reason = "this build of `parity` has no probe-rs; build it with its default features".into();
        DeviceError::Absent { device: &self.name, reason }
    }

    pub(super) fn target(&self) -> Target {
        match self.place {
            Place::Board(_) => Target::Emulator,
            Place::Chip(_) => Target::Hardware,
        }
    }
}
