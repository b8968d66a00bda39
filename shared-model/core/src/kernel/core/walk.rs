//! The loop over the windows of a convolution, for Armv7-M and Armv8-M: gathers the pairs of a
//! window, and computes its sums and activations, which never leave the registers in between.

/// The body of a naked function with the contract of a
/// [`ConvolveKernel`](super::convolve::ConvolveKernel), for pairs.
///
/// `$pair` is as in [`tiles`](super::frame::tiles).
macro_rules! windows {
    ($pair:ident) => {
        core::arch::naked_asm!(
            cpu!(),
            // arguments at 0, number of pairs modulo 4 at 4, the tile's first output at 8.
            "push {{r4-r11, lr}}",
            "sub sp, #12",
            "str r0, [sp]",
            "20:",
            // first, row_gap, list, offset, row_values, offset_gap, rows.
            "ldm r0, {{r0-r3, r6-r8}}",
            "21:",
            row_pairs!(),
            "add r0, r1",
            "add r3, r7",
            "subs r8, #1",
            "bne 21b",
            "ldr r0, [sp]",
            "movs r4, #0",
            "str r4, [r2]",
            "ldr r4, [r0, #{list}]",
            "subs r4, r2, r4",
            "beq 25f",
            "22:",
            "ubfx r4, r4, #3, #2",
            "movs r5, #0",
            "strd r4, r5, [sp, #4]",
            "ldr r1, [r0, #{tiles}]",
            // A tile.
            "23:",
            "adr r2, 29f",
            "ldm r2, {{r2-r9}}",
            "ldr r0, [sp]",
            "ldr r0, [r0, #{list}]",
            "ldr lr, [sp, #4]",
            each_pair!($pair),
            "ldr lr, [sp]",
            "ldr r12, [sp, #8]",
            "ldr r0, [lr, #{biases}]",
            "add r0, r0, r12, lsl #2",
            two_sums!("r3", "r2"),
            two_sums!("r5", "r4"),
            two_sums!("r7", "r6"),
            two_sums!("r9", "r8"),
            "ldr r0, [lr, #{multipliers}]",
            "add r0, r0, r12, lsl #2",
            two_products!("r3", "r2"),
            two_products!("r5", "r4"),
            two_products!("r7", "r6"),
            two_products!("r9", "r8"),
            "ldr r0, [lr, #{shifts}]",
            "add r0, r12",
            "ldrd r10, r11, [r0]",
            "ldr r0, [lr, #{output}]",
            "add r0, r12",
            four_activations!("r10", "r3", "r2", "r5", "r4", "0", "1", "2", "3"),
            four_activations!("r11", "r7", "r6", "r9", "r8", "4", "5", "6", "7"),
            "ldr r10, [lr, #{outputs}]",
            "ldr r11, [lr, #{tile_bytes}]",
            "add r12, #8",
            "str r12, [sp, #8]",
            "add r1, r11",
            "cmp r12, r10",
            "bne 23b",
            "mov r0, lr",
            // The next window.
            "24:",
            "ldrd r2, r3, [r0, #{output}]",
            "ldrd r4, r5, [r0, #{step}]",
            "ldr r1, [r0]",
            "add r2, r3",
            "str r2, [r0, #{output}]",
            "add r1, r4",
            "str r1, [r0]",
            "subs r5, #1",
            "str r5, [r0, #{windows}]",
            "bne 20b",
            "add sp, #12",
            "pop {{r4-r11, pc}}",
            // A blank window.
            "25:",
            "ldr r1, [r0, #{blank}]",
            "ldrd r2, r3, [r0, #{output}]",
            "cbnz r1, 26f",
            "str r2, [r0, #{blank}]",
            // The loop over pairs adds at least four.
            "ldr r1, [r0, #{list}]",
            "movs r5, #0",
            "strd r4, r5, [r1]",
            "strd r4, r5, [r1, #8]",
            "strd r4, r5, [r1, #16]",
            "strd r4, r5, [r1, #24]",
            "str r4, [r1, #32]",
            "b 22b",
            "26:",
            "ldr r4, [r1], #4",
            "ldr r5, [r1], #4",
            "str r4, [r2], #4",
            "str r5, [r2], #4",
            "subs r3, #8",
            "bne 26b",
            "b 24b",
            ".balign 4",
            "29:",
            ".space 32",
            block = const PAIR_STEP,
            two_blocks = const 2 * PAIR_STEP,
            list = const offset_of!(Arguments, list),
            tile_bytes = const offset_of!(Arguments, tile_bytes),
            tiles = const offset_of!(Arguments, tiles),
            biases = const offset_of!(Arguments, biases),
            multipliers = const offset_of!(Arguments, multipliers),
            shifts = const offset_of!(Arguments, shifts),
            output = const offset_of!(Arguments, output),
            outputs = const offset_of!(Arguments, outputs),
            step = const offset_of!(Arguments, step),
            windows = const offset_of!(Arguments, windows),
            blank = const offset_of!(Arguments, blank),
        )
    };
}

