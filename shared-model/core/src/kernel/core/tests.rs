extern crate std;

use super::any;
use super::lists::gather;
use super::portable::Portable;
use super::sources::Tiles;
use super::{Core, Current, KERNEL, Sources, add_lists, add_weights};
use crate::kernel::pair_list::{Pair, PairList};
use crate::model::SPARE_PAIRS;
use crate::weights::{
    BlockLengths, BlockLists, MAX_PAIRS, TILE_OUTPUTS, WeightOrder, write_blocks, write_counts, write_places,
};
use proptest::prelude::*;
use std::vec::Vec;

const ORDERS: [WeightOrder; 4] =
    [WeightOrder::Pairs, WeightOrder::Vectors, WeightOrder::FourBitPairs, WeightOrder::TernaryPairs];

/// Adds products with the kernels of `C`; returns false if they reject the input.
fn add<C: Core>(order: WeightOrder, input: &[u8], tiles: Tiles<'_>, sums: &mut [i32]) -> bool {
    let biases: Vec<[u8; 4]> = sums.iter().map(|sum| sum.to_le_bytes()).collect();
    let sources = Sources { order, inputs: input.len(), tiles, biases: &biases };
    // The biases are written, not added.
    let mut written = std::vec![7; sums.len()];
    let is_accepted = match order {
        WeightOrder::Vectors => C::add_vectors(input, &sources, &mut written),
        _ => add_lists::<C>(
            &sources,
            input,
            &mut PairList::new(&mut [[0; 2]; MAX_PAIRS + SPARE_PAIRS]),
            &mut written,
            &mut |_| (),
        ),
    };
    if is_accepted {
        sums.copy_from_slice(&written);
    } else {
        assert!(written.iter().all(|sum| *sum == 7), "a rejected input changes nothing");
    }
    is_accepted
}

fn packed(order: WeightOrder, weights: &[i8], inputs: usize) -> Vec<u8> {
    let largest = order.largest_weight();
    let weights: Vec<i8> = weights.iter().map(|&weight| weight.clamp(-largest, largest)).collect();
    let mut packed = std::vec![0; order.packed_length(&weights, inputs)];
    order.pack(&weights, inputs, &mut packed).unwrap();
    packed
}

proptest! {
    #[test]
    fn all_kernels_compute_the_same_sums(
        (input, weights, outputs) in (1..300_usize, 1..40_usize).prop_flat_map(|(inputs, outputs)| (
            prop::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], inputs),
            prop::collection::vec(prop_oneof![Just(-127_i8), Just(127), -127..=127_i8], inputs * outputs),
            Just(outputs),
        )),
        sum in any::<i32>(),
    ) {
        let inputs = input.len();
        let sums = std::vec![sum; outputs.next_multiple_of(TILE_OUTPUTS)];
        for order in ORDERS {
            let largest = order.largest_weight();
            let clamped = |&weight: &i8| if largest == 127 { weight } else { weight.clamp(-largest, largest) };
            let weights: Vec<i8> = weights.iter().map(clamped).collect();
            let mut packed = std::vec![0; order.packed_length(&weights, inputs)];
            order.pack(&weights, inputs, &mut packed).unwrap();
            let tiles = Tiles { weights: &packed, tile_bytes: order.tile_bytes(inputs) };

            let mut expected = sums.clone();
            add_weights(order, &input, tiles, &mut expected);
            let slow = reference(&input, &weights, &sums);
            prop_assert_eq!(&expected[..outputs], &slow[..outputs], "any {:?}", order);

            let mut found = sums.clone();
            prop_assert!(add::<Current>(order, &input, tiles, &mut found));
            prop_assert_eq!(&found, &expected, "{} {:?}", KERNEL, order);
            let mut portable = sums.clone();
            prop_assert!(add::<Portable>(order, &input, tiles, &mut portable));
            prop_assert_eq!(&portable, &expected, "portable {:?}", order);
        }
    }

    #[test]
    fn blocks_have_the_sums_of_their_weights(
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

        // Some inputs at the end are missing.
        let given = &input[..inputs.saturating_sub(missing)];
        let mut whole = given.to_vec();
        whole.resize(inputs, 0);
        let biases = std::vec![sum; weights.len() / inputs];
        let bytes: Vec<u8> = biases.iter().flat_map(|bias| bias.to_le_bytes()).collect();
        let mut found = std::vec![7; biases.len()];
        let max_blocks = lists.counts().max().unwrap_or(0);
        Current::add_blocks(given, missing == 0, lists, max_blocks, &bytes, &mut found);
        prop_assert_eq!(&found, &reference(&whole, &weights, &biases));
        found.clone_from(&biases);
        for (tile, sums) in lists.tiles().zip(found.chunks_mut(TILE_OUTPUTS)) {
            any::add_blocks(given, tile, sums);
        }
        prop_assert_eq!(found, reference(&whole, &weights, &biases), "any");
    }
}

