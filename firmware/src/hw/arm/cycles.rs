//! The core's cycle counter (DWT), which QEMU does not emulate.

use cortex_m::peripheral::{DCB, DWT};

use super::counting::spin;
use crate::Counter;

/// Starts the counter.
pub fn start(dcb: &mut DCB, dwt: &mut DWT) {
    dcb.enable_trace();
    dwt.enable_cycle_counter();
}

/// Returns the counter of a core that runs at `hertz`.
pub const fn counter(hertz: u32, let_interrupt: fn(bool)) -> Counter {
    Counter { ticks: DWT::cycle_count, hertz, let_interrupt, spin }
}
