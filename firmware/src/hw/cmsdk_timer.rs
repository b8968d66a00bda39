//! The CMSDK APB timer of Arm's MPS2 boards (Arm DDI 0479, chapter 4.2), as a counter.

use core::ptr::NonNull;

/// Registers, as offsets in words.
const CONTROL: usize = 0;
const VALUE: usize = 1;
const RELOAD: usize = 2;

const CONTROL_ENABLE: u32 = 1 << 0;

/// Starts the timer.
///
/// # Safety
///
/// `address` must be that of a CMSDK timer that nothing else uses.
pub unsafe fn start(address: NonNull<u32>) {
    for (register, value) in [(RELOAD, u32::MAX), (VALUE, u32::MAX), (CONTROL, CONTROL_ENABLE)] {
        // SAFETY: the caller guarantees that these are the timer's registers.
        unsafe { address.add(register).write_volatile(value) };
    }
}

/// Returns the count, which wraps.
///
/// # Safety
///
/// `address` must be that of a CMSDK timer.
pub unsafe fn ticks(address: NonNull<u32>) -> u32 {
    // Inverted, because the timer counts down.
    // SAFETY: the caller guarantees that this is the timer's, and reading it has no effect.
    !unsafe { address.add(VALUE).read_volatile() }
}
