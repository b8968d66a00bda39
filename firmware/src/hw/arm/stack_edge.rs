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
        "ldr r1, =_stack_end",
        "adds r1, r1, r0",
        "mov r2, sp",
        "mov sp, r1",
        "push {{r2}}",
        "mov sp, r2",
        "bx lr",
    )
}
