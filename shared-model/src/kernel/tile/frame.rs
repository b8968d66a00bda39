//! What kernels for Armv7-M and Armv8-M have around their innermost instructions: the loops over tiles and pairs.

/// The body of a naked function with the arguments and the promises of [`dsp::add_pairs`](super::dsp::add_pairs).
///
/// `$pair` gives the instructions for one pair of inputs, which are in r10, and whose block is r11 bytes from r1. It adds, for
/// four pairs of outputs, `256 * odd + even` to r2, r4, r6 and r8, and `even` to r3, r5, r7 and r9, and may use r12 and lr.
macro_rules! tiles {
    ($pair:ident) => {
        core::arch::naked_asm!(
            // Where the target alone does not say that the core has the DSP extension.
            #[cfg(all(armv8m, kernel_dsp))]
            ".cpu cortex-m33",
            // list at 0, sums at 4, tile_bytes at 8; tile_count at 48, first at 52.
            "push {{r0, r2, r3, r4-r11, lr}}",
            "1:",
            "movs r2, #0",
            "movs r3, #0",
            "movs r4, #0",
            "movs r5, #0",
            "movs r6, #0",
            "movs r7, #0",
            "mov r8, r7",
            "mov r9, r7",
            "ldr r0, [sp]",
            "ldr r12, [sp, #52]",
            "ldrd r10, r11, [r0], #8",
            // So many first that the others are a multiple of four.
            "tbb [pc, r12]",
            "2:",
            ".byte (3f - 2b) / 2",
            ".byte (6f - 2b) / 2",
            ".byte (5f - 2b) / 2",
            ".byte (4f - 2b) / 2",
            "3:",
            $pair!(),
            "ldrd r10, r11, [r0], #8",
            "4:",
            $pair!(),
            "ldrd r10, r11, [r0], #8",
            "5:",
            $pair!(),
            "ldrd r10, r11, [r0], #8",
            "6:",
            $pair!(),
            "ldrd r10, r11, [r0], #8",
            "cmp r10, #0",
            "bne 3b",
            "ldr r0, [sp, #4]",
            store!("r2", "r3"),
            store!("r4", "r5"),
            store!("r6", "r7"),
            store!("r8", "r9"),
            "str r0, [sp, #4]",
            "ldr r10, [sp, #8]",
            "add r1, r10",
            "ldr r10, [sp, #48]",
            "subs r10, #1",
            "str r10, [sp, #48]",
            "bne 1b",
            "pop {{r0, r2, r3, r4-r11, pc}}",
        )
    };
}

/// Adds both sums of two outputs to their places at r0: `even`, and `odd = (both - even) / 256`.
macro_rules! store {
    ($both:literal, $even:literal) => {
        concat!(
            "ldrd r10, r11, [r0]\n",
            "sub ",
            $both,
            ", ",
            $both,
            ", ",
            $even,
            "\n",
            "add r10, r10, ",
            $even,
            "\n",
            "add r11, r11, ",
            $both,
            ", asr #8\n",
            "strd r10, r11, [r0], #8\n",
        )
    };
}

pub(super) use {store, tiles};
