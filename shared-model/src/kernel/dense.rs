//! Dense layer: `acc[j] = b[j] + sum_i x[i] * w[j][i]`, `u8` inputs, `i8` weights, `i32`
//! accumulators.

pub use super::core::DensePart;
use super::core::{Core, Current, Tiles, add_lists, add_weights};
use super::pair_list::PairList;
use crate::model::Matrix;
use crate::weights::WeightOrder;

/// Computes the accumulators of a layer with `matrix` for `input`.
///
/// The accumulators are exact: the parser has proved that no input can overflow one. `input` has
/// `matrix.inputs()` values; missing ones count as zero, extra ones are ignored. `accumulators` has
/// one place for each output; outputs without a place are omitted. Calls `on_stage` after each
/// part.
pub fn dense(
    matrix: &Matrix<'_>,
    input: &[u8],
    pairs: &mut PairList,
    accumulators: &mut [i32],
    on_stage: &mut dyn FnMut(DensePart),
) {
    let input = input.get(..matrix.inputs()).unwrap_or(input);
    if matrix.order() == WeightOrder::Blocks {
        let (is_whole, max_blocks) = (input.len() == matrix.inputs(), matrix.max_blocks());
        Current::add_blocks(input, is_whole, matrix.block_lists(), max_blocks, matrix.biases(), accumulators);
        return on_stage(DensePart::Accumulate);
    }
    start_from(matrix.biases().as_chunks::<4>().0, accumulators);
    let tiles = Tiles { weights: matrix.weights(), tile_bytes: matrix.order().tile_bytes(matrix.inputs()) };
    match matrix.order() {
        // Skips no inputs: a vector is faster than the test.
        WeightOrder::Vectors if Current::add_vectors(input, tiles, accumulators) => on_stage(DensePart::Accumulate),
        order if add_lists::<Current>(order, input, tiles, pairs, accumulators, on_stage) => {}
        order => {
            add_weights(order, input, tiles, accumulators);
            on_stage(DensePart::Accumulate);
        }
    }
}

/// Sets each accumulator to its bias, as far as there are both.
///
/// Goes in steps of two, which takes fewer instructions than a plain loop.
pub fn start_from(biases: &[[u8; 4]], accumulators: &mut [i32]) {
    let used = accumulators.len().min(biases.len());
    let (whole, rest) = accumulators.get_mut(..used).unwrap_or_default().as_chunks_mut::<2>();
    let (biases, rest_biases) = biases.get(..used).unwrap_or_default().as_chunks::<2>();
    for (accumulators, &[a, b]) in whole.iter_mut().zip(biases) {
        *accumulators = [a, b].map(i32::from_le_bytes);
    }
    for (accumulator, bias) in rest.iter_mut().zip(rest_biases) {
        *accumulator = i32::from_le_bytes(*bias);
    }
}
