//! Work of known length, to calibrate a counter.

/// Runs a loop of two instructions `rounds` times.
#[inline(never)]
pub fn spin(rounds: u8) {
    if rounds == 0 {
        return;
    }
    // SAFETY: it only changes its register, and ends, since it starts above 0.
    unsafe {
        core::arch::asm!("1:", "addi {rounds}, {rounds}, -1", "bnez {rounds}, 1b",
            rounds = inout(reg) u32::from(rounds) => _, options(nomem, nostack));
    }
}