/// Gathers the pairs of the r6 bytes at r0, which it advances, to the list at r2. r3 is the offset
/// of the first pair, and then of the one after the last. Uses r4, r5 and r9 to r11.
macro_rules! row_pairs {
    () => {
        concat!(
            "subs r9, r6, #4\n",
            "blo 5f\n",
            "1:\n",
            "ldr r4, [r0], #4\n",
            "cbz r4, 4f\n",
            word_pairs!("r10", "r11"),
            "4:\n",
            "adds r3, #{two_blocks}\n",
            "subs r9, #4\n",
            "bhs 1b\n",
            "5:\n",
            // The carry is set if two or three bytes are left, the sign if one or three.
            "lsls r4, r9, #31\n",
            "bcc 7f\n",
            "ldrh r5, [r0], #2\n",
            "cbz r5, 6f\n",
            append!("r3"),
            "6:\n",
            "add r3, r3, #{block}\n",
            "7:\n",
            "bpl 9f\n",
            "ldrb r5, [r0], #1\n",
            "cbz r5, 8f\n",
            "strd r5, r3, [r2], #8\n",
            "8:\n",
            "adds r3, #{block}\n",
            "9:\n",
        )
    };
}

/// Converts `even` and `256 * odd + even` to the sums of two outputs, and adds the two biases at
/// r0, which it advances.
macro_rules! two_sums {
    ($even:literal, $both:literal) => {
        concat!(
            "ldrd r10, r11, [r0], #8\n",
            "sub ",
            $both,
            ", ",
            $both,
            ", ",
            $even,
            "\n",
            "add ",
            $even,
            ", ",
            $even,
            ", r10\n",
            "add ",
            $both,
            ", r11, ",
            $both,
            ", asr #8\n",
        )
    };
}

/// Replaces two sums by the upper halves of their products with the two multipliers at r0, which it
/// advances.
macro_rules! two_products {
    ($first:literal, $second:literal) => {
        concat!(
            "ldrd r10, r11, [r0], #8\n",
            "smull r10, ",
            $first,
            ", ",
            $first,
            ", r10\n",
            "smull r11, ",
            $second,
            ", ",
            $second,
            ", r11\n",
        )
    };
}

/// Shifts four products by the bytes of `$shifts`, which are above 32, and writes the activations
/// to their places at r0.
macro_rules! four_activations {
    (
        $shifts:literal, $a:literal, $b:literal, $c:literal, $d:literal,
        $at_a:literal, $at_b:literal, $at_c:literal, $at_d:literal
    ) => {
        concat!(
            // No byte is below 33. A shift uses only the lowest byte.
            "sub ",
            $shifts,
            ", ",
            $shifts,
            ", #0x21212121\n",
            activation!($shifts, $a, $at_a),
            "lsr ",
            $shifts,
            ", ",
            $shifts,
            ", #8\n",
            activation!($shifts, $b, $at_b),
            "lsr ",
            $shifts,
            ", ",
            $shifts,
            ", #8\n",
            activation!($shifts, $c, $at_c),
            "lsr ",
            $shifts,
            ", ",
            $shifts,
            ", #8\n",
            activation!($shifts, $d, $at_d),
        )
    };
}

/// Shifts a product by one less than the rest of its shift, rounds, and writes the activation.
macro_rules! activation {
    ($shifts:literal, $product:literal, $at:literal) => {
        concat!(
            "asr ",
            $product,
            ", ",
            $product,
            ", ",
            $shifts,
            "\n",
            // Half a unit is one before the last bit is shifted out.
            "add ",
            $product,
            ", ",
            $product,
            ", #1\n",
            "usat ",
            $product,
            ", #8, ",
            $product,
            ", asr #1\n",
            "strb ",
            $product,
            ", [r0, #",
            $at,
            "]\n",
        )
    };
}

/// Defines a [`ConvolveKernel`](super::convolve::ConvolveKernel) from a core's instructions for one
/// pair.
macro_rules! convolve_kernel {
    ($pair:ident) => {
        /// # Safety
        ///
        /// See [`ConvolveKernel`](super::convolve::ConvolveKernel).
        #[unsafe(naked)]
        pub unsafe extern "C" fn convolve(arguments: &mut Arguments) {
            windows!($pair)
        }
    };
}

pub(super) use {activation, convolve_kernel, four_activations, row_pairs, two_products, two_sums, windows};
