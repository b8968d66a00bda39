//! Tiles of a dense layer weight by weight: any order, at any address, on any core. Small and slow, for what the core's own
//! kernel does not take.

use super::Tiles;
use crate::kernel::TILE_OUTPUTS;
use crate::kernel::order::WeightOrder;
#[cfg(any(test, kernel_assembly))]
use crate::kernel::order::{BLOCK_BYTES, BlockTile};

/// Adds the products of `input` with `tiles`, in `order`, to the sums of all outputs.
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

/// Adds the products of `input` with the blocks of a tile of a pruned layer to its sums.
#[cfg(any(test, kernel_assembly))]
pub fn add_blocks(input: &[u8], tile: BlockTile<'_>, sums: &mut [i32]) {
    for (place, block) in tile.blocks() {
        let tiles = Tiles { weights: block, tile_bytes: BLOCK_BYTES };
        add_weights(WeightOrder::Blocks, input.get(place..).unwrap_or_default(), tiles, sums);
    }
}

#[cfg(all(test, not(kernel_assembly)))]
mod tests {
    extern crate std;

    use super::*;
    use crate::kernel::PairList;
    use crate::kernel::tile::{add_pairs, add_vectors};
    use proptest::prelude::*;
    use std::vec::Vec;

    const ORDERS: [WeightOrder; 4] =
        [WeightOrder::Pairs, WeightOrder::Vectors, WeightOrder::FourBitPairs, WeightOrder::TernaryPairs];

    /// The portable kernels' sums, which begin with `sums`; false where they do not take the input.
    fn portable(order: WeightOrder, input: &[u8], tiles: Tiles<'_>, sums: &mut [i32]) -> bool {
        match order {
            WeightOrder::Vectors => add_vectors(input, tiles, sums),
            _ => add_pairs(order, input, tiles, &mut PairList::new(), sums, &mut |_| ()),
        }
    }

    fn packed(order: WeightOrder, weights: &[i8], inputs: usize) -> Vec<u8> {
        let most = order.largest_weight();
        let weights: Vec<i8> = weights.iter().map(|&weight| weight.clamp(-most, most)).collect();
        let mut packed = std::vec![0; order.packed_length(&weights, inputs)];
        order.pack(&weights, inputs, &mut packed).unwrap();
        packed
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_portable_kernels(
            (inputs, input, weights, sums) in (1..=40_usize, 1..=20_usize).prop_flat_map(|(inputs, outputs)| (
                Just(inputs),
                prop::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], inputs),
                prop::collection::vec(prop_oneof![Just(-127), Just(127), -127..=127_i8], inputs * outputs),
                prop::collection::vec(-1_000_000..1_000_000_i32, outputs),
            )),
        ) {
            for order in ORDERS {
                let weights = packed(order, &weights, inputs);
                let tiles = Tiles { weights: &weights, tile_bytes: order.tile_bytes(inputs) };
                let (mut found, mut expected) = (sums.clone(), sums.clone());
                add_weights(order, &input, tiles, &mut found);
                prop_assert!(portable(order, &input, tiles, &mut expected));
                prop_assert_eq!(found, expected, "{:?}", order);
            }
        }

        #[test]
        fn fewer_inputs_count_as_zeros_and_further_ones_are_not_read(
            input in prop::collection::vec(any::<u8>(), 0..80),
            weights in prop::collection::vec(-127..=127_i8, 9 * 33),
        ) {
            let mut whole = input.clone();
            whole.resize(33, 0);
            for order in ORDERS {
                let weights = packed(order, &weights, 33);
                let tiles = Tiles { weights: &weights, tile_bytes: order.tile_bytes(33) };
                let (mut found, mut expected) = ([1; 9], [1; 9]);
                add_weights(order, &input, tiles, &mut found);
                add_weights(order, &whole, tiles, &mut expected);
                prop_assert_eq!(found, expected, "{:?}", order);
            }
        }
    }

    #[test]
    fn what_the_kernels_do_not_take_changes_nothing() {
        for order in ORDERS {
            // Weights for 16 inputs and 8 outputs.
            let weights = std::vec![3; order.tile_bytes(16)];
            let tiles = Tiles { weights: &weights, tile_bytes: weights.len() };
            let mut sums = [5; 8];
            assert!(!portable(order, &[1; 17], tiles, &mut sums), "{order:?}: more inputs than a tile has blocks for");
            assert_eq!(sums, [5; 8]);
            let mut sums = [5; 9];
            assert!(!portable(order, &[1; 16], tiles, &mut sums), "{order:?}: more outputs than there are tiles");
            assert_eq!(sums, [5; 9]);
        }
    }
}
