//! The board that this firmware is built for: one file each, of which a feature chooses one.

#[cfg(feature = "microbit")]
mod microbit;
#[cfg(feature = "microbit")]
pub use microbit::{IDENTITY, take};
#[cfg(feature = "mps2")]
mod mps2;
#[cfg(feature = "mps2-an385")]
mod mps2_an385;
#[cfg(all(feature = "mps2", armv7m))]
mod mps2_armv7m;
#[cfg(feature = "mps2-an385")]
pub use mps2_an385::{IDENTITY, take};
#[cfg(feature = "mps2-an386")]
mod mps2_an386;
#[cfg(feature = "mps2-an386")]
pub use mps2_an386::{IDENTITY, take};
#[cfg(feature = "mps2-an500")]
mod mps2_an500;
#[cfg(feature = "mps2-an500")]
pub use mps2_an500::{IDENTITY, take};
#[cfg(feature = "mps2-an505")]
mod mps2_an505;
#[cfg(feature = "mps2-an505")]
pub use mps2_an505::{IDENTITY, take};
#[cfg(feature = "mps3-an547")]
mod mps3_an547;
#[cfg(feature = "mps3-an547")]
pub use mps3_an547::{IDENTITY, take};
#[cfg(feature = "nrf52840-dk")]
mod nrf52840_dk;
#[cfg(feature = "nrf52840-dk")]
pub use nrf52840_dk::{IDENTITY, take};
#[cfg(feature = "nucleo-l4r5zi")]
mod nucleo_l4r5zi;
#[cfg(feature = "nucleo-l4r5zi")]
pub use nucleo_l4r5zi::{IDENTITY, take};
#[cfg(feature = "pico2")]
mod pico2;
#[cfg(feature = "pico2")]
pub use pico2::{IDENTITY, take};
#[cfg(feature = "riscv32-virt")]
mod riscv32_virt;
#[cfg(feature = "riscv32-virt")]
pub use riscv32_virt::{IDENTITY, take};

// The chip's name travels in the ELF, where probe-rs looks for it, and takes no flash.
#[cfg(known_chip)]
core::arch::global_asm!(
    ".pushsection .probe-rs.chip, \"\", %progbits",
    concat!(".ascii \"", env!("BOARD_CHIP"), "\""),
    ".popsection"
);

/// What a board gives a program.
#[derive(Debug)]
pub struct Board<Uart, Led> {
    /// The link to whoever has a cable.
    pub uart: Uart,
    /// The status LED, lit when high.
    pub led: Led,
    /// Sleeps until there may be something to do: a byte came, or a millisecond or so has passed.
    pub sleep: fn(&mut Uart),
}
