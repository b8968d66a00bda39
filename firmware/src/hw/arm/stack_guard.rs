//! Makes addresses below the stack fault on boards whose bus has something there (ARMv7-M's MPU:
//! Arm DDI 0403, B3.5).

use cortex_m::peripheral::MPU;

/// Enables a region that forbids reads, writes and instruction fetches.
const NO_ACCESS: u32 = 1 << 28 | 1;

/// Enables the MPU and leaves all other addresses unchanged for privileged code.
const ENABLE_WITH_DEFAULT_MAP: u32 = 1 << 2 | 1;

/// Forbids the `1 << size_log2` bytes below `stack_end`, which must be aligned to that size.
pub fn forbid_below(mpu: &mut MPU, stack_end: u32, size_log2: u32) {
    // SAFETY: nothing is linked below the stack, so this only forbids overflows. The values are
    // those of one whole region, number 0.
    unsafe {
        mpu.rnr.write(0);
        mpu.rbar.write(stack_end.wrapping_sub(1 << size_log2));
        mpu.rasr.write(NO_ACCESS | size_log2.wrapping_sub(1) << 1);
        mpu.ctrl.write(ENABLE_WITH_DEFAULT_MAP);
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}
