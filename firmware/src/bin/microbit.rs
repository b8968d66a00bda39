//! BBC micro:bit, first version: an nRF51822, a Cortex-M0, which QEMU emulates.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware::Buffers;
use firmware::hw::{board, program};

#[entry]
fn main() -> ! {
    // Frames up to 1 KB, hidden layers up to 256 neurons, up to 16 classes: RAM is 16 KB.
    static mut BUFFERS: Buffers<1024, 256, 16> = Buffers::new();

    program::serve(board::take, BUFFERS)
}
