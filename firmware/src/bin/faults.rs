//! Fails in the way that the first byte on the link requests, for tests.

#![no_std]
#![no_main]

use firmware::hw::{entry, program};

/// Starts the board.
#[entry]
fn main() -> ! {
    program::fail()
}
