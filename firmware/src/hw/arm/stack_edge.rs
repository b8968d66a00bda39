//! The edge of the stack, tried to the word.

use core::arch::naked_asm;

/// Pushes a word where the stack pointer is so many bytes above the stack's end, and comes back.
/// With 4 it is the stack's last word, with 0 the first one beyond.
// SAFETY: it moves the stack pointer, and puts it back before it returns.
#[unsafe(naked)]
pub extern "C" fn push_above_stack_end(_bytes: usize) {
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
