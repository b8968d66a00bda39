//! Kernels for Armv7-M and Armv8-M Mainline: gathering, and ReLU with requantization.

use core::arch::naked_asm;

use super::frame::cpu;

use crate::kernel::pair_list::Pair;

/// [`Core::PAIR_STEP`](super::Core::PAIR_STEP) of these cores, which shift while they add.
pub const PAIR_STEP: usize = 4;

/// Appends the two bytes in r5 to the list at r2.
macro_rules! append {
    ($offset:literal) => {
        concat!("orr r5, r5, r5, lsl #8\n", "and r5, r5, #0x00FF00FF\n", "strd r5, ", $offset, ", [r2], #8\n",)
    };
}

/// Appends the two pairs of the word in r4, which is not zero, to the list at r2, unless they are
/// zero. r3 is the offset of the first. Changes r4, r5 and the two registers.
#[cfg(kernel_dsp)]
macro_rules! word_pairs {
    ($one:literal, $other:literal) => {
        concat!(
            // The even bytes and the odd ones, then those of the two pairs.
            "uxtb16 ",
            $one,
            ", r4\n",
            "uxtb16 r4, r4, ror #8\n",
            "pkhbt r5, ",
            $one,
            ", r4, lsl #16\n",
            "pkhtb r4, r4, ",
            $one,
            ", asr #16\n",
            "cbz r5, 2f\n",
            "strd r5, r3, [r2], #8\n",
            "2:\n",
            "cbz r4, 3f\n",
            "add ",
            $other,
            ", r3, #{block}\n",
            "strd r4, ",
            $other,
            ", [r2], #8\n",
            "3:\n",
        )
    };
}

/// Like the macro for cores with `UXTB16`.
#[cfg(not(kernel_dsp))]
macro_rules! word_pairs {
    ($one:literal, $other:literal) => {
        concat!(
            "uxth r5, r4\n",
            "cbz r5, 2f\n",
            append!("r3"),
            "2:\n",
            "lsrs r5, r4, #16\n",
            "beq 3f\n",
            "add ",
            $one,
            ", r3, #{block}\n",
            append!($one),
            "3:\n",
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
        cpu!(),
        "push {{r4-r7}}",
        "ldr r12, [sp, #16]",
        "1:",
        "ldr r4, [r0], #4",
        "cbz r4, 4f",
        word_pairs!("r6", "r7"),
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

/// Above a shift of 32 bits, the lower half of a product does not matter.
///
/// # Safety
///
/// See [`ActivateKernel`](super::assembly::ActivateKernel).
#[unsafe(naked)]
pub unsafe extern "C" fn activate(
    accumulators: *const i32,
    multipliers: *const u8,
    shifts: *const u8,
    activations: *mut u8,
    count: usize,
) {
    naked_asm!(
        "push {{r4-r7}}",
        "ldr r12, [sp, #16]",
        "lsls r4, r12, #31",
        "add r12, r3",
        "beq 1f",
        // If the count is odd, one comes first.
        "ldr r4, [r0], #4",
        "ldr r5, [r1], #4",
        "ldrb r6, [r2], #1",
        // The upper half.
        "smull r5, r4, r4, r5",
        // Half a unit is one before the last bit is shifted out.
        "subs r6, #33",
        "asrs r4, r6",
        "adds r4, #1",
        "usat r4, #8, r4, asr #1",
        "strb r4, [r3], #1",
        "cmp r3, r12",
        "beq 2f",
        "1:",
        "ldrd r4, r5, [r0], #8",
        "ldrd r6, r7, [r1], #8",
        "smull r6, r4, r4, r6",
        "smull r7, r5, r5, r7",
        // Two bytes, none below 33. A shift uses only the lowest byte.
        "ldrh r6, [r2], #2",
        "sub r6, r6, #0x21212121",
        "asrs r4, r6",
        "lsrs r6, r6, #8",
        "asrs r5, r6",
        "adds r4, #1",
        "adds r5, #1",
        "usat r4, #8, r4, asr #1",
        "usat r5, #8, r5, asr #1",
        "strb r5, [r3, #1]",
        "strb r4, [r3], #2",
        "cmp r3, r12",
        "bne 1b",
        "2:",
        "pop {{r4-r7}}",
        "bx lr",
    )
}

pub(super) use {append, word_pairs};
