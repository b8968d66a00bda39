//! Convolution: a dense layer that moves over the image.
//!
//! The rows of a window are slices of the input. For orders of pairs, their non-zero pairs are
//! gathered from there; for others, the rows are copied next to each other first.

use super::activate::activate;
use super::core::{Current, Tiles, add_gathered, append, are_for_pairs};
use super::dense::{dense, start_from};
use super::pair_list::PairList;
use super::window::{Inside, each_window};
use crate::model::{Layer, Matrix, Window};
use crate::weights::WeightOrder;

/// The buffers of a convolution.
pub struct Scratch<'w> {
    pub pairs: &'w mut PairList,
    /// One for each output channel.
    pub accumulators: &'w mut [i32],
    /// A window's inputs.
    pub window: &'w mut [u8],
}

/// Writes the activations of `layer`, a convolution with `window`, for `input` to `output`.
pub fn convolve(layer: &Layer<'_>, window: Window, input: &[u8], scratch: Scratch<'_>, output: &mut [u8]) {
    let Scratch { pairs, accumulators, window: copied } = scratch;
    let matrix = layer.any_matrix();
    let channels = usize::from(layer.input().channels);
    let tiles = Tiles { weights: matrix.weights(), tile_bytes: matrix.order().tile_bytes(matrix.inputs()) };
    let row_inputs = window.row_inputs(layer.input().channels);
    let mut outputs = output.chunks_exact_mut(matrix.outputs().max(1));
    if are_for_pairs::<Current>(matrix.order(), matrix.inputs(), tiles, accumulators.len()) {
        each_window(layer, window, |inside| {
            gather_and_add(matrix, &inside, (channels, row_inputs), input, tiles, pairs, accumulators);
            activate(matrix, accumulators, outputs.next().unwrap_or_default());
        });
        return;
    }
    each_window(layer, window, |inside| {
        copied.fill(0);
        let rows = copied.chunks_exact_mut(row_inputs.max(1)).skip(inside.kernel_row);
        let start = inside.kernel_column.wrapping_mul(channels);
        for (target, row) in rows.zip(inside.rows(input)) {
            let target = target.get_mut(start..).unwrap_or_default();
            target.iter_mut().zip(row).for_each(|(place, value)| *place = *value);
        }
        dense(matrix, copied, pairs, accumulators, &mut |_| ());
        activate(matrix, accumulators, outputs.next().unwrap_or_default());
    });
}

/// Computes the accumulators of one window.
#[inline(always)]
fn gather_and_add(
    matrix: &Matrix<'_>,
    inside: &Inside,
    (channels, row_inputs): (usize, usize),
    input: &[u8],
    tiles: Tiles<'_>,
    pairs: &mut PairList,
    accumulators: &mut [i32],
) {
    let order: WeightOrder = matrix.order();
    start_from(matrix.biases().as_chunks::<4>().0, accumulators);
    pairs.clear();
    let start = inside.kernel_row.wrapping_mul(row_inputs);
    let mut first = start.wrapping_add(inside.kernel_column.wrapping_mul(channels));
    for row in inside.rows(input) {
        append::<Current>(pairs, row, first, &mut |pairs| add_gathered::<Current>(order, pairs, tiles, accumulators));
        first = first.wrapping_add(row_inputs);
    }
    add_gathered::<Current>(order, pairs, tiles, accumulators);
}
