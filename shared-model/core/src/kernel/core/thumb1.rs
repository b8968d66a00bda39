//! Kernels for Armv6-M and Armv8-M Baseline: gathering, with aligned loads only and without `CBZ`.

use core::arch::naked_asm;

use crate::kernel::pair_list::Pair;

/// [`Core::PAIR_STEP`](super::Core::PAIR_STEP) of these cores: the size of a block of pairs.
pub const PAIR_STEP: usize = 16;

/// Appends the pair of the bytes at two places from r0 to the list at r2, unless it is zero.
/// `$next` advances r0. r3 is the pair's offset, and then that of the next pair. Changes r4 and r5.
macro_rules! pair {
    ($even:literal, $odd:literal, $next:literal, $end:literal) => {
        concat!(
            "ldrb r4, [r0, #",
            $even,
            "]\n",
            "ldrb r5, [r0, #",
            $odd,
            "]\n",
            $next,
            "lsls r5, r5, #16\n",
            "orrs r4, r5\n",
            "beq ",
            $end,
            "f\n",
            "mov r5, r3\n",
            "stmia r2!, {{r4, r5}}\n",
            $end,
            ":\n",
            "adds r3, #{block}\n",
        )
    };
}

/// # Safety
///
/// See [`GatherKernel`](super::assembly::GatherKernel).
#[unsafe(naked)]
pub unsafe extern "C" fn gather(
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
        pair!("0", "1", "", "2"),
        pair!("2", "3", "adds r0, #4\n", "3"),
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

/// Gathers the pairs of a window's rows. Returns the end of the list.
///
/// # Safety
///
/// `count` and `values` are not 0. There are `count` rows of `values` bytes at `first`, at any
/// alignment, with `gap` bytes from the end of a row to the start of the next, and room for all of
/// their pairs at `list`.
#[unsafe(naked)]
pub unsafe extern "C" fn gather_rows(
    first: *const u8,
    gap: usize,
    list: *mut Pair,
    offset: u32,
    count: usize,
    values: usize,
    offset_gap: u32,
) -> *mut Pair {
    naked_asm!(
        // count at 12, values at 16, offset_gap at 20.
        "push {{r4-r6}}",
        "1:",
        "ldr r6, [sp, #16]",
        "subs r6, #2",
        "blo 4f",
        "2:",
        pair!("0", "1", "adds r0, #2\n", "3"),
        "subs r6, #2",
        "bhs 2b",
        "4:",
        "adds r6, #2",
        "beq 6f",
        "ldrb r4, [r0]",
        "adds r0, #1",
        "cmp r4, #0",
        "beq 5f",
        "mov r5, r3",
        "stmia r2!, {{r4, r5}}",
        "5:",
        "adds r3, #{block}",
        "6:",
        "adds r0, r0, r1",
        "ldr r4, [sp, #20]",
        "adds r3, r3, r4",
        "ldr r4, [sp, #12]",
        "subs r4, #1",
        "str r4, [sp, #12]",
        "bne 1b",
        "mov r0, r2",
        "pop {{r4-r6}}",
        "bx lr",
        block = const PAIR_STEP,
    )
}
