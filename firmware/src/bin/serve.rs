//! Serves the model in flash over the board's UART and RTT.

#![no_std]
#![no_main]

use firmware::hw::{board, entry, program};
use static_cell::ConstStaticCell;

static BUFFERS: ConstStaticCell<board::Buffers> = ConstStaticCell::new(board::Buffers::new());

/// Starts the board.
#[entry]
fn main() -> ! {
    match BUFFERS.try_take() {
        Some(buffers) => program::serve(board::take, buffers),
        None => program::refuse_second_start(),
    }
}
