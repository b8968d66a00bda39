//! The core's own counter of cycles, in its data watchpoint and trace unit. No core that QEMU
//! emulates counts by it.

use cortex_m::peripheral::{DCB, DWT};

use super::counting::spin;
use crate::Counter;

/// Starts to count.
pub fn start(dcb: &mut DCB, dwt: &mut DWT) {
    dcb.enable_trace();
    dwt.enable_cycle_counter();
}

/// The counter of a core that runs at `hertz`, with what masks and unmasks interrupts there.
#[must_use]
pub const fn counter(hertz: u32, let_interrupt: fn(bool)) -> Counter {
    Counter { ticks: DWT::cycle_count, hertz, let_interrupt, spin }
}
