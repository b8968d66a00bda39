//! Depthwise convolution: each channel has a window of weights of its own.

use super::activate::activate;
use super::window::each_window;
use crate::model::{Layer, Window};
use crate::weights::{BLOCK_BYTES, TILE_OUTPUTS};

/// Writes the activations of `layer`, a depthwise convolution with `window`, for `input` to
/// `output`.
///
/// `accumulators` has one place for each channel. The weights are in pairs: a pair of pixels of the
/// window by eight channels.
pub fn depthwise(layer: &Layer<'_>, window: Window, input: &[u8], accumulators: &mut [i32], output: &mut [u8]) {
    let matrix = layer.any_matrix();
    let channels = matrix.outputs();
    let tile_bytes = matrix.order().tile_bytes(matrix.inputs()).max(1);
    let mut outputs = output.chunks_exact_mut(channels.max(1));
    each_window(layer, window, |inside| {
        let tiles = accumulators.chunks_mut(TILE_OUTPUTS).zip(matrix.weights().chunks_exact(tile_bytes));
        for (tile, (sums, weights)) in tiles.enumerate() {
            let first_channel = tile.wrapping_mul(TILE_OUTPUTS);
            for (offset, sum) in sums.iter_mut().enumerate() {
                *sum = matrix.bias(first_channel.wrapping_add(offset));
            }
            let blocks = weights.as_chunks::<BLOCK_BYTES>().0;
            let mut row_start =
                inside.kernel_row.wrapping_mul(window.kernel[1].into()).wrapping_add(inside.kernel_column);
            for row in inside.rows(input) {
                for (pixel, values) in row.chunks_exact(channels.max(1)).enumerate() {
                    let place = row_start.wrapping_add(pixel);
                    let Some(block) = blocks.get(place / 2) else { continue };
                    add(sums, values.get(first_channel..).unwrap_or_default(), block, place % 2 == 1);
                }
                row_start = row_start.wrapping_add(window.kernel[1].into());
            }
        }
        activate(matrix, accumulators, outputs.next().unwrap_or_default());
    });
}

/// Adds the products of one pixel's channels and their weights: the first or the second input of a
/// block.
#[inline(always)]
fn add(sums: &mut [i32], values: &[u8], block: &[u8; BLOCK_BYTES], is_second: bool) {
    let halfwords = block.as_chunks::<4>().0.iter().map(|&[a, b, c, d]| if is_second { [c, d] } else { [a, b] });
    for ((sums, values), [low, high]) in sums.chunks_mut(2).zip(values.chunks(2)).zip(halfwords) {
        // The upper byte is one too small if the lower one is negative.
        let even = i32::from(low.cast_signed());
        let odd = i32::from(high.cast_signed()).wrapping_sub(even >> 31);
        for ((sum, &value), weight) in sums.iter_mut().zip(values).zip([even, odd]) {
            *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
        }
    }
}