/// Computes the sums with simple loops, in 64 bits.
fn reference(input: &[u8], weights: &[i8], sums: &[i32]) -> Vec<i32> {
    let rows = weights.chunks_exact(input.len()).zip(sums);
    let row = |(row, &sum): (&[i8], &i32)| {
        let products = row.iter().zip(input).map(|(&weight, &value)| i64::from(weight) * i64::from(value));
        // Sums that the parser would refuse wrap, like those of all kernels.
        (i64::from(sum) + products.sum::<i64>()) as i32
    };
    rows.map(row).collect()
}

proptest! {
    #[test]
    fn sums_weight_by_weight_are_those_of_the_portable_kernels(
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
            prop_assert!(add::<Portable>(order, &input, tiles, &mut expected));
            prop_assert_eq!(found, expected, "{:?}", order);
        }
    }

    #[test]
    fn missing_inputs_count_as_zero_and_extra_ones_are_ignored(
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
fn rejected_inputs_change_nothing() {
    for order in ORDERS {
        // Weights for 16 inputs and 8 outputs.
        let weights = std::vec![3; order.tile_bytes(16)];
        let tiles = Tiles { weights: &weights, tile_bytes: weights.len() };
        let mut sums = [5; 8];
        assert!(
            !add::<Portable>(order, &[1; 17], tiles, &mut sums),
            "{order:?}: more inputs than a tile has blocks for"
        );
        assert_eq!(sums, [5; 8]);
        let mut sums = [5; 9];
        assert!(!add::<Portable>(order, &[1; 16], tiles, &mut sums), "{order:?}: more outputs than there are tiles");
        assert_eq!(sums, [5; 9]);
    }
}

/// Returns all pairs that are not both zero, with a simple loop.
fn reference_pairs(inputs: &[u8]) -> Vec<Pair> {
    let pair = |(index, pair): (usize, &[u8])| {
        let (even, odd) = (pair[0], pair.get(1).copied().unwrap_or(0));
        let inputs = u32::from(even) + 65536 * u32::from(odd);
        (inputs != 0).then_some([inputs, (index * Current::PAIR_STEP) as u32])
    };
    inputs.chunks(2).enumerate().filter_map(pair).collect()
}

/// Gathers list after list until the inputs end, and checks what the kernels rely on.
fn gathered(inputs: &[u8]) -> Vec<Pair> {
    // A full list, as after a larger layer.
    let mut places = [[0; 2]; MAX_PAIRS + SPARE_PAIRS];
    let mut list = PairList::new(&mut places);
    gather::<Current>(&mut list, &[7; 2 * MAX_PAIRS], 0);
    let (mut all, mut next) = (Vec::new(), Some(0));
    while let Some(first) = next {
        list.clear();
        next = gather::<Current>(&mut list, inputs, first);
        list.terminate();
        let pairs = list.pairs();
        assert!(pairs.len() <= MAX_PAIRS);
        assert_eq!(list.terminated().get(pairs.len()), Some(&[0; 2]), "no end after {} pairs", pairs.len());
        assert!(pairs.iter().all(|[_, offset]| *offset as usize >= first * Current::PAIR_STEP), "pairs before {first}");
        // Otherwise it would not end, or be called in vain.
        assert!(next.is_none_or(|next| next > first && next * 2 < inputs.len()), "{first} {next:?}");
        all.extend_from_slice(pairs);
    }
    all
}

proptest! {
    #[test]
    fn all_pairs_are_gathered_in_order(
        inputs in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..1200),
    ) {
        prop_assert_eq!(gathered(&inputs), reference_pairs(&inputs));
    }
}

#[test]
fn gathering_resumes_after_a_full_list() {
    for length in 0..MAX_PAIRS * 2 * 3 + 8 {
        for step in [1, 2, 3, 4, 5] {
            let inputs: Vec<u8> =
                (0..length).map(|index| if index % step == 0 { index as u8 | 1 } else { 0 }).collect();
            assert_eq!(gathered(&inputs), reference_pairs(&inputs), "{length} inputs, one in {step} non-zero");
        }
    }
}

#[test]
fn zeros_after_a_full_list_are_skipped() {
    assert!(gathered(&[]).is_empty());
    assert!(gathered(&[0; 1000]).is_empty());
    // A full list, then only zeros: the last list can be empty.
    let mut inputs = [255; MAX_PAIRS * 2 + 100].to_vec();
    inputs[MAX_PAIRS * 2..].fill(0);
    assert_eq!(gathered(&inputs).len(), MAX_PAIRS);
    // There are no pairs after the end.
    let mut places = [[0; 2]; MAX_PAIRS + SPARE_PAIRS];
    let mut list = PairList::new(&mut places);
    assert_eq!(gather::<Current>(&mut list, &inputs, inputs.len()), None);
    assert_eq!(gather::<Current>(&mut list, &inputs, usize::MAX), None);
    assert!(list.pairs().is_empty());
}
