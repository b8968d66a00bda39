//! The board that this firmware is built for. `build.rs` chooses it by its feature.

// `mod selected`, whose `#[path]` is `boards/BOARD/board.rs`.
include!(concat!(env!("OUT_DIR"), "/selected_board.rs"));

pub use selected::{Buffers, IDENTITY, take};

// The chip's name travels in the ELF, where probe-rs looks for it, and takes no flash.
#[cfg(known_chip)]
core::arch::global_asm!(
    ".pushsection .probe-rs.chip, \"\", %progbits",
    concat!(".ascii \"", env!("BOARD_CHIP"), "\""),
    ".popsection"
);

/// The peripherals that a board gives to a program.
#[derive(Debug)]
pub struct Board<Uart, Led> {
    /// The serial link to a host.
    pub uart: Uart,
    /// The status LED, lit when high.
    pub led: Led,
    /// Sleeps until bytes may have arrived, at most about a millisecond.
    pub sleep: fn(&mut Uart),
}
