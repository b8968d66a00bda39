//! Kernels with `SMLAD`: Armv7E-M, and Armv8-M with the DSP extension.
//!
//! Pairs: a word of a block holds the `i16` `256 * odd + even` of two outputs, for each of two
//! inputs. `SMLAD` of the whole word sums `256 * odd + even`, `SXTB16` extracts the two `even`, and
//! another `SMLAD` sums these: three instructions for four products. A pair of inputs takes 16
//! instructions for eight outputs, and half of one for the loop; for two outputs, 5 and one for the
//! loop.
//!
//! Blocks: like pairs, 19 instructions for a used block, 3 for a skipped one, and one for the loop.
//!
//! Four-bit and ternary: `SMLAD` of the whole word, and again after each clearing of the topmost
//! field. 17 instructions.

use core::mem::offset_of;

use super::assembly::{ActivateKernel, Assembly, BlockKernel, GatherKernel, Kernel};
use super::convolve::{Arguments, ConvolveKernel};
use super::frame::{
    block_kernel, block_tiles, cpu, each_pair, four_bit_sums, kernels, narrow_tile, outputs_from, pair_sums, store,
    ternary_sums, tiles,
};
use super::thumb2::{self, PAIR_STEP, append, word_pairs};
use super::walk::{activation, convolve_kernel, four_activations, row_pairs, two_products, two_sums, windows};
use crate::kernel::pair_list::Pair;
use crate::weights::{BLOCK_BYTES, TILE_OUTPUTS};

pub enum Dsp {}

impl Assembly for Dsp {
    const NAME: &'static str = "dsp";
    const PAIR_STEP: usize = PAIR_STEP;
    const GATHER: GatherKernel = thumb2::gather;
    const CONVOLVE: ConvolveKernel = convolve;
    const ADD_PAIRS: Kernel = add_pairs;
    const ADD_NARROW_PAIRS: Kernel = add_narrow_pairs;
    const ADD_FOUR_BITS: Kernel = add_four_bits;
    const ADD_TERNARY: Kernel = add_ternary;
    const ADD_BLOCKS: BlockKernel = add_blocks;
    const ACTIVATE: Option<ActivateKernel> = Some(thumb2::activate);
}

/// See [`tiles`]. The address of the next block is computed before the last product, because a load
/// directly after it takes a cycle more.
macro_rules! pair {
    (first) => {
        "mov.w r12, r10\nadd r11, r1, r11, lsl #2\n"
    };
    ($inputs:literal, $next:literal) => {
        concat!(
            "ldrd ",
            $next,
            ", lr, [r11]\n",
            words!($inputs, $next, "lr", "r2", "r3", "r4", "r5"),
            "ldrd ",
            $next,
            ", lr, [r11, #8]\n",
            sum!("r6", $inputs, $next),
            even!($next),
            sum!("r8", $inputs, "lr"),
            sum!("r7", $inputs, $next),
            "ldrd ",
            $next,
            ", r11, [r0], #8\n",
            even!("lr"),
            "add r11, r1, r11, lsl #2\n",
            sum!("r9", $inputs, "lr"),
        )
    };
}

/// See [`narrow_tile`]: two pairs at a time; if their number is odd, one comes first.
macro_rules! narrow_pairs {
    () => {
        concat!("lsls r12, r12, #31\nbne 4f\n3:\n", narrow_pair!(), "4:\n", narrow_pair!(), "cmp r10, #0\nbne 3b\n")
    };
}

/// Adds the products of a pair and the first word of its block, and loads the next pair.
macro_rules! narrow_pair {
    () => {
        concat!("ldr r12, [r1, r11, lsl #2]\n", word!("r10", "r12", "r2", "r3"), "ldrd r10, r11, [r0], #8\n")
    };
}

/// Adds the products of two inputs and a word of weights, for two outputs.
macro_rules! word {
    ($inputs:literal, $weights:literal, $both:literal, $even:literal) => {
        concat!(sum!($both, $inputs, $weights), even!($weights), sum!($even, $inputs, $weights))
    };
}

/// Like [`word`] for two words. The Cortex-M33 waits for the result of `SXTB16` if the next
/// instruction uses it.
macro_rules! words {
    (
        $inputs:literal, $weights:literal, $others:literal,
        $both:literal, $even:literal, $other_both:literal, $other_even:literal
    ) => {
        concat!(
            sum!($both, $inputs, $weights),
            even!($weights),
            sum!($other_both, $inputs, $others),
            even!($others),
            sum!($even, $inputs, $weights),
            sum!($other_even, $inputs, $others),
        )
    };
}

/// Extracts the weights of the even outputs.
macro_rules! even {
    ($weights:literal) => {
        concat!("sxtb16 ", $weights, ", ", $weights, "\n")
    };
}

