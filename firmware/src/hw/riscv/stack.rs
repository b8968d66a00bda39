//! Guards the stack's end and makes its depth measurable.

use core::arch::asm;

use riscv::register::{Permission, Range, pmpaddr0, pmpcfg0};

/// Value of unused words of the stack.
pub const STACK_PAINT_VALUE: u32 = 0xCCCC_CCCC;

// SAFETY: the board's `memory.x` defines it.
unsafe extern "C" {
    static _stack_end: u32;
}

/// Forbids the `1 << size_log2` bytes below the stack, whose end must be aligned to that size, also
/// to machine mode (Privileged Architecture 3.7: a locked entry).
pub fn forbid_below(size_log2: u32) {
    let start = (&raw const _stack_end).addr().wrapping_sub(1_usize.wrapping_shl(size_log2));
    // SAFETY: nothing is linked below the stack, so this only forbids overflows. The address of one
    // naturally aligned range ends in `size_log2 - 3` ones.
    unsafe {
        pmpaddr0::write(start >> 2 | 1_usize.wrapping_shl(size_log2.wrapping_sub(3)).wrapping_sub(1));
        pmpcfg0::set_pmp(0, Range::NAPOT, Permission::NONE, true);
    }
}

/// Fills the free stack with [`STACK_PAINT_VALUE`]. Call it early: earlier use is not counted.
pub fn paint() {
    // SAFETY: it only writes to the stack's region below the stack pointer, which is unused: the
    // calling convention does not have a red zone.
    unsafe {
        asm!(
            "1:",
            "bgeu {place}, sp, 2f",
            "sw {paint}, 0({place})",
            "addi {place}, {place}, 4",
            "j 1b",
            "2:",
            place = inout(reg) &raw const _stack_end => _,
            paint = in(reg) STACK_PAINT_VALUE,
        );
    }
}
