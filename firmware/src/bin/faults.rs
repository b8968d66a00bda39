//! Ends as it is told to, on any board, so that tests see how a run ends. The first byte on the
//! link says how.

#![no_std]
#![no_main]

use firmware::hw::{board, entry, program};

/// Where the board begins.
#[entry]
fn main() -> ! {
    program::fail(board::take)
}