/// See [`tiles`].
macro_rules! four_bit_pair {
    (first) => {
        "mov.w r12, r10\nadd r11, r1, r11, lsl #1\n"
    };
    ($inputs:literal, $next:literal) => {
        concat!(
            "ldrd ",
            $next,
            ", lr, [r11]\n",
            four_outputs!($inputs, $next, "r2", "r3", "r4", "r5"),
            "ldrd ",
            $next,
            ", r11, [r0], #8\n",
            three_outputs!($inputs, "lr", "r6", "r7", "r8"),
            "add r11, r1, r11, lsl #1\n",
            sum!("r9", $inputs, "lr"),
        )
    };
}

/// Adds the products of a word of weights, for four outputs.
macro_rules! four_outputs {
    ($inputs:literal, $weights:literal, $all:literal, $three:literal, $two:literal, $one:literal) => {
        concat!(three_outputs!($inputs, $weights, $all, $three, $two), sum!($one, $inputs, $weights))
    };
}

/// Like [`four_outputs`] for the first three, and leaves the weights of the fourth.
macro_rules! three_outputs {
    ($inputs:literal, $weights:literal, $all:literal, $three:literal, $two:literal) => {
        concat!(
            sum!($all, $inputs, $weights),
            clear!($weights, "0xF000F000"),
            sum!($three, $inputs, $weights),
            clear!($weights, "0x0F000F00"),
            sum!($two, $inputs, $weights),
            clear!($weights, "0x00F000F0"),
        )
    };
}

/// See [`tiles`].
macro_rules! ternary_pair {
    (first) => {
        "mov.w r12, r10\n"
    };
    ($inputs:literal, $next:literal) => {
        concat!(
            "ldr lr, [r1, r11]\n",
            "ldrd ",
            $next,
            ", r11, [r0], #8\n",
            sum!("r2", $inputs, "lr"),
            clear!("lr", "0xC000C000"),
            sum!("r3", $inputs, "lr"),
            clear!("lr", "0x30003000"),
            sum!("r4", $inputs, "lr"),
            clear!("lr", "0x0C000C00"),
            sum!("r5", $inputs, "lr"),
            clear!("lr", "0x03000300"),
            sum!("r6", $inputs, "lr"),
            clear!("lr", "0x00C000C0"),
            sum!("r7", $inputs, "lr"),
            clear!("lr", "0x00300030"),
            sum!("r8", $inputs, "lr"),
            clear!("lr", "0x000C000C"),
            sum!("r9", $inputs, "lr"),
        )
    };
}

/// Adds the products of two inputs and two weights.
macro_rules! sum {
    ($sum:literal, $inputs:literal, $weights:literal) => {
        concat!("smlad ", $sum, ", ", $inputs, ", ", $weights, ", ", $sum, "\n")
    };
}

macro_rules! clear {
    ($weights:literal, $fields:literal) => {
        concat!("bic ", $weights, ", ", $weights, ", #", $fields, "\n")
    };
}

/// See [`block_tiles`].
macro_rules! block {
    ($number:literal) => {
        concat!(
            "ldrh r2, [r0], #2\n",
            "ldrh r2, [r11, r2]\n",
            "cbz r2, 7f\n",
            "orr r2, r2, r2, lsl #8\n",
            "ldrd r12, lr, [r1, #16 * ",
            $number,
            "]\n",
            "uxtb16 r2, r2\n",
            words!("r2", "r12", "lr", "r4", "r3", "r6", "r5"),
            "ldrd r12, lr, [r1, #16 * ",
            $number,
            " + 8]\n",
            words!("r2", "r12", "lr", "r8", "r7", "r10", "r9"),
            "7:\n",
        )
    };
}

/// Loops over blocks, four at a time. r2 is their number, negated.
macro_rules! by_four {
    ($block:ident) => {
        concat!(
            "and r2, r2, #3\n",
            "sub r1, r1, r2, lsl #4\n",
            "tbb [pc, r2]\n",
            "2:\n",
            ".byte (3f - 2b) / 2\n",
            ".byte (4f - 2b) / 2\n",
            ".byte (5f - 2b) / 2\n",
            ".byte (6f - 2b) / 2\n",
            "3:\n",
            $block!("0"),
            "4:\n",
            $block!("1"),
            "5:\n",
            $block!("2"),
            "6:\n",
            $block!("3"),
            "ldr r2, [sp]\n",
            "adds r1, #64\n",
            "cmp r0, r2\n",
            "bne 3b\n",
        )
    };
}

kernels!(pair, narrow_pairs, four_bit_pair, ternary_pair);
block_kernel!(block, by_four);
convolve_kernel!(pair);
