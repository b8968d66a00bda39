//! Devices: finding and starting them.

mod elf;
mod foreign;
mod loopback;
mod page;
#[cfg(feature = "probe")]
mod probe;
mod qemu;
mod rtt;

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use boards::Board;
use clap::ValueEnum;
use thiserror::Error;

pub use foreign::{Foreign, Place};
pub use virtual_probe::{Killer, stop_all_at_signals};

use crate::{Client, INSTRUCTION_SHIFT, Stream, Target};

/// Silence after which a device counts as hung: far more than any answer takes, even on a busy
/// machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Timeout of one read or write, after which the client checks its deadline.
pub const IO_TIMEOUT: Duration = Duration::from_millis(5);

/// A device under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// `prenda-serve` on a thread of this process.
    Loopback,
    /// The playground's page in a headless browser.
    Wasm,
    /// A board in QEMU.
    Qemu(&'static Board),
    /// A board reached through a debug probe, and the device's name.
    #[cfg(feature = "probe")]
    Probe(&'static Board, &'static str),
    /// A program of others.
    Foreign(&'static Foreign),
}

/// Names of the RTT channels, as in the firmware.
const LOGS: &str = "defmt";
const LINK: &str = "link";

/// Every board, or none if their files cannot be read: `program::parse_device` reports that.
static BOARDS: LazyLock<Vec<Board>> = LazyLock::new(|| boards::all().unwrap_or_default());

/// Every board that a probe can reach, with the device's name.
#[cfg(feature = "probe")]
static PROBED: LazyLock<Vec<(&Board, String)>> = LazyLock::new(|| {
    let boards = BOARDS.iter().filter(|board| board.chip.is_some());
    boards.map(|board| (board, format!("probe-{}", board.name))).collect()
});

/// The path of frames to an emulated board. Its firmware listens on both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Link {
    /// Through the emulator's memory, like a debug probe. Faster: one step moves many bytes.
    #[default]
    Rtt,
    /// Through the board's UART and its driver.
    Uart,
}

/// The settings with which devices are found and started.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Folder with one ELF for each board, `BOARD.elf`, and the page `wasm.html`.
    pub firmware: PathBuf,
    /// The link to emulated boards.
    pub link: Link,
    /// Emulated nanoseconds for each instruction, as a power of two, so that counters count
    /// instructions. `None` emulates in real time.
    pub instruction_shift: Option<u8>,
    /// The debug probe for hardware boards, as `VENDOR:PRODUCT` or `VENDOR:PRODUCT:SERIAL`; by
    /// default the only one connected.
    pub probe: Option<String>,
    /// Longest silence of a device.
    pub patience: Duration,
    /// Print a device's log lines on standard error.
    pub show_logs: bool,
    /// Further arguments of the emulator.
    pub emulator_arguments: Vec<OsString>,
}

/// The reason why a device does not start.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// Something that it needs is missing.
    #[error("{device} is not available: {reason}")]
    Absent {
        /// The device.
        device: &'static str,
        /// The missing thing, and the command that adds it.
        reason: String,
    },
    /// The model does not fit the device's flash.
    #[error("the model is too large for {device}: found {found} bytes, expected at most {capacity}")]
    ModelTooLarge {
        /// The device.
        device: &'static str,
        /// Length of the model in bytes.
        found: usize,
        /// Bytes of the device's model region.
        capacity: u64,
    },
    /// It did not start.
    #[error("{device} did not start: {reason}")]
    NotStarted {
        /// The device.
        device: &'static str,
        /// The failure.
        reason: String,
    },
}

/// A running device and its client. Dropping it ends the device.
#[derive(Debug)]
pub struct Session {
    /// The device.
    pub device: Device,
    /// The conversation.
    pub client: Client,
    /// The device's runner; `None` for loopback.
    pub runner: Option<Box<dyn Runner>>,
}

/// An emulator or a debug probe that runs a device's firmware.
pub trait Runner: Debug {
    /// Waits for the firmware to end for at most `patience`, and returns its exit code.
    fn exit_code(&self, patience: Duration) -> Option<i32>;
    /// Returns the firmware's last log lines; all of them are there once it has ended.
    fn logs(&mut self) -> Vec<String>;
    /// Returns a handle that kills the emulator, if there is one.
    fn killer(&self) -> Option<Killer>;
    /// Returns the link over RTT, next to a client on the UART; `None` through a probe.
    fn rtt(&self) -> Option<Box<dyn Stream>>;
    /// Returns the end of emulator or program and the last log lines, for an error message.
    fn post_mortem(&mut self) -> String;
}

impl Session {
    /// Returns details for an error message: how the emulator ended, and the last log lines. Empty
    /// for loopback.
    #[must_use]
    pub fn post_mortem(&mut self) -> String {
        self.runner.as_mut().map_or_else(String::new, |runner| runner.post_mortem())
    }
}

impl Device {
    /// Returns every device, in the order of the trials.
    pub fn all() -> impl Iterator<Item = Self> {
        let emulated = BOARDS.iter().filter(|board| board.emulator.is_some()).map(Self::Qemu);
        let devices = [Self::Loopback, Self::Wasm].into_iter().chain(emulated);
        #[cfg(feature = "probe")]
        let devices = devices.chain(PROBED.iter().map(|(board, name)| Self::Probe(board, name)));
        devices
    }

