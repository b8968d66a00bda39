//! Devices: what a client can talk to, and where it is found.

mod elf;
mod loopback;
#[cfg(feature = "probe")]
mod probe;
mod qemu;
mod rtt;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use boards::Board;
use clap::ValueEnum;
use thiserror::Error;

pub use virtual_probe::{Killer, stop_all_at_signals};

use crate::{Client, Stream};

/// How long a device may stay silent before it counts as hung. Far more than any answer takes, on a
/// busy machine too.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long one read or write of a stream waits: the client then looks at its clock, and goes on.
pub const MOMENT: Duration = Duration::from_millis(5);

/// A device that the suite knows, by the name that people type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The firmware library on a thread of this process.
    Loopback,
    /// A board in QEMU.
    Qemu(&'static Board),
    /// A board behind a debug probe; the second value is the device's name.
    #[cfg(feature = "probe")]
    Probe(&'static Board, &'static str),
}

/// The RTT channels, as the firmware numbers them.
const LOGS_UP: u32 = 0;
const LINK_UP: u32 = 1;
const LINK_DOWN: u32 = 0;

/// Every board, by name. Files that cannot be read are told of where devices are named, so here it
/// is as if none were there.
static BOARDS: LazyLock<Vec<Board>> = LazyLock::new(|| boards::all().unwrap_or_default());

/// Every board that may be behind a probe, with the device's name.
#[cfg(feature = "probe")]
static PROBED: LazyLock<Vec<(&Board, String)>> = LazyLock::new(|| {
    let boards = BOARDS.iter().filter(|board| board.chip.is_some());
    boards.map(|board| (board, format!("probe-{}", board.name))).collect()
});

/// How frames reach an emulated board. Its firmware listens to both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Link {
    /// Through the memory of the emulator, as a debug probe would: the faster one, since the
    /// emulator takes one step for many bytes.
    #[default]
    Rtt,
    /// Through the board's UART and its driver.
    Uart,
}

/// Where devices are found, and how they are talked to.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Folder with one ELF for each board, `BOARD.elf`.
    pub firmware: PathBuf,
    /// How frames reach emulated boards.
    pub link: Link,
    /// Nanoseconds of its own time that each instruction takes on an emulated board, as a power of
    /// two, so that counters count instructions; else its time is ours.
    pub instruction_shift: Option<u8>,
    /// The debug probe for boards that are not emulated, as `VENDOR:PRODUCT` or
    /// `VENDOR:PRODUCT:SERIAL`; the only one there is by default.
    pub probe: Option<String>,
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
    /// The device's name.
    pub device: &'static str,
    /// The conversation.
    pub client: Client,
    /// What runs the device, where that is not this process.
    pub runner: Option<Runner>,
}

/// What runs a device's firmware.
#[derive(Debug)]
pub enum Runner {
    /// QEMU alone.
    Emulator(Box<qemu::Emulator>),
    /// A chip behind a debug probe.
    #[cfg(feature = "probe")]
    Probe(Box<probe::Probed>),
}

impl Runner {
    /// The exit code of firmware that has ended by itself, waiting for that for at most `patience`.
    #[must_use]
    pub fn exit_code(&self, patience: Duration) -> Option<i32> {
        match self {
            Self::Emulator(emulator) => emulator.exit_code(patience),
            #[cfg(feature = "probe")]
            Self::Probe(probed) => probed.exit_code(patience),
        }
    }

    /// The firmware's log lines so far. Complete once it has ended.
    #[must_use]
    pub fn logs(&mut self) -> Vec<String> {
        match self {
            Self::Emulator(emulator) => emulator.logs(),
            #[cfg(feature = "probe")]
            Self::Probe(probed) => probed.logs(),
        }
    }

    /// What ends the emulator, where there is one, for those who do not own it.
    #[must_use]
    pub fn killer(&self) -> Option<Killer> {
        match self {
            Self::Emulator(emulator) => Some(emulator.killer()),
            #[cfg(feature = "probe")]
            Self::Probe(probed) => probed.killer(),
        }
    }

    /// The link over RTT, beside a client that has the UART.
    #[must_use]
    pub fn rtt(&self) -> Option<Box<dyn Stream>> {
        match self {
            Self::Emulator(emulator) => Some(emulator.rtt()),
            #[cfg(feature = "probe")]
            Self::Probe(_) => None,
        }
    }

    fn post_mortem(&mut self) -> String {
        match self {
            Self::Emulator(emulator) => emulator.post_mortem(),
            #[cfg(feature = "probe")]
            Self::Probe(probed) => probed.post_mortem(),
        }
    }
}

impl Session {
    /// What more is known about a failure: how the emulator ended, and its last log lines. Empty
    /// where nothing is.
    #[must_use]
    pub fn post_mortem(&mut self) -> String {
        self.runner.as_mut().map_or_else(String::new, Runner::post_mortem)
    }
}

impl Device {
    /// Every device, in the order in which they are tried.
    pub fn all() -> impl Iterator<Item = Self> {
        let emulated = BOARDS.iter().filter(|board| board.emulator.is_some()).map(Self::Qemu);
        let devices = std::iter::once(Self::Loopback).chain(emulated);
        #[cfg(feature = "probe")]
        let devices = devices.chain(PROBED.iter().map(|(board, name)| Self::Probe(board, name)));
        devices
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
            Self::Qemu(board) => &board.name,
            #[cfg(feature = "probe")]
            Self::Probe(_, name) => name,
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
            Self::Qemu(board) => qemu::availability(&board.name, board, lab),
            #[cfg(feature = "probe")]
            Self::Probe(board, name) => probe::availability(name, board, lab),
        }
    }

    /// Starts the device with `model` in its flash region. [`availability`](Self::availability)
    /// tells before whether that can be.
    ///
    /// # Errors
    ///
    /// Where it does not come up.
    pub fn start(self, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
        match self {
            Self::Loopback => loopback::start(lab, model),
            Self::Qemu(board) => qemu::start(board, &board.name, lab, model),
            #[cfg(feature = "probe")]
            Self::Probe(board, name) => probe::start(name, board, &board.name, lab, model),
        }
    }

    /// The board that it is, where it is one.
    #[must_use]
    pub fn board(self) -> Option<&'static Board> {
        match self {
            Self::Loopback => None,
            Self::Qemu(board) => Some(board),
            #[cfg(feature = "probe")]
            Self::Probe(board, _) => Some(board),
        }
    }

    /// Whether it needs something on the desk.
    #[must_use]
    pub fn is_hardware(self) -> bool {
        self.board().is_some_and(|board| board.emulator.is_none())
    }

    /// Starts the board's binary that breaks on purpose, where it has one.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_faults(self, lab: &Lab) -> Option<Result<Session, DeviceError>> {
        let [_, faults, _] = self.board()?.programs();
        self.start_program(&faults, lab)
    }

    /// Starts the board's binary that holds the kernels against a reference, where it has one.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_kernels(self, lab: &Lab) -> Option<Result<Session, DeviceError>> {
        let [_, _, kernels] = self.board()?.programs();
        self.start_program(&kernels, lab)
    }

    fn start_program(self, program: &str, lab: &Lab) -> Option<Result<Session, DeviceError>> {
        match self {
            Self::Loopback => None,
            Self::Qemu(board) => Some(qemu::start(board, program, lab, &[])),
            #[cfg(feature = "probe")]
            Self::Probe(board, name) => Some(probe::start(name, board, program, lab, &[])),
        }
    }
}
