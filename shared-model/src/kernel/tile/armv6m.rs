//! Tiles of a dense layer by `MULS`: Armv6-M and Armv8-M Baseline.
//!
//! A halfword of a block holds `256 * odd + even` of two outputs, for one input. The halfword's products add up to
//! `256 * odd + even`, those of its lower byte alone to `even`. Sums stay in registers: two in lower ones, six in the upper,
//! which these cores can add to.

use core::arch::naked_asm;

use crate::kernel::gather::{MOST_PAIRS, Pair};

/// The products of two outputs for the two inputs in r1 and r3, whose weights are the next word at r2.
macro_rules! outputs {
    ($both:literal, $even:literal) => {
        concat!(
            "ldmia r2!, {{r4}}\n",
            "sxth r5, r4\n",
            "muls r5, r1, r5\n",
            "add ",
            $both,
            ", r5\n",
            "sxtb r5, r4\n",
            "muls r5, r1, r5\n",
            "add ",
            $even,
            ", r5\n",
            "asrs r4, r4, #16\n",
            "sxtb r5, r4\n",
            "muls r5, r3, r5\n",
            "add ",
            $even,
            ", r5\n",
            "muls r4, r3, r4\n",
            "add ",
            $both,
            ", r4\n",
        )
    };
}

/// Adds both sums of two outputs to their places: `even`, and `odd = (both - even) / 256`.
macro_rules! store {
    ($both:literal, $even:literal) => {
        concat!(
            "mov r1, ",
            $even,
            "\n",
            "mov r2, ",
            $both,
            "\n",
            "subs r2, r2, r1\n",
            "asrs r2, r2, #8\n",
            "ldr r3, [r0]\n",
            "adds r1, r1, r3\n",
            "ldr r3, [r0, #4]\n",
            "adds r2, r2, r3\n",
            "stmia r0!, {{r1, r2}}\n",
        )
    };
}

/// Adds the products of a list of pairs with the weights of `tile_count` tiles, one behind the other, to the sums of their
/// outputs, eight each.
///
/// # Safety
///
/// `list` has at least one pair, and behind the last one of zeros. For each, each tile has a block at the pair's offset. `tiles`
/// is aligned to four bytes. `tile_count` is not 0, and so many tiles and eight times so many sums are there.
#[unsafe(naked)]
pub unsafe extern "C" fn add_pairs(
    list: &[Pair; MOST_PAIRS + 1],
    tiles: *const u8,
    sums: *mut i32,
    tile_bytes: usize,
    tile_count: usize,
    _first: usize,
) {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4-r7}}",
        // list at 0, tiles at 4, sums at 8, tile_bytes at 12; tile_count at 52.
        "push {{r0-r3}}",
        "1:",
        "movs r6, #0",
        "movs r7, #0",
        "mov r8, r7",
        "mov r9, r7",
        "mov r10, r7",
        "mov r11, r7",
        "mov r12, r7",
        "mov lr, r7",
        "ldr r0, [sp]",
        "ldmia r0!, {{r1, r2}}",
        "2:",
        "ldr r4, [sp, #4]",
        "adds r2, r2, r4",
        "lsrs r3, r1, #16",
        "uxth r1, r1",
        outputs!("r6", "r7"),
        outputs!("r8", "r9"),
        outputs!("r10", "r11"),
        outputs!("r12", "lr"),
        "ldmia r0!, {{r1, r2}}",
        "cmp r1, #0",
        "bne 2b",
        "ldr r0, [sp, #8]",
        store!("r6", "r7"),
        store!("r8", "r9"),
        store!("r10", "r11"),
        store!("r12", "lr"),
        "str r0, [sp, #8]",
        "ldr r1, [sp, #4]",
        "ldr r2, [sp, #12]",
        "adds r1, r1, r2",
        "str r1, [sp, #4]",
        "ldr r1, [sp, #52]",
        "subs r1, r1, #1",
        "str r1, [sp, #52]",
        "beq 3f",
        "b 1b",
        "3:",
        "add sp, #16",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
    )
}
