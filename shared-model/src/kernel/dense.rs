//! Dense layer: `acc[j] = b[j] + sum_i x[i] * w[j][i]`, `u8` inputs, `i8` weights, `i32` accumulators.

use super::tile::{BLOCK_BYTES, TILE_OUTPUTS};
use crate::blob::DenseLayer;

/// Computes the accumulators of `layer` for `input`, in order, and hands each to `emit(output, accumulator)`.
///
/// `input` has `layer.inputs()` values; missing ones count as zero, further ones are not read. Accumulators are exact:
/// the parser has proved that no input can overflow one.
pub fn dense(layer: &DenseLayer<'_>, input: &[u8], mut emit: impl FnMut(usize, i32)) {
    let blocks = layer.weights().as_chunks::<BLOCK_BYTES>().0;
    let tiles = blocks.chunks_exact(layer.inputs().div_ceil(2).max(1));
    for (tile, blocks) in tiles.enumerate() {
        let first = tile.wrapping_mul(TILE_OUTPUTS);
        let accumulators = tile_accumulators(blocks, input);
        for (output, accumulator) in (first..layer.outputs()).zip(accumulators) {
            emit(output, accumulator.wrapping_add(layer.bias(output)));
        }
    }
}

/// The eight sums of one tile. A pair of zero inputs is skipped before its weights are read.
fn tile_accumulators(blocks: &[[u8; BLOCK_BYTES]], input: &[u8]) -> [i32; TILE_OUTPUTS] {
    let (pairs, odd) = input.as_chunks::<2>();
    let last = odd.first().map(|&value| [value, 0]);
    let mut accumulators = [0_i32; TILE_OUTPUTS];
    for (&[even, odd], block) in pairs.iter().chain(last.as_ref()).zip(blocks) {
        if even | odd == 0 {
            continue;
        }
        let words = block.as_chunks::<4>().0;
        for (sums, &[a, b, c, d]) in accumulators.as_chunks_mut::<2>().0.iter_mut().zip(words) {
            sums[0] = sums[0].wrapping_add(product(even, a).wrapping_add(product(odd, c)));
            sums[1] = sums[1].wrapping_add(product(even, b).wrapping_add(product(odd, d)));
        }
    }
    accumulators
}

/// `x * w`, the weight's byte read as `i8`: at most 255 * 128 in size.
const fn product(x: u8, w: u8) -> i32 {
    (x as i32).wrapping_mul(w.cast_signed() as i32)
}
