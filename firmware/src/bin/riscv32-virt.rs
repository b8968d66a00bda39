//! QEMU's RISC-V machine `virt`, with one 32-bit hart.

#![no_std]
#![no_main]

use firmware::Buffers;
use firmware::hw::{board, program};
use riscv_rt::entry;
use static_cell::ConstStaticCell;

/// Frames up to 2 KB, hidden layers up to 1024 neurons, up to 32 classes.
static BUFFERS: ConstStaticCell<Buffers<2048, 1024, 32>> = ConstStaticCell::new(Buffers::new());

/// Where the board begins.
#[entry]
fn main() -> ! {
    match BUFFERS.try_take() {
        Some(buffers) => program::serve(board::take, buffers),
        None => program::refuse_second_start(),
    }
}
