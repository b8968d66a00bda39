//! Depthwise convolution: each channel has a window of weights of its own.

use super::activate::activate;
use super::core::start_from;
use super::window::each_window;
use crate::model::{Layer, Window};
use crate::weights::{BLOCK_BYTES, TILE_OUTPUTS, WeightOrder};

/// Writes the activations of `layer`, a depthwise convolution with `window`, for `input` to
/// `output`.
///
/// `accumulators` has one place for each channel. The weights are in pairs: a pair of pixels of the
/// window by eight channels.
pub fn depthwise(layer: &Layer<'_>, window: Window, input: &[u8], accumulators: &mut [i32], output: &mut [u8]) {
    let matrix = layer.any_matrix();
    let channels = matrix.outputs();
    let tile_bytes = WeightOrder::Pairs.tile_bytes(matrix.inputs());
    let mut outputs = output.chunks_exact_mut(channels.max(1));
    each_window(layer, window, &mut |inside| {
        start_from(matrix.biases().as_chunks::<4>().0, accumulators);
        let mut place = inside.kernel_row.wrapping_mul(window.kernel[1].into()).wrapping_add(inside.kernel_column);
        for row in inside.rows(input) {
            for (pixel, values) in row.chunks_exact(channels.max(1)).enumerate() {
                add(accumulators, values, matrix.weights(), tile_bytes, place.wrapping_add(pixel));
            }
            place = place.wrapping_add(window.kernel[1].into());
        }
        activate(matrix, accumulators, outputs.next().unwrap_or_default());
    });
}

/// Adds the products of one pixel's channels and the weights of input `place`. The tiles of the
/// matrix have `tile_bytes`.
#[inline(never)]
fn add(sums: &mut [i32], values: &[u8], weights: &[u8], tile_bytes: usize, place: usize) {
    // The two inputs of a block alternate, halfword by halfword.
    let start = (place / 2).wrapping_mul(BLOCK_BYTES).wrapping_add((place % 2).wrapping_mul(2));
    for (pair, (sums, values)) in sums.chunks_mut(2).zip(values.chunks(2)).enumerate() {
        let tile = (pair / PAIRS).wrapping_mul(tile_bytes).wrapping_add((pair % PAIRS).wrapping_mul(4));
        let halfword = weights.get(start.wrapping_add(tile)..).and_then(|rest| rest.first_chunk());
        let &[low, high] = halfword.unwrap_or(&[0; 2]);
        // The upper byte is one too small if the lower one is negative.
        let even = i32::from(low.cast_signed());
        let odd = i32::from(high.cast_signed()).wrapping_sub(even >> 31);
        for ((sum, &value), weight) in sums.iter_mut().zip(values).zip([even, odd]) {
            *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
        }
    }
}

/// Pairs of outputs in a tile.
const PAIRS: usize = TILE_OUTPUTS / 2;
