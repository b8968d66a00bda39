//! Tests the end of the stack, exact to the word.

use core::arch::naked_asm;

/// Pushes a word with the stack pointer that many bytes above the stack's end: 4 writes the stack's
/// last word, 0 the first one after it.
///
/// # Safety
///
/// Nothing else uses that word, and interrupts are masked: a handler would run on this stack.
// SAFETY: it follows the C convention, and restores the stack pointer before it returns.
#[unsafe(naked)]
pub unsafe extern "C" fn push_above_stack_end(_bytes: usize) {
    naked_asm!(
        "la t0, _stack_end",
        "add t0, t0, a0",
        "mv t1, sp",
        "addi sp, t0, -4",
        "sw t1, 0(sp)",
        "mv sp, t1",
        "ret",
    )
}
