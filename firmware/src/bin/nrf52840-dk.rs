//! Nordic's nRF52840 DK: a Cortex-M4F.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware::Buffers;
use firmware::hw::{board, program};

#[entry]
fn main() -> ! {
    // Frames up to 2 KB, hidden layers up to 1024 neurons, up to 32 classes.
    static mut BUFFERS: Buffers<2048, 1024, 32> = Buffers::new();

    program::serve(board::take, BUFFERS)
}
