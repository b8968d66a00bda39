//! Ends in the way that the first byte on the link asks for, so that tests see how runs end.

#![no_std]
#![no_main]

use firmware::hw::{board, entry, program};

/// Starts the board.
#[entry]
fn main() -> ! {
    program::fail(board::take)
}
