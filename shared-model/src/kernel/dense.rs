//! Dense layer: `acc[j] = b[j] + sum_i x[i] * w[j][i]`, `u8` inputs, `i8` weights, `i32` accumulators.

use super::gather::PairList;
use super::order::WeightOrder;
use super::tile::{self, Tiles};
use crate::blob::DenseLayer;

/// A part of [`dense`] that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DensePart {
    /// Inputs that are not zero are gathered, as many as a list holds.
    Gather,
    /// Their products are added up.
    Accumulate,
}

/// Computes the accumulators of `layer` for `input`. They are exact: the parser has proved that no input can overflow one.
///
/// `input` has `layer.inputs()` values; missing ones count as zero, further ones are not read. `accumulators` has one place
/// for each output; what has none is left out. `on_stage` is told of each part when it has ended.
pub fn dense(
    layer: &DenseLayer<'_>,
    input: &[u8],
    pairs: &mut PairList,
    accumulators: &mut [i32],
    on_stage: &mut dyn FnMut(DensePart),
) {
    let input = input.get(..layer.inputs()).unwrap_or(input);
    if layer.order() == WeightOrder::Blocks {
        let (is_whole, most) = (input.len() == layer.inputs(), layer.most_blocks());
        tile::add_blocks(input, is_whole, layer.block_lists(), most, layer.biases(), accumulators);
        return on_stage(DensePart::Accumulate);
    }
    for (accumulator, bias) in accumulators.iter_mut().zip(layer.biases().as_chunks::<4>().0) {
        *accumulator = i32::from_le_bytes(*bias);
    }
    let tiles = Tiles { weights: layer.weights(), tile_bytes: layer.order().tile_bytes(layer.inputs()) };
    match layer.order() {
        // No input is skipped: vectors are faster than looking.
        WeightOrder::Vectors if tile::add_vectors(input, tiles, accumulators) => on_stage(DensePart::Accumulate),
        order if tile::add_pairs(order, input, tiles, pairs, accumulators, on_stage) => {}
        order => {
            tile::add_weights(order, input, tiles, accumulators);
            on_stage(DensePart::Accumulate);
        }
    }
}
