//! The system counter of Arm's SSE-300 (Armv8-M's generic counter: Arm DDI 0487, chapter I2), whose
//! lower half counts for us.

use core::ptr::NonNull;

/// Control, the first register of the control frame.
const CONTROL_ENABLE: u32 = 1 << 0;

/// Starts to count.
///
/// # Safety
///
/// The counter's control frame lies at `address`, and nothing else uses it.
pub unsafe fn start(address: NonNull<u32>) {
    // SAFETY: this is the control register, as was promised.
    unsafe { address.write_volatile(CONTROL_ENABLE) };
}

/// The count, which wraps.
///
/// # Safety
///
/// The counter's read frame lies at `address`.
#[must_use]
pub unsafe fn ticks(address: NonNull<u32>) -> u32 {
    // SAFETY: the first register is the lower half of the count, as was promised, and reading it
    // has no effect.
    unsafe { address.read_volatile() }
}
