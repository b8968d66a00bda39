//! Serves the model in flash over the board's UART and RTT.

#![no_std]
#![no_main]

use firmware::hw::{board, entry, program};

/// Starts the board.
#[entry]
fn main() -> ! {
    program::serve(board::take)
}
