//! Kernels that read weight by weight: any order, at any address, on any core.
//!
//! They are small and slow, for inputs that the core's own kernels reject.

use super::sources::Tiles;
#[cfg(any(test, kernel_assembly))]
use crate::weights::{BLOCK_BYTES, BlockTile};
use crate::weights::{TILE_OUTPUTS, WeightOrder};

/// Adds the products of `input` and `tiles`, in `order`, to the sums of all outputs.
pub fn add_weights(order: WeightOrder, input: &[u8], tiles: Tiles<'_>, sums: &mut [i32]) {
    for (tile, sums) in tiles.each().zip(sums.chunks_mut(TILE_OUTPUTS)) {
        for (output, sum) in sums.iter_mut().enumerate() {
            let mut input = input.iter();
            let _whole = order.visit(tile, output, &mut |weight| {
                let value = input.next().copied().unwrap_or(0);
                *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
            });
        }
    }
}

/// Adds the products of `input` and the blocks of one tile of a pruned layer to its sums.
#[cfg(any(test, kernel_assembly))]
pub fn add_blocks(input: &[u8], tile: BlockTile<'_>, sums: &mut [i32]) {
    for (place, block) in tile.blocks() {
        let tiles = Tiles { weights: block, tile_bytes: BLOCK_BYTES };
        add_weights(WeightOrder::Blocks, input.get(place..).unwrap_or_default(), tiles, sums);
    }
}
