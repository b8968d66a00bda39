//! The boards that QEMU emulates: their memory, and what a debugger finds in their cores.

use std::ops::Range;

/// An emulated board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// The name, which is also the chip's for probe-rs.
    pub name: &'static str,
    /// QEMU's name of the machine.
    pub machine: &'static str,
    /// The kind of its core.
    pub core: Core,
    /// Memory that programs are loaded to. The vector table is at its start.
    pub code: Region,
    /// Memory for variables, from which programs may run too.
    pub ram: Region,
    /// Whether the code memory is flash, which only takes writes from a debugger that halts the
    /// core.
    pub flash: bool,
}

/// A kind of core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// Cortex-M0, ARMv6-M.
    M0,
    /// Cortex-M3, ARMv7-M.
    M3,
    /// Cortex-M4, ARMv7E-M.
    M4,
    /// Cortex-M7, ARMv7E-M.
    M7,
    /// Cortex-M33, ARMv8-M.
    M33,
    /// Cortex-M55, ARMv8.1-M.
    M55,
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first address.
    pub start: u32,
    /// Bytes in it.
    pub length: u32,
}

/// The boards as chips, for probe-rs: its chip description, as YAML.
pub const CHIPS: &str = include_str!("../targets/emulated.yaml");

const MEBIBYTE: u32 = 1 << 20;

/// Every board that can be emulated.
pub const BOARDS: [Board; 6] = [
    Board {
        name: "mps2-an385",
        machine: "mps2-an385",
        core: Core::M3,
        code: Region { start: 0, length: 4 * MEBIBYTE },
        ram: Region { start: 0x2000_0000, length: 4 * MEBIBYTE },
        flash: false,
    },
    Board {
        name: "mps2-an386",
        machine: "mps2-an386",
        core: Core::M4,
        code: Region { start: 0, length: 4 * MEBIBYTE },
        ram: Region { start: 0x2000_0000, length: 4 * MEBIBYTE },
        flash: false,
    },
    Board {
        name: "mps2-an500",
        machine: "mps2-an500",
        core: Core::M7,
        code: Region { start: 0, length: 4 * MEBIBYTE },
        ram: Region { start: 0x2000_0000, length: 4 * MEBIBYTE },
        flash: false,
    },
    // The addresses by which the Secure state sees its memory: the core starts in that state. RAM
    // is of two halves.
    Board {
        name: "mps2-an505",
        machine: "mps2-an505",
        core: Core::M33,
        code: Region { start: 0x1000_0000, length: 4 * MEBIBYTE },
        ram: Region { start: 0x3800_0000, length: 4 * MEBIBYTE },
        flash: false,
    },
    Board {
        name: "mps3-an547",
        machine: "mps3-an547",
        core: Core::M55,
        code: Region { start: 0, length: MEBIBYTE / 2 },
        ram: Region { start: 0x2000_0000, length: MEBIBYTE / 2 },
        flash: false,
    },
    Board {
        name: "microbit",
        machine: "microbit",
        core: Core::M0,
        code: Region { start: 0, length: MEBIBYTE / 4 },
        ram: Region { start: 0x2000_0000, length: 16 << 10 },
        flash: true,
    },
];

impl Board {
    /// The board of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        BOARDS.iter().find(|board| board.name == name)
    }
}

impl Region {
    /// Whether `address` is in it.
    #[must_use]
    pub fn contains(self, address: u32) -> bool {
        address.checked_sub(self.start).is_some_and(|offset| offset < self.length)
    }

    /// Its addresses.
    #[must_use]
    pub fn range(self) -> Range<u64> {
        u64::from(self.start)..u64::from(self.start) + u64::from(self.length)
    }
}

impl Core {
    /// Whether breakpoint comparators hold a whole address (the second revision), not one of the
    /// first 512 MiB.
    pub(crate) fn wide_comparators(self) -> bool {
        matches!(self, Self::M7 | Self::M33 | Self::M55)
    }

    /// How many breakpoint comparators it has.
    pub(crate) fn comparators(self) -> u32 {
        match self {
            Self::M0 => 4,
            Self::M3 | Self::M4 => 6,
            Self::M7 | Self::M33 | Self::M55 => 8,
        }
    }

    /// Whether it has the Security Extension, and so starts in the Secure state.
    pub(crate) fn secure(self) -> bool {
        matches!(self, Self::M33 | Self::M55)
    }

    /// Whether its vector table can be moved.
    pub(crate) fn movable_vectors(self) -> bool {
        self != Self::M0
    }

    /// What the access port says that it is.
    pub(crate) fn access_port_id(self) -> u32 {
        match self {
            Self::M0 => 0x0477_0021,
            Self::M3 | Self::M4 => 0x2477_0011,
            Self::M7 => 0x8477_0001,
            Self::M33 | Self::M55 => 0x1477_0015,
        }
    }
}
