//! Work of known length, to calibrate a counter by.

/// A loop of two instructions, `rounds` times.
#[inline(never)]
pub fn spin(rounds: u8) {
    if rounds == 0 {
        return;
    }
    // SAFETY: it changes nothing but its register, and ends, since it begins above 0.
    unsafe {
        core::arch::asm!("1:", "addi {rounds}, {rounds}, -1", "bnez {rounds}, 1b",
            rounds = inout(reg) u32::from(rounds) => _, options(nomem, nostack));
    }
}
