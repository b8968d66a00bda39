//! The stack: what lies below it faults, and how deep it has been can be read afterwards.

use core::arch::asm;

use riscv::register::{Permission, Range, pmpaddr0, pmpcfg0};

/// What words of the stack hold that were never used.
pub const STACK_PAINT_VALUE: u32 = 0xCCCC_CCCC;

// SAFETY: the board's `memory.x` has it.
unsafe extern "C" {
    static _stack_end: u32;
}

/// Forbids the `1 << size_log2` bytes below the stack, whose end is aligned to as much, also to
/// machine mode (Privileged Architecture 3.7: a locked entry).
pub fn forbid_below(size_log2: u32) {
    let start = (&raw const _stack_end).addr().wrapping_sub(1_usize.wrapping_shl(size_log2));
    // SAFETY: nothing is linked below the stack, so no access of the program is forbidden but an
    // overflow. The address is that of one naturally aligned range: as many ones below it as its
    // size has bits, less three.
    unsafe {
        pmpaddr0::write(start >> 2 | 1_usize.wrapping_shl(size_log2.wrapping_sub(3)).wrapping_sub(1));
        pmpcfg0::set_pmp(0, Range::NAPOT, Permission::NONE, true);
    }
}

/// Fills what is free of the stack with [`STACK_PAINT_VALUE`]. To be called early: what was deeper
/// before is not counted.
pub fn paint() {
    // SAFETY: what is written lies in the stack's region and below the stack pointer, where nothing
    // is kept: the calling convention has no red zone, and this calls nothing.
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
