//! Tiles of a dense layer by `SMLAD`: Armv7E-M, and Armv8-M with the DSP extension.
//!
//! A word of a block holds the `i16` `256 * odd + even` of two outputs, for each of two inputs. `SMLAD` of the whole word
//! adds up `256 * odd + even`, `SXTB16` takes the two `even` out, and another `SMLAD` adds these up: three instructions
//! for four products. A pair of inputs takes 16 instructions for eight outputs, and half of one for the loop.

use super::frame::{store, tiles};
use crate::kernel::gather::{MOST_PAIRS, Pair};

/// See [`tiles`].
macro_rules! pair {
    () => {
        concat!(
            "add r11, r11, r1\n",
            "ldrd r12, lr, [r11]\n",
            outputs!("r12", "r2", "r3"),
            outputs!("lr", "r4", "r5"),
            "ldrd r12, lr, [r11, #8]\n",
            outputs!("r12", "r6", "r7"),
            outputs!("lr", "r8", "r9"),
        )
    };
}

/// The products of a word of weights, those of two outputs.
macro_rules! outputs {
    ($weights:literal, $both:literal, $even:literal) => {
        concat!(
            "smlad ", $both, ", r10, ", $weights, ", ", $both, "\n", "sxtb16 ", $weights, ", ", $weights, "\n",
            "smlad ", $even, ", r10, ", $weights, ", ", $even, "\n",
        )
    };
}

/// Adds the products of a list of pairs with the weights of `tile_count` tiles, one behind the other, to the sums of their
/// outputs, eight each.
///
/// # Safety
///
/// `list` has at least one pair, and behind the last one of zeros; `first` is the number of its pairs modulo 4. For each, each
/// tile has a block at the pair's offset. `tiles` is aligned to four bytes. `tile_count` is not 0, and so many tiles and eight
/// times so many sums are there.
#[unsafe(naked)]
pub unsafe extern "C" fn add_pairs(
    list: &[Pair; MOST_PAIRS + 1],
    tiles: *const u8,
    sums: *mut i32,
    tile_bytes: usize,
    tile_count: usize,
    first: usize,
) {
    tiles!(pair)
}
