//! The edge of the stack, tried to the word.

use core::arch::naked_asm;

/// Pushes a word where the stack pointer is so many bytes above the stack's end, and comes back.
/// With 4 it is the stack's last word, with 0 the first one beyond.
// SAFETY: it moves the stack pointer, and puts it back before it returns.
#[unsafe(naked)]
pub extern "C" fn push_above_stack_end(_bytes: usize) {
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
