//! The CMSDK APB timer of Arm's MPS2 boards (Arm DDI 0479, chapter 4.2), as a counter.

use core::ptr::NonNull;

/// Registers, as offsets in words.
const CONTROL: usize = 0;
const VALUE: usize = 1;
const RELOAD: usize = 2;

const CONTROL_ENABLE: u32 = 1 << 0;

/// Starts to count.
///
/// # Safety
///
/// A CMSDK timer lies at `address`, and nothing else uses it.
pub unsafe fn start(address: NonNull<u32>) {
    for (register, value) in [(RELOAD, u32::MAX), (VALUE, u32::MAX), (CONTROL, CONTROL_ENABLE)] {
        // SAFETY: these are the timer's registers, as was promised.
        unsafe { address.add(register).write_volatile(value) };
    }
}

/// The count, which wraps.
///
/// # Safety
///
/// A CMSDK timer lies at `address`.
#[must_use]
pub unsafe fn ticks(address: NonNull<u32>) -> u32 {
    // It counts down.
    // SAFETY: reading this register, the timer's as was promised, has no effect.
    !unsafe { address.add(VALUE).read_volatile() }
}