    /// Returns the device of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|device| device.name() == name)
    }

    /// Returns the name in its record's file name. A program of others never has that of a board.
    #[must_use]
    pub fn record_name(self) -> String {
        if self.is_foreign() { format!("elf-{}", self.name()) } else { self.name().to_owned() }
    }

    /// Returns true for a program of others.
    pub(crate) fn is_foreign(self) -> bool {
        matches!(self, Self::Foreign(_))
    }

    /// Returns the device that runs the program of others at `elf`. It lives as long as this
    /// process.
    #[must_use]
    pub fn of_elf(elf: &Path, place: Place) -> Self {
        Self::Foreign(Box::leak(Box::new(Foreign::new(elf, place))))
    }

    /// Returns the device's name, as on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Wasm => page::NAME,
            Self::Qemu(board) => &board.name,
            #[cfg(feature = "probe")]
            Self::Probe(_, name) => name,
            Self::Foreign(foreign) => &foreign.name,
        }
    }

    /// Checks that the device can be started here.
    ///
    /// # Errors
    ///
    /// Returns [`DeviceError::Absent`] if something is missing.
    pub fn availability(self, lab: &Lab) -> Result<(), DeviceError> {
        match self {
            Self::Loopback => Ok(()),
            Self::Wasm => page::availability(lab),
            Self::Qemu(board) => qemu::availability(&board.name, board, lab),
            #[cfg(feature = "probe")]
            Self::Probe(board, name) => probe::availability(name, board, lab),
            Self::Foreign(foreign) => foreign.availability(lab),
        }
    }

    /// Starts the device with `model` in its flash region.
    ///
    /// # Errors
    ///
    /// Returns [`DeviceError`] if it does not start.
    pub fn start(self, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
        match self {
            Self::Loopback => loopback::start(lab, model),
            Self::Wasm => page::start(lab, model),
            Self::Qemu(board) => qemu::start(board, &board.name, lab, model),
            #[cfg(feature = "probe")]
            Self::Probe(board, _) => probe::start(self, board, &board.name, lab, model),
            Self::Foreign(foreign) => foreign.start(lab, model),
        }
    }

    /// Returns the device's board; `None` for loopback, for the page and for programs of others.
    #[must_use]
    pub fn board(self) -> Option<&'static Board> {
        match self {
            Self::Loopback | Self::Wasm | Self::Foreign(_) => None,
            Self::Qemu(board) => Some(board),
            #[cfg(feature = "probe")]
            Self::Probe(board, _) => Some(board),
        }
    }

    /// Returns the target that runs the device's code. An emulated board is emulated also through
    /// the virtual probe.
    #[must_use]
    pub fn target(self) -> Target {
        match (self, self.board()) {
            (Self::Foreign(foreign), _) => foreign.target(),
            (Self::Wasm, _) => Target::Browser,
            (_, None) => Target::Host,
            (_, Some(board)) if board.emulator.is_some() => Target::Emulator,
            (_, Some(_)) => Target::Hardware,
        }
    }

    /// Returns the board's name that the device gives of itself; `None` for programs of others.
    #[must_use]
    pub fn board_name(self) -> Option<&'static str> {
        match self {
            Self::Foreign(_) => None,
            _ => Some(self.board().map_or(self.name(), |board| &board.name)),
        }
    }

    /// Returns true for a hardware board.
    #[must_use]
    pub fn is_hardware(self) -> bool {
        self.target() == Target::Hardware
    }

    /// Returns true if the device's counter gives instructions or cycles. Through a probe, an
    /// emulated core runs in steps, so its counts would be wrong.
    #[must_use]
    pub fn counts(self) -> bool {
        matches!(self, Self::Qemu(_)) || self.is_hardware()
    }

    /// Returns the [`Lab`]'s `instruction_shift` with which the device counts; `None` for cycles,
    /// and if it does not count.
    #[must_use]
    pub fn instruction_shift(self) -> Option<u8> {
        (self.counts() && !self.is_hardware()).then_some(INSTRUCTION_SHIFT)
    }

    /// Starts the board's program that fails on purpose.
    ///
    /// # Errors
    ///
    /// Returns [`DeviceError`] if it does not start; only boards have one.
    pub fn start_faults(self, lab: &Lab) -> Result<Session, DeviceError> {
        self.start_program(1, lab)
    }

    /// Starts the board's program that compares the kernels with a reference.
    ///
    /// # Errors
    ///
    /// Returns [`DeviceError`] if it does not start; only boards have one.
    pub fn start_kernels(self, lab: &Lab) -> Result<Session, DeviceError> {
        self.start_program(2, lab)
    }

    fn start_program(self, index: usize, lab: &Lab) -> Result<Session, DeviceError> {
        match self {
            Self::Loopback | Self::Wasm | Self::Foreign(_) => {
                Err(elf::not_started(self.name(), &anyhow::anyhow!("it has no such program")))
            }
            Self::Qemu(board) => qemu::start(board, &board.programs()[index], lab, &[]),
            #[cfg(feature = "probe")]
            Self::Probe(board, _) => probe::start(self, board, &board.programs()[index], lab, &[]),
        }
    }
}
