//! The board that the firmware is built for, selected by a feature.

// From `build.rs`: `mod selected`, whose path is `boards/BOARD/board.rs`.
include!(concat!(env!("OUT_DIR"), "/selected_board.rs"));

pub use selected::{Buffers, IDENTITY, Workspace, take};

// The chip's name for probe-rs, in a section of the ELF that is not loaded.
#[cfg(known_chip)]
core::arch::global_asm!(
    ".pushsection .probe-rs.chip, \"\", %progbits",
    concat!(".ascii \"", env!("BOARD_CHIP"), "\""),
    ".popsection"
);

/// The peripherals of a board.
pub struct Board<Uart, Led, Sleep = fn(&mut Uart)> {
    /// The serial link to a host.
    pub uart: Uart,
    /// The status LED, lit when high.
    pub led: Led,
    /// Sleeps until bytes may have arrived, at most about a millisecond.
    pub sleep: Sleep,
}
