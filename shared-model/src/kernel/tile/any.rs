//! Tiles of a dense layer weight by weight: any order, at any address, on any core. Small and slow, for what the core's own
//! kernel does not take.

use super::Tiles;
use crate::kernel::TILE_OUTPUTS;
use crate::kernel::order::WeightOrder;

/// Adds the products of `input` with `tiles`, in `order`, to the sums of all outputs.
pub fn add_weights(order: WeightOrder, input: &[u8], tiles: Tiles<'_>, sums: &mut [i32]) {
    for (tile, sums) in tiles.weights.chunks_exact(tiles.tile_bytes.max(1)).zip(sums.chunks_mut(TILE_OUTPUTS)) {
        for (output, sum) in sums.iter_mut().enumerate() {
            let mut input = input.iter();
            let _whole = order.visit(tile, output, &mut |weight| {
                let value = input.next().copied().unwrap_or(0);
                *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
            });
        }
    }
}
