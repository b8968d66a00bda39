//! The core's cycle counter (DWT), which QEMU does not emulate.

use cortex_m::peripheral::{DCB, DWT};
use prenda_serve::Counter;

use super::counting::spin;

/// Starts the counter.
pub fn start(dcb: &mut DCB, dwt: &mut DWT) {
    dcb.enable_trace();
    dwt.enable_cycle_counter();
}

/// Returns the counter of a core that runs at `hertz`, and whose drivers may need interrupts.
pub const fn counter(hertz: u32, has_interrupts: bool) -> Counter {
    let let_interrupt = if has_interrupts { let_interrupt } else { |_| () };
    Counter { ticks: DWT::cycle_count, hertz, let_interrupt, spin }
}

fn let_interrupt(may: bool) {
    if may {
        // SAFETY: only called outside of critical sections.
        unsafe { cortex_m::interrupt::enable() };
    } else {
        cortex_m::interrupt::disable();
    }
}
