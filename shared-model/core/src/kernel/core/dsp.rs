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

/// See [`tiles`].
macro_rules! pair {
    () => {
        concat!(
            "add r11, r1, r11, lsl #2\n",
            "ldrd r12, lr, [r11]\n",
            outputs!("r10", "r12", "r2", "r3"),
            outputs!("r10", "lr", "r4", "r5"),
            "ldrd r12, lr, [r11, #8]\n",
            outputs!("r10", "r12", "r6", "r7"),
            outputs!("r10", "lr", "r8", "r9"),
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
        concat!("ldr r12, [r1, r11, lsl #2]\n", outputs!("r10", "r12", "r2", "r3"), "ldrd r10, r11, [r0], #8\n")
    };
}

/// Adds the products of two inputs and a word of weights, for two outputs.
macro_rules! outputs {
    ($inputs:literal, $weights:literal, $both:literal, $even:literal) => {
        concat!(
            sum!($both, $inputs, $weights),
            "sxtb16 ",
            $weights,
            ", ",
            $weights,
            "\n",
            sum!($even, $inputs, $weights),
        )
    };
}

/// See [`tiles`].
macro_rules! four_bit_pair {
    () => {
        concat!(
            "add r11, r1, r11, lsl #1\n",
            "ldrd r12, lr, [r11]\n",
            four_outputs!("r12", "r2", "r3", "r4", "r5"),
            four_outputs!("lr", "r6", "r7", "r8", "r9"),
        )
    };
}

/// Adds the products of a word of weights, for four outputs.
macro_rules! four_outputs {
    ($weights:literal, $all:literal, $three:literal, $two:literal, $one:literal) => {
        concat!(
            sum!($all, "r10", $weights),
            clear!($weights, "0xF000F000"),
            sum!($three, "r10", $weights),
            clear!($weights, "0x0F000F00"),
            sum!($two, "r10", $weights),
            clear!($weights, "0x00F000F0"),
            sum!($one, "r10", $weights),
        )
    };
}

/// See [`tiles`].
macro_rules! ternary_pair {
    () => {
        concat!(
            "ldr r12, [r1, r11]\n",
            sum!("r2", "r10", "r12"),
            clear!("r12", "0xC000C000"),
            sum!("r3", "r10", "r12"),
            clear!("r12", "0x30003000"),
            sum!("r4", "r10", "r12"),
            clear!("r12", "0x0C000C00"),
            sum!("r5", "r10", "r12"),
            clear!("r12", "0x03000300"),
            sum!("r6", "r10", "r12"),
            clear!("r12", "0x00C000C0"),
            sum!("r7", "r10", "r12"),
            clear!("r12", "0x00300030"),
            sum!("r8", "r10", "r12"),
            clear!("r12", "0x000C000C"),
            sum!("r9", "r10", "r12"),
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
            outputs!("r2", "r12", "r4", "r3"),
            outputs!("r2", "lr", "r6", "r5"),
            "ldrd r12, lr, [r1, #16 * ",
            $number,
            " + 8]\n",
            outputs!("r2", "r12", "r8", "r7"),
            outputs!("r2", "lr", "r10", "r9"),
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
