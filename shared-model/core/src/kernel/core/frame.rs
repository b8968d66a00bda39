//! The loops over tiles and pairs of the kernels for Armv7-M and Armv8-M.

/// Names the processor to the assembler, if the target does not imply the DSP extension.
#[cfg(all(armv8m, kernel_dsp))]
macro_rules! cpu {
    () => {
        ".cpu cortex-m33"
    };
}

/// Names no processor: the target implies its instructions.
#[cfg(not(all(armv8m, kernel_dsp)))]
macro_rules! cpu {
    () => {
        ""
    };
}

/// The body of a naked function with the contract of a [`Kernel`](super::assembly::Kernel).
///
/// `$pair!($inputs, $next)` has the instructions for one pair. They add to the eight sums r2 to r9,
/// load the next pair from r0, and can use r10, r11, r12 and lr. r1 is the tile. The pair's inputs
/// are in the register `$inputs`, and the next pair's can be loaded to `$next`: these are r10 and
/// r12 for the first pair of the loop, and change places after each.
///
/// `$pair!(first)` prepares the pair that is computed first, which can be any of the loop. Its
/// inputs are in r10, its number is r11 / 4.
///
/// `$sums` has the instructions that write the sums plus the values at lr to r0, and advance both
/// by 32 bytes.
macro_rules! tiles {
    ($pair:ident, $sums:ident) => {
        core::arch::naked_asm!(
            cpu!(),
            // list at 0, to at 4, tile_bytes at 8; tile_count at 48, first at 52, start at 56, from
            // at 60.
            "push {{r0, r2, r3, r4-r11, lr}}",
            "1:",
            "ldr r0, [sp, #56]",
            "ldm r0, {{r2-r9}}",
            "ldr r0, [sp]",
            "ldr lr, [sp, #52]",
            each_pair!($pair),
            "ldr r0, [sp, #4]",
            "ldr lr, [sp, #60]",
            $sums!(),
            "str lr, [sp, #60]",
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

/// Adds the products of the list at r0, of which lr has the number of pairs modulo 4. `$pair` is
/// as in [`tiles`].
macro_rules! each_pair {
    ($pair:ident) => {
        concat!(
            "ldrd r10, r11, [r0], #8\n",
            $pair!(first),
            // Jumps into the loop, so that a multiple of four pairs is left. Its instructions take
            // 32 bits: at addresses of words, a Cortex-M4 fetches each at once.
            ".p2align 2\n",
            "tbb [pc, lr]\n",
            "2:\n",
            ".byte (3f - 2b) / 2\n",
            ".byte (6f - 2b) / 2\n",
            ".byte (5f - 2b) / 2\n",
            ".byte (4f - 2b) / 2\n",
            "3:\n",
            $pair!("r10", "r12"),
            "4:\n",
            $pair!("r12", "r10"),
            "5:\n",
            $pair!("r10", "r12"),
            "6:\n",
            $pair!("r12", "r10"),
            "cmp r10, #0\n",
            "bne 3b\n",
        )
    };
}

/// The body of a naked function with the contract of a [`Kernel`](super::assembly::Kernel), for one
/// tile of pairs whose blocks have weights only in their first word.
///
/// `$pairs` has the loop over all pairs, up to the pair of zeros. The first pair is in r10 and r11
/// as for [`tiles`], the next one at r0, and the number of pairs modulo 4 in r12. The loop adds
/// `256 * odd + even` to r2 and `even` to r3, and can use r10, r11, r12 and lr.
macro_rules! narrow_tile {
    ($pairs:ident) => {
        core::arch::naked_asm!(
            cpu!(),
            // to at 0; first at 20, from at 28.
            "push {{r2, r10, r11, lr}}",
            "ldr r12, [sp, #20]",
            "movs r2, #0",
            "movs r3, #0",
            "ldrd r10, r11, [r0], #8",
            $pairs!(),
            "ldr r0, [sp]",
            "ldr lr, [sp, #28]",
            "sub r2, r2, r3",
            store!("r3", "r2, asr #8"),
            "pop {{r2, r10, r11, pc}}",
        )
    };
}

/// `$sums` of [`tiles`], for weights in pairs: r2, r4, r6 and r8 are `256 * odd + even`, the
/// registers after them `even`.
macro_rules! pair_sums {
    () => {
        concat!(
            "sub r2, r2, r3\n",
            store!("r3", "r2, asr #8"),
            "sub r4, r4, r5\n",
            store!("r5", "r4, asr #8"),
            "sub r6, r6, r7\n",
            store!("r7", "r6, asr #8"),
            "sub r8, r8, r9\n",
            store!("r9", "r8, asr #8"),
        )
    };
}

/// `$sums` of [`tiles`], for weights of four bits: of each four sums, the first covers all four
/// fields, the last one field.
macro_rules! four_bit_sums {
    () => {
        concat!(
            "sub r2, r2, r3\n",
            "sub r3, r3, r4\n",
            "sub r4, r4, r5\n",
            store!("r5", "r4, asr #4"),
            store!("r3, asr #8", "r2, asr #12"),
            "sub r6, r6, r7\n",
            "sub r7, r7, r8\n",
            "sub r8, r8, r9\n",
            store!("r9", "r8, asr #4"),
            store!("r7, asr #8", "r6, asr #12"),
        )
    };
}

/// `$sums` of [`tiles`], for ternary weights: r2 covers all eight fields, r9 one field.
macro_rules! ternary_sums {
    () => {
        concat!(
            "sub r2, r2, r3\n",
            "sub r3, r3, r4\n",
            "sub r4, r4, r5\n",
            "sub r5, r5, r6\n",
            "sub r6, r6, r7\n",
            "sub r7, r7, r8\n",
            "sub r8, r8, r9\n",
            store!("r9", "r8, asr #2"),
            store!("r7, asr #4", "r6, asr #6"),
            store!("r5, asr #8", "r4, asr #10"),
            store!("r3, asr #12", "r2, asr #14"),
        )
    };
}

/// Writes the sums of two outputs plus the two values at lr to r0.
macro_rules! store {
    ($first:literal, $second:literal) => {
        concat!(
            "ldrd r10, r11, [lr], #8\n",
            "add r10, r10, ",
            $first,
            "\n",
            "add r11, r11, ",
            $second,
            "\n",
            "strd r10, r11, [r0], #8\n",
        )
    };
}

/// Defines four [kernels](super::assembly::Kernel) from a core's instructions for one pair in each
/// order, and for its first word.
macro_rules! kernels {
    ($pair:ident, $narrow_pairs:ident, $four_bit_pair:ident, $ternary_pair:ident) => {
        kernels!(add_pairs: tiles!($pair, pair_sums));
        kernels!(add_narrow_pairs: narrow_tile!($narrow_pairs));
        kernels!(add_four_bits: tiles!($four_bit_pair, four_bit_sums));
        kernels!(add_ternary: tiles!($ternary_pair, ternary_sums));
    };
    ($name:ident: $body:expr) => {
        /// # Safety
        ///
        /// See [`Kernel`](super::assembly::Kernel).
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(
            list: *const Pair,
            tiles: *const u8,
            to: *mut i32,
            tile_bytes: usize,
            tile_count: usize,
            first: usize,
            start: &[i32; TILE_OUTPUTS],
            from: *const i32,
        ) {
            $body
        }
    };
}

/// The body of a naked function with the contract of a
/// [`BlockKernel`](super::assembly::BlockKernel).
///
/// `$block` has the instructions for one block, which is 16 times its argument bytes from r1. They
/// read its place at r0, advance r0 by two bytes, and read its inputs at that place from r11. They
/// add `even` to r3, r5, r7 and r9, `256 * odd + even` to the registers after them, and can use r2,
/// r12 and lr.
macro_rules! block_tiles {
    ($block:ident, $blocks:ident) => {
        core::arch::naked_asm!(
            cpu!(),
            // counts at 0, to at 4; from at 44, input at 48, tile_count at 52.
            "push {{r0, r3, r4-r11, lr}}",
            // Reserves four bytes for the end of a tile's places.
            "push {{r0}}",
            "mov r0, r1",
            "mov r1, r2",
            "1:",
            "ldr r11, [sp, #4]",
            "adr r2, 9f",
            "ldm r2, {{r3-r10}}",
            "ldrh r2, [r11], #2",
            "str r11, [sp, #4]",
            "ldr r11, [sp, #52]",
            "cmp r2, #0",
            "beq 8f",
            "add r12, r0, r2, lsl #1",
            "str r12, [sp]",
            // Jumps into the loop, so that a multiple of its blocks is left; r1 moves back by the
            // skipped ones.
            "rsbs r2, r2, #0",
            $blocks!($block),
            "8:",
            "ldr r12, [sp, #8]",
            "ldr lr, [sp, #48]",
            outputs_from!("r3", "r4"),
            outputs_from!("r5", "r6"),
            outputs_from!("r7", "r8"),
            outputs_from!("r9", "r10"),
            "stm r12!, {{r3-r10}}",
            "str r12, [sp, #8]",
            "str lr, [sp, #48]",
            "ldr r2, [sp, #56]",
            "subs r2, #1",
            "str r2, [sp, #56]",
            "bne 1b",
            "add sp, #12",
            "pop {{r4-r11, pc}}",
            ".balign 4",
            "9:",
            ".space 32",
        )
    };
}

/// Converts `256 * odd + even` and `even`, in `$second` and `$first`, to the sums of two outputs,
/// and adds the two values at lr.
macro_rules! outputs_from {
    ($first:literal, $second:literal) => {
        concat!(
            "ldrd r2, r11, [lr], #8\n",
            "sub ",
            $second,
            ", ",
            $second,
            ", ",
            $first,
            "\n",
            "add ",
            $first,
            ", ",
            $first,
            ", r2\n",
            "add ",
            $second,
            ", r11, ",
            $second,
            ", asr #8\n",
        )
    };
}

/// Defines a [`BlockKernel`](super::assembly::BlockKernel) from a core's instructions for one
/// block.
macro_rules! block_kernel {
    ($block:ident, $blocks:ident) => {
        /// # Safety
        ///
        /// See [`BlockKernel`](super::assembly::BlockKernel).
        #[unsafe(naked)]
        pub unsafe extern "C" fn add_blocks(
            counts: *const [u8; 2],
            places: *const [u8; 2],
            blocks: *const [u8; BLOCK_BYTES],
            to: *mut i32,
            from: *const i32,
            input: *const u8,
            tile_count: usize,
        ) {
            block_tiles!($block, $blocks)
        }
    };
}

pub(super) use {block_kernel, block_tiles, cpu, each_pair, outputs_from};
pub(super) use {four_bit_sums, kernels, narrow_tile, pair_sums, store, ternary_sums, tiles};
