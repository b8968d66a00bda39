//! Makes the addresses below the stack fault on a board whose bus takes them for something
//! (ARMv7-M's MPU: Arm DDI 0403, B3.5). Most parts have nothing there and need no guard.

use cortex_m::peripheral::MPU;

/// A region is on, no instruction is fetched from it, and nothing may read or write it.
const NO_ACCESS: u32 = 1 << 28 | 1;

/// Everything outside the regions stays as it is, for privileged code.
const ENABLE_WITH_DEFAULT_MAP: u32 = 1 << 2 | 1;

/// Forbids the `1 << size_log2` bytes below `stack_end`, which is aligned to as much.
pub fn forbid_below(mpu: &mut MPU, stack_end: u32, size_log2: u32) {
    // SAFETY: nothing is linked below the stack, so no access of the program is forbidden but an
    // overflow; the register values are those of one whole region, number 0.
    unsafe {
        mpu.rnr.write(0);
        mpu.rbar.write(stack_end.wrapping_sub(1 << size_log2));
        mpu.rasr.write(NO_ACCESS | size_log2.wrapping_sub(1) << 1);
        mpu.ctrl.write(ENABLE_WITH_DEFAULT_MAP);
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}
