extern crate std;

use super::*;
use crate::kernel::gather::PairList;
use crate::kernel::order::{BlockLengths, BlockLists, write_blocks, write_counts, write_places};
use crate::kernel::tile::{self, Tiles, add_weights};
use proptest::prelude::*;
use std::vec::Vec;

proptest! {
    #[test]
    fn all_kernels_add_up_the_same(
        (input, weights, outputs) in (1..300_usize, 1..40_usize).prop_flat_map(|(inputs, outputs)| (
            prop::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], inputs),
            prop::collection::vec(prop_oneof![Just(-127_i8), Just(127), -127..=127_i8], inputs * outputs),
            Just(outputs),
        )),
        sum in any::<i32>(),
    ) {
        let inputs = input.len();
        let sums = std::vec![sum; outputs.next_multiple_of(TILE_OUTPUTS)];
        for order in [WeightOrder::Pairs, WeightOrder::FourBitPairs, WeightOrder::TernaryPairs, WeightOrder::Vectors] {
            let most = order.largest_weight();
            let weights: Vec<i8> =
                weights.iter().map(|&weight| if most == 127 { weight } else { weight.clamp(-most, most) }).collect();
            let mut packed = std::vec![0; order.packed_length(&weights, inputs)];
            order.pack(&weights, inputs, &mut packed).unwrap();
            let tiles = Tiles { weights: &packed, tile_bytes: order.tile_bytes(inputs) };

            let mut expected = sums.clone();
            add_weights(order, &input, tiles, &mut expected);
            let slow = reference(&input, &weights, &sums);
            prop_assert_eq!(&expected[..outputs], &slow[..outputs], "any {:?}", order);

            let mut found = sums.clone();
            if order == WeightOrder::Vectors {
                prop_assert!(tile::add_vectors(&input, tiles, &mut found));
            } else {
                prop_assert!(tile::add_pairs(order, &input, tiles, &mut PairList::new(), &mut found, &mut |_| ()));
                let mut portable = sums.clone();
                let (mut list, mut next) = (PairList::new(), Some(0));
                while let Some(first) = next {
                    next = list.gather(&input, first);
                    for (tile, sums) in packed.chunks_exact(tiles.tile_bytes).zip(portable.as_chunks_mut().0) {
                        add_pairs(order, list.pairs(), tile, sums);
                    }
                }
                prop_assert_eq!(&portable, &expected, "portable {:?}", order);
            }
            prop_assert_eq!(&found, &expected, "{} {:?}", tile::KERNEL, order);
        }
    }

    #[test]
    fn blocks_add_up_as_their_weights_do(
        (input, weights) in (1..300_usize, 1..20_usize).prop_flat_map(|(inputs, outputs)| (
            prop::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], inputs),
            prop::collection::vec(prop_oneof![20 => Just(0), 1 => Just(127), 1 => -127..=127_i8], inputs * outputs),
        )),
        sum in any::<i32>(),
        missing in 0..3_usize,
    ) {
        let inputs = input.len();
        let lengths = BlockLengths::of(&weights, inputs);
        let [mut counts, mut places, mut blocks] =
            [lengths.counts, lengths.places, lengths.blocks].map(|length| std::vec![0; length]);
        write_counts(&weights, inputs, &mut counts);
        write_places(&weights, inputs, &mut places);
        write_blocks(&weights, inputs, &mut blocks);
        let lists = BlockLists { counts: &counts, places: &places, blocks: &blocks };

        // As if some inputs at the end were not given.
        let given = &input[..inputs.saturating_sub(missing)];
        let mut whole = given.to_vec();
        whole.resize(inputs, 0);
        let biases = std::vec![sum; weights.len() / inputs];
        let bytes: Vec<u8> = biases.iter().flat_map(|bias| bias.to_le_bytes()).collect();
        let mut found = std::vec![7; biases.len()];
        let most = lists.counts().max().unwrap_or(0);
        tile::add_blocks(given, missing == 0, lists, most, &bytes, &mut found);
        prop_assert_eq!(&found, &reference(&whole, &weights, &biases));
        found.clone_from(&biases);
        for (tile, sums) in lists.tiles().zip(found.chunks_mut(TILE_OUTPUTS)) {
            tile::any::add_blocks(given, tile, sums);
        }
        prop_assert_eq!(found, reference(&whole, &weights, &biases), "any");
    }
}

/// The sums by the plainest of loops, in 64 bits.
fn reference(input: &[u8], weights: &[i8], sums: &[i32]) -> Vec<i32> {
    let rows = weights.chunks_exact(input.len()).zip(sums);
    let row = |(row, &sum): (&[i8], &i32)| {
        let products = row.iter().zip(input).map(|(&weight, &value)| i64::from(weight) * i64::from(value));
        // Sums that the parser would refuse wrap, as all kernels' do.
        (i64::from(sum) + products.sum::<i64>()) as i32
    };
    rows.map(row).collect()
}
