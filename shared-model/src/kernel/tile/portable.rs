//! One tile of a dense layer in portable Rust: what every other kernel is held against.

use crate::kernel::TILE_OUTPUTS;
use crate::kernel::gather::{BLOCK_BYTES, Pair};

/// Adds the products of `pairs` with the weights of `tile`, which is in pair order, to eight sums.
///
/// At most [`MOST_PAIRS`](crate::kernel::gather::MOST_PAIRS) pairs: so each sum is below 2^23, and `256 * odd + even` wraps around to
/// the right bits of `odd`.
pub fn add_pairs(pairs: &[Pair], tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
    let blocks = tile.as_chunks::<BLOCK_BYTES>().0;
    let (mut both, mut evens) = ([0_i32; TILE_OUTPUTS / 2], [0_i32; TILE_OUTPUTS / 2]);
    for pair in pairs {
        let Some(block) = blocks.get(pair.offset as usize / BLOCK_BYTES) else { continue };
        let inputs = [pair.inputs & 0xFF, pair.inputs >> 16].map(|value| value as i16);
        let words = block.as_chunks::<4>().0;
        for ((both, even), &[a, b, c, d]) in both.iter_mut().zip(&mut evens).zip(words) {
            let packed = [i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])];
            *both = both.wrapping_add(dot(inputs, packed));
            *even = even.wrapping_add(dot(inputs, packed.map(|packed| (packed as i8).into())));
        }
    }
    for ((sums, both), even) in sums.as_chunks_mut::<2>().0.iter_mut().zip(both).zip(evens) {
        sums[0] = sums[0].wrapping_add(even);
        sums[1] = sums[1].wrapping_add(both.wrapping_sub(even) >> 8);
    }
}

/// What one `SMLAD` adds, or one lane of `PMADDWD`.
fn dot(a: [i16; 2], b: [i16; 2]) -> i32 {
    let product = |index: usize| i32::from(a[index]).wrapping_mul(b[index].into());
    product(0).wrapping_add(product(1))
}

/// Adds the products of `input` with the weights of `tile`, which is in vector order, to eight sums. `correction` is
/// what the weights' zero-point adds to each: 128 times the sum of the inputs.
pub fn add_vectors(input: &[u8], correction: i32, tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
    let mut raw = [0_i32; TILE_OUTPUTS];
    for (input, block) in input.chunks(16).zip(tile.as_chunks::<{ 16 * TILE_OUTPUTS }>().0) {
        for (sum, weights) in raw.iter_mut().zip(block.as_chunks::<16>().0) {
            let products = input.iter().zip(weights).map(|(&x, &w)| i32::from(x).wrapping_mul(w.into()));
            *sum = products.fold(*sum, i32::wrapping_add);
        }
    }
    for (sum, raw) in sums.iter_mut().zip(raw) {
        *sum = sum.wrapping_add(raw.wrapping_sub(correction));
    }
}
