//! Tiles of a dense layer by `MLA`: Armv7-M, and Armv8-M without the DSP extension.
//!
//! A halfword of a block holds `256 * odd + even` of two outputs, for one input. The halfword's products add up to
//! `256 * odd + even`, those of its lower byte alone to `even`: two loads and two `MLA` for two products.

use super::frame::{store, tiles};
use crate::kernel::gather::{MOST_PAIRS, Pair};

/// See [`tiles`].
macro_rules! pair {
    () => {
        concat!(
            "add r11, r11, r1\n",
            "uxth r12, r10\n",
            "lsr r10, r10, #16\n",
            outputs!("0", "2", "r2", "r3"),
            outputs!("4", "6", "r4", "r5"),
            outputs!("8", "10", "r6", "r7"),
            outputs!("12", "14", "r8", "r9"),
        )
    };
}

/// The products of two outputs, for the two inputs in r12 and r10, whose weights are so many bytes from r11.
macro_rules! outputs {
    ($even_input:literal, $odd_input:literal, $both:literal, $even:literal) => {
        concat!(
            "ldrsh lr, [r11, #",
            $even_input,
            "]\n",
            "mla ",
            $both,
            ", r12, lr, ",
            $both,
            "\n",
            "sxtb lr, lr\n",
            "mla ",
            $even,
            ", r12, lr, ",
            $even,
            "\n",
            "ldrsh lr, [r11, #",
            $odd_input,
            "]\n",
            "mla ",
            $both,
            ", r10, lr, ",
            $both,
            "\n",
            "sxtb lr, lr\n",
            "mla ",
            $even,
            ", r10, lr, ",
            $even,
            "\n",
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
