//! What counting takes: the hart's own counter, and work of known length.

use riscv::register::mcycle;

use crate::Counter;

/// The counter of a hart that makes `hertz` counts a second.
#[must_use]
pub const fn counter(hertz: u32) -> Counter {
    // Interrupts are masked for good.
    Counter { ticks, hertz, let_interrupt: |_| (), spin }
}

fn ticks() -> u32 {
    mcycle::read() as u32
}

/// A loop of two instructions, `rounds` times.
#[inline(never)]
fn spin(rounds: u8) {
    if rounds == 0 {
        return;
    }
    // SAFETY: it changes nothing but its register, and ends, since it begins above 0.
    unsafe {
        core::arch::asm!("1:", "addi {rounds}, {rounds}, -1", "bnez {rounds}, 1b",
            rounds = inout(reg) u32::from(rounds) => _, options(nomem, nostack));
    }
}
