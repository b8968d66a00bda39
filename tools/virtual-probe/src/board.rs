//! The boards that QEMU emulates: their memory and the debug features of their cores.

use std::ops::Range;

/// An emulated board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// The name of the board, and of its chip for probe-rs.
    pub name: &'static str,
    /// QEMU's name for the machine.
    pub machine: &'static str,
    /// The kind of its core.
    pub core: Core,
    /// Part number in the core's ROM table.
    pub part: u16,
    /// Memory that programs are loaded to. The vector table is at its start.
    pub code: Region,
    /// Memory for variables, from which programs may run too.
    pub ram: Region,
    /// True if a debugger must halt the core to write the code memory.
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
    /// Length in bytes.
    pub length: u32,
}

/// The description of the emulated chips for probe-rs, in YAML.
pub const CHIPS: &str = include_str!("../targets/emulated.yaml");

/// Every board that can be emulated and debugged: those with `[emulator.probe]` in `board.toml`.
pub const BOARDS: &[Board] = include!(concat!(env!("OUT_DIR"), "/boards.rs"));

impl Board {
    /// Returns the board called `name`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        BOARDS.iter().find(|board| board.name == name)
    }
}

impl Region {
    /// Returns true if `address` is in the region.
    #[must_use]
    pub fn contains(self, address: u32) -> bool {
        address.checked_sub(self.start).is_some_and(|offset| offset < self.length)
    }

    /// Returns the addresses of the region.
    #[must_use]
    pub fn range(self) -> Range<u64> {
        u64::from(self.start)..u64::from(self.start) + u64::from(self.length)
    }
}

impl Core {
    /// Returns the core with this name in `board.toml`. An unknown name fails the build.
    const fn named(name: &str) -> Self {
        match name.as_bytes() {
            b"cortex-m0" => Self::M0,
            b"cortex-m3" => Self::M3,
            b"cortex-m4" => Self::M4,
            b"cortex-m7" => Self::M7,
            b"cortex-m33" => Self::M33,
            b"cortex-m55" => Self::M55,
            _ => panic!("virtual-probe does not know this core; add it to Core in src/board.rs"),
        }
    }

    /// Returns true if breakpoint comparators hold any address (revision 2), and not only one of
    /// the first 512 MiB.
    pub(crate) fn wide_comparators(self) -> bool {
        matches!(self, Self::M7 | Self::M33 | Self::M55)
    }

    /// Returns the number of breakpoint comparators.
    pub(crate) fn comparators(self) -> u32 {
        match self {
            Self::M0 => 4,
            Self::M3 | Self::M4 => 6,
            Self::M7 | Self::M33 | Self::M55 => 8,
        }
    }

    /// Returns true if the core has the Security Extension, and so starts in the Secure state.
    pub(crate) fn secure(self) -> bool {
        matches!(self, Self::M33 | Self::M55)
    }

    /// Returns true if the vector table can be moved.
    pub(crate) fn movable_vectors(self) -> bool {
        self != Self::M0
    }

    /// Returns the identification register of the access port.
    pub(crate) fn access_port_id(self) -> u32 {
        match self {
            Self::M0 => 0x0477_0021,
            Self::M3 | Self::M4 => 0x2477_0011,
            Self::M7 => 0x8477_0001,
            Self::M33 | Self::M55 => 0x1477_0015,
        }
    }
}
