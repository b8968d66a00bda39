//! Gathers pairs of inputs, four inputs at a time.

use core::arch::naked_asm;

use crate::kernel::gather::{MAX_PAIRS, PAIR_STEP, Pair};

/// Gathers from `words`, of two pairs of inputs each, into `list` until there is no room for four pairs more; `offset` is that
/// of the first pair. Returns how many pairs there are, and how many words were taken.
pub fn gather_words(words: &[[u8; 4]], list: &mut [Pair; MAX_PAIRS + 1], offset: u32) -> (usize, usize) {
    if words.is_empty() {
        return (0, 0);
    }
    let (first, start) = (words.as_ptr(), list.as_mut_ptr());
    let limit = start.cast_const().wrapping_add(MAX_PAIRS - 4);
    // SAFETY: the words are read from the first to the last at most, and at any alignment, as these cores do unless told to
    // trap, which nothing here does, or byte by byte; after each, the list has room for four pairs, or nothing more is
    // written to it.
    let ends = unsafe { gather(first, words.as_ptr_range().end, start, offset, limit) };
    let (list_end, words_end) = (ends as u32 as usize, (ends >> 32) as usize);
    let count = list_end.wrapping_sub(start.addr()) / size_of::<Pair>();
    (count, words_end.wrapping_sub(first.addr()) / 4)
}

/// Returns where the list ends in the lower half, and where the words that were taken end in the upper.
///
/// # Safety
///
/// There is a word at `first`, and further ones up to `end`; two pairs have room at `list` and at any address up to `limit`.
#[unsafe(naked)]
#[cfg(not(kernel_armv6m))]
unsafe extern "C" fn gather(
    first: *const [u8; 4],
    end: *const [u8; 4],
    list: *mut Pair,
    offset: u32,
    limit: *const Pair,
) -> u64 {
    naked_asm!(
        "push {{r4-r7}}",
        "ldr r12, [sp, #16]",
        "1:",
        "ldr r4, [r0], #4",
        "cbz r4, 4f",
        "uxth r5, r4",
        "cbz r5, 2f",
        "orr r5, r5, r5, lsl #8",
        "and r5, r5, #0x00FF00FF",
        "strd r5, r3, [r2], #8",
        "2:",
        "lsrs r5, r4, #16",
        "beq 3f",
        "orr r5, r5, r5, lsl #8",
        "and r5, r5, #0x00FF00FF",
        "add r6, r3, #{block}",
        "strd r5, r6, [r2], #8",
        "3:",
        "cmp r2, r12",
        "bhi 5f",
        "4:",
        "adds r3, #{two_blocks}",
        "cmp r0, r1",
        "bne 1b",
        "5:",
        "mov r1, r0",
        "mov r0, r2",
        "pop {{r4-r7}}",
        "bx lr",
        block = const PAIR_STEP,
        two_blocks = const 2 * PAIR_STEP,
    )
}

/// As above, for cores whose loads want aligned addresses, and which have no `CBZ`.
///
/// # Safety
///
/// As above.
#[unsafe(naked)]
#[cfg(kernel_armv6m)]
unsafe extern "C" fn gather(
    first: *const [u8; 4],
    end: *const [u8; 4],
    list: *mut Pair,
    offset: u32,
    limit: *const Pair,
) -> u64 {
    naked_asm!(
        "push {{r4-r6}}",
        "mov r12, r1",
        "ldr r6, [sp, #12]",
        "1:",
        "ldrb r4, [r0]",
        "ldrb r5, [r0, #1]",
        "lsls r5, r5, #16",
        "orrs r4, r5",
        "beq 2f",
        "mov r5, r3",
        "stmia r2!, {{r4, r5}}",
        "2:",
        "adds r3, #{block}",
        "ldrb r4, [r0, #2]",
        "ldrb r5, [r0, #3]",
        "adds r0, #4",
        "lsls r5, r5, #16",
        "orrs r4, r5",
        "beq 3f",
        "mov r5, r3",
        "stmia r2!, {{r4, r5}}",
        "3:",
        "adds r3, #{block}",
        "cmp r2, r6",
        "bhi 4f",
        "cmp r0, r12",
        "bne 1b",
        "4:",
        "mov r1, r0",
        "mov r0, r2",
        "pop {{r4-r6}}",
        "bx lr",
        block = const PAIR_STEP,
    )
}
