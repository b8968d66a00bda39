//! Kernels with `MLA`: Armv7-M, and Armv8-M without the DSP extension.
//!
//! Pairs: a halfword of a block holds `256 * odd + even` of two outputs, for one input. The
//! halfword's products sum to `256 * odd + even`, those of its lower byte to `even`: two loads and
//! two `MLA` for two products.
//!
//! Four-bit and ternary: `MLA` of the whole halfword, and again after each clearing of the topmost
//! field.

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

pub enum Armv7M {}

impl Assembly for Armv7M {
    const NAME: &'static str = "armv7m";
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

/// See [`tiles`]. The inputs of all pairs are loaded to r10.
macro_rules! pair {
    (first) => {
        ""
    };
    ($_inputs:literal, $_next:literal) => {
        concat!(
            "add r11, r1, r11, lsl #2\n",
            inputs!(),
            outputs!("r12", "[r11]", "r2", "r3"),
            outputs!("r10", "[r11, #2]", "r2", "r3"),
            outputs!("r12", "[r11, #4]", "r4", "r5"),
            outputs!("r10", "[r11, #6]", "r4", "r5"),
            outputs!("r12", "[r11, #8]", "r6", "r7"),
            outputs!("r10", "[r11, #10]", "r6", "r7"),
            outputs!("r12", "[r11, #12]", "r8", "r9"),
            outputs!("r10", "[r11, #14]", "r8", "r9"),
            next!(),
        )
    };
}

/// Loads the next pair.
macro_rules! next {
    () => {
        "ldrd r10, r11, [r0], #8\n"
    };
}

/// See [`narrow_tile`].
macro_rules! narrow_pairs {
    () => {
        concat!(
            "3:\n",
            "add r11, r1, r11, lsl #2\n",
            inputs!(),
            outputs!("r12", "[r11]", "r2", "r3"),
            outputs!("r10", "[r11, #2]", "r2", "r3"),
            next!(),
            "cmp r10, #0\n",
            "bne 3b\n",
        )
    };
}

/// Moves the even input to r12, the odd one to r10.
macro_rules! inputs {
    () => {
        "uxth r12, r10\nlsr r10, r10, #16\n"
    };
}

/// Adds the products of two outputs and one input, with the weights at `$address`.
macro_rules! outputs {
    ($input:literal, $address:expr, $both:literal, $even:literal) => {
        concat!("ldrsh lr, ", $address, "\n", sum!($both, $input), "sxtb lr, lr\n", sum!($even, $input),)
    };
}

/// See [`tiles`].
macro_rules! four_bit_pair {
    (first) => {
        ""
    };
    ($_inputs:literal, $_next:literal) => {
        concat!(
            "add r11, r1, r11, lsl #1\n",
            inputs!(),
            four_outputs!("r12", "0", "r2", "r3", "r4", "r5"),
            four_outputs!("r10", "2", "r2", "r3", "r4", "r5"),
            four_outputs!("r12", "4", "r6", "r7", "r8", "r9"),
            four_outputs!("r10", "6", "r6", "r7", "r8", "r9"),
            next!(),
        )
    };
}

/// Adds the products of four outputs and one input, with the weights `$offset` bytes from r11.
macro_rules! four_outputs {
    ($input:literal, $offset:literal, $all:literal, $three:literal, $two:literal, $one:literal) => {
        concat!(
            "ldrsh lr, [r11, #",
            $offset,
            "]\n",
            sum!($all, $input),
            "bfc lr, #12, #20\n",
            sum!($three, $input),
            "bfc lr, #8, #4\n",
            sum!($two, $input),
            "bfc lr, #4, #4\n",
            sum!($one, $input),
        )
    };
}

/// See [`tiles`].
macro_rules! ternary_pair {
    (first) => {
        ""
    };
    ($_inputs:literal, $_next:literal) => {
        concat!("add r11, r1, r11\n", inputs!(), eight_outputs!("r12", "0"), eight_outputs!("r10", "2"), next!())
    };
}

/// Adds the products of eight outputs and one input, with the weights `$offset` bytes from r11.
macro_rules! eight_outputs {
    ($input:literal, $offset:literal) => {
        concat!(
            "ldrsh lr, [r11, #",
            $offset,
            "]\n",
            sum!("r2", $input),
            "bfc lr, #14, #18\n",
            sum!("r3", $input),
            "bfc lr, #12, #2\n",
            sum!("r4", $input),
            "bfc lr, #10, #2\n",
            sum!("r5", $input),
            "bfc lr, #8, #2\n",
            sum!("r6", $input),
            "bfc lr, #6, #2\n",
            sum!("r7", $input),
            "bfc lr, #4, #2\n",
            sum!("r8", $input),
            "bfc lr, #2, #2\n",
            sum!("r9", $input),
        )
    };
}

/// Adds the product of an input and the weight in lr.
macro_rules! sum {
    ($sum:literal, $input:literal) => {
        concat!("mla ", $sum, ", ", $input, ", lr, ", $sum, "\n")
    };
}

/// See [`block_tiles`].
macro_rules! block {
    ($number:literal) => {
        concat!(
            "ldrh r2, [r0], #2\n",
            "ldrh r2, [r11, r2]\n",
            // The target is too far for `CBZ`.
            "cmp r2, #0\n",
            "beq 7f\n",
            "uxtb r12, r2\n",
            "lsrs r2, r2, #8\n",
            outputs!("r12", weights!($number, "0"), "r4", "r3"),
            outputs!("r2", weights!($number, "2"), "r4", "r3"),
            outputs!("r12", weights!($number, "4"), "r6", "r5"),
            outputs!("r2", weights!($number, "6"), "r6", "r5"),
            outputs!("r12", weights!($number, "8"), "r8", "r7"),
            outputs!("r2", weights!($number, "10"), "r8", "r7"),
            outputs!("r12", weights!($number, "12"), "r10", "r9"),
            outputs!("r2", weights!($number, "14"), "r10", "r9"),
            "7:\n",
        )
    };
}

/// The address of the weights `$offset` bytes from the start of a block.
macro_rules! weights {
    ($number:literal, $offset:literal) => {
        concat!("[r1, #16 * ", $number, " + ", $offset, "]")
    };
}

/// Loops over blocks, two at a time, because their code is long. r2 is their number, negated.
macro_rules! by_two {
    ($block:ident) => {
        concat!(
            "ands r2, r2, #1\n",
            "sub r1, r1, r2, lsl #4\n",
            "bne 6f\n",
            "3:\n",
            $block!("0"),
            "6:\n",
            $block!("1"),
            "ldr r2, [sp]\n",
            "adds r1, #32\n",
            "cmp r0, r2\n",
            "bne 3b\n",
        )
    };
}

kernels!(pair, narrow_pairs, four_bit_pair, ternary_pair);
block_kernel!(block, by_two);
convolve_kernel!(pair);
