//! The system counter of Arm's SSE-300 (Armv8-M's generic counter: Arm DDI 0487, chapter I2).

use core::ptr::NonNull;

/// Bit of the control frame's first register.
const CONTROL_ENABLE: u32 = 1 << 0;

/// Starts the counter.
///
/// # Safety
///
/// `address` must be that of the counter's control frame, which nothing else uses.
pub unsafe fn start(address: NonNull<u32>) {
    // SAFETY: the caller guarantees that this is the control register.
    unsafe { address.write_volatile(CONTROL_ENABLE) };
}

/// Returns the lower half of the count, which wraps.
///
/// # Safety
///
/// `address` must be that of the counter's read frame.
pub unsafe fn ticks(address: NonNull<u32>) -> u32 {
    // SAFETY: the caller guarantees that this is the count, and reading it has no effect.
    unsafe { address.read_volatile() }
}
