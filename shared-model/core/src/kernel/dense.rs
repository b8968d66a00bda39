//! Dense layer: `acc[j] = b[j] + sum_i x[i] * w[j][i]`, `u8` inputs, `i8` weights, `i32`
//! accumulators.

pub use super::core::DensePart;
use super::core::{Core, Current, Sources, add_lists, add_weights, start_from};
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
    list: &mut PairList<'_>,
    accumulators: &mut [i32],
    on_stage: &mut dyn FnMut(DensePart),
) {
    dense_in(matrix.order(), matrix, input, list, accumulators, on_stage);
}

/// Like [`dense`], for a matrix in `order`. If the caller knows it, other orders cost no code.
#[inline(always)]
pub fn dense_in(
    order: WeightOrder,
    matrix: &Matrix<'_>,
    input: &[u8],
    list: &mut PairList<'_>,
    accumulators: &mut [i32],
    on_stage: &mut dyn FnMut(DensePart),
) {
    let input = input.get(..matrix.inputs()).unwrap_or(input);
    if order == WeightOrder::Blocks {
        let (is_whole, max_blocks) = (input.len() == matrix.inputs(), matrix.max_blocks());
        Current::add_blocks(input, is_whole, matrix.block_lists(), max_blocks, matrix.biases(), accumulators);
        return on_stage(DensePart::Accumulate);
    }
    let sources = Sources::of(order, matrix);
    if add_lists::<Current>(&sources, input, list, accumulators, on_stage) {
        return;
    }
    // Skips no inputs: a vector is faster than the test.
    if order != WeightOrder::Vectors || !Current::add_vectors(input, &sources, accumulators) {
        start_from(sources.biases, accumulators);
        add_weights(order, input, sources.tiles, accumulators);
    }
    on_stage(DensePart::Accumulate);
}
