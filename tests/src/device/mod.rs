//! Devices: what a client can talk to, and where it is found.

mod loopback;
mod qemu;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

pub use qemu::Emulator;
pub use virtual_probe::{Killer, stop_all};

use crate::Client;

/// How long a device may stay silent before it counts as hung. Far more than any answer takes, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A device that the suite knows, by the name that people type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The firmware library on a thread of this process.
    Loopback,
    /// An emulated board, by its name.
    Qemu(&'static str),
}

/// Every emulated board. The name is its folder's, its binary's, and QEMU's for the machine.
const EMULATED: [&str; 1] = ["mps2-an386"];

/// Where devices are found.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Folder with one ELF for each board, `BOARD.elf`.
    pub firmware: PathBuf,
    /// How long a device may stay silent.
    pub patience: Duration,
    /// Whether a device's log lines are shown on standard error as they come.
    pub show_logs: bool,
}

/// Why a device cannot be talked to.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// It is not there, and why.
    #[error("{device} is not there: {reason}")]
    Absent {
        /// The device.
        device: &'static str,
        /// What is missing, and how to get it.
        reason: String,
    },
    /// The model does not fit the device's flash.
    #[error("a model of {found} bytes does not fit the {capacity} bytes that {device} has for it")]
    ModelTooLarge {
        /// The device.
        device: &'static str,
        /// Length of the model.
        found: usize,
        /// Bytes that the device has for it.
        capacity: u64,
    },
    /// It did not come up.
    #[error("{device} did not start: {reason}")]
    NotStarted {
        /// The device.
        device: &'static str,
        /// What happened instead.
        reason: String,
    },
}

/// A running device and a client that talks to it. Dropping it ends the device.
#[derive(Debug)]
pub struct Session {
    /// The conversation.
    pub client: Client<UnixStream>,
    /// What runs the device, where that is a process of its own.
    pub emulator: Option<Emulator>,
}

impl Session {
    /// What more is known about a failure: how the emulator ended, and its last log lines. Empty where nothing is.
    #[must_use]
    pub fn post_mortem(&mut self) -> String {
        self.emulator.as_mut().map_or_else(String::new, Emulator::post_mortem)
    }
}

impl Device {
    /// Every device, in the order in which they are tried.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Loopback).chain(EMULATED.into_iter().map(Self::Qemu))
    }

    /// The device of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|device| device.name() == name)
    }

    /// The name that people type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Qemu(board) => board,
        }
    }

    /// Whether the device can be started here.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn availability(self, lab: &Lab) -> Result<(), DeviceError> {
        match self {
            Self::Loopback => Ok(()),
            Self::Qemu(board) => qemu::availability(board, lab),
        }
    }

    /// Starts the device with `model` in its flash region. [`availability`](Self::availability) tells before whether that
    /// can be.
    ///
    /// # Errors
    ///
    /// Where it does not come up.
    pub fn start(self, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
        match self {
            Self::Loopback => loopback::start(lab, model),
            Self::Qemu(board) => qemu::start(board, board, lab, model),
        }
    }

    /// Whether it is a board in an emulator.
    #[must_use]
    pub fn is_emulated(self) -> bool {
        matches!(self, Self::Qemu(_))
    }

    /// Starts the board's binary that breaks on purpose, where it has one.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_faults(self, lab: &Lab) -> Option<Result<Session, DeviceError>> {
        match self {
            Self::Loopback => None,
            Self::Qemu(board) => Some(qemu::start(board, &format!("{board}-faults"), lab, &[])),
        }
    }
}
