//! Serves the model in flash over the board's UART and RTT.

#![no_std]
#![no_main]

use firmware::hw::{entry, program};

/// Starts the board.
#[entry]
fn main() -> ! {
    program::serve()
}
