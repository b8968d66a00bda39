//! Ends as it is told to, on any board, so that tests see how a run ends. The first byte on the link says how.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware::hw::{board, program};

#[entry]
fn main() -> ! {
    program::fail(board::take())
}
