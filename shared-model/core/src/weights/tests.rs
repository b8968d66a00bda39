extern crate std;

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

/// The orders whose tiles have a fixed length.
const DENSE: [WeightOrder; 4] =
    [WeightOrder::Pairs, WeightOrder::Vectors, WeightOrder::FourBitPairs, WeightOrder::TernaryPairs];

fn packed(order: WeightOrder, weights: &[i8], inputs: usize) -> Vec<u8> {
    let mut target = std::vec![0xA5; order.packed_length(weights, inputs)];
    order.pack(weights, inputs, &mut target).unwrap();
    target
}

/// Returns the counts, places and blocks of `weights`.
fn listed(weights: &[i8], inputs: usize) -> [Vec<u8>; 3] {
    let BlockLengths { counts, places, blocks } = BlockLengths::of(weights, inputs);
    let mut tables = [std::vec![0xA5; counts], std::vec![0xA5; places], std::vec![0xA5; blocks]];
    write_counts(weights, inputs, &mut tables[0]);
    write_places(weights, inputs, &mut tables[1]);
    write_blocks(weights, inputs, &mut tables[2]);
    tables
}

/// Maps any weights into the range of `order`.
fn fitted(order: WeightOrder, weights: &[i8]) -> Vec<i8> {
    let values = 2 * i16::from(order.largest_weight()) + 1;
    let fit = |&weight: &i8| (i16::from(weight).rem_euclid(values) - i16::from(order.largest_weight())) as i8;
    weights.iter().map(fit).collect()
}

proptest! {
    #[test]
    fn packed_weights_are_read_back(
        (inputs, weights) in (1..40_usize, 1..20_usize).prop_flat_map(|(inputs, outputs)| {
            (Just(inputs), prop::collection::vec(-127..=127_i8, inputs * outputs))
        }),
    ) {
        for order in DENSE {
            let weights = fitted(order, &weights);
            let packed = packed(order, &weights, inputs);
            prop_assert_eq!(packed.len(), order.packed_length_bound(inputs, weights.len() / inputs));
            let tiles: Vec<_> = packed.chunks_exact(order.tile_bytes(inputs)).collect();
            for output in 0..tiles.len() * TILE_OUTPUTS {
                for input in 0..inputs.next_multiple_of(order.block_inputs()) {
                    let expected = if input < inputs { weights.get(output * inputs + input) } else { None };
                    let found = order.weight(tiles[output / TILE_OUTPUTS], output % TILE_OUTPUTS, input);
                    prop_assert_eq!(found, Some(expected.copied().unwrap_or(0)), "{:?} {} {}", order, output, input);
                }
            }
        }
    }

    #[test]
    fn written_blocks_are_read_back_and_no_block_is_zero(
        (inputs, weights) in (1..40_usize, 1..20_usize).prop_flat_map(|(inputs, outputs)| {
            (Just(inputs), prop::collection::vec(prop_oneof![30 => Just(0), 1 => -127..=127_i8], inputs * outputs))
        }),
    ) {
        let [counts, places, blocks] = listed(&weights, inputs);
        let outputs = weights.len() / inputs;
        let total = counts.len() + places.len() + blocks.len();
        prop_assert_eq!(total, WeightOrder::Blocks.packed_length(&weights, inputs));
        prop_assert!(total <= WeightOrder::Blocks.packed_length_bound(inputs, outputs));
        let lists = BlockLists { counts: &counts, places: &places, blocks: &blocks };
        let tiles: Vec<_> = lists.tiles().collect();
        prop_assert_eq!(tiles.len(), outputs.div_ceil(TILE_OUTPUTS));
        for (tile, rows) in tiles.iter().zip(weights.chunks(inputs * TILE_OUTPUTS)) {
            prop_assert!(tile.places.is_sorted_by_key(|place| u16::from_le_bytes(*place)));
            prop_assert!(tile.blocks.iter().all(|block| *block != [0; BLOCK_BYTES]));
            for output in 0..TILE_OUTPUTS {
                for input in 0..inputs {
                    let expected = rows.get(output * inputs + input).copied().unwrap_or(0);
                    prop_assert_eq!(tile.weight(output, input), Some(expected.into()), "{} {}", output, input);
                }
            }
        }
    }

    #[test]
    fn bounds_are_the_extreme_weighted_sums(weights in prop::collection::vec(-127..=127_i8, 1..60)) {
        for order in DENSE {
            let weights = fitted(order, &weights);
            let packed = packed(order, &weights, weights.len());
            let sum = |sign: i32| weights.iter().map(|&weight| (i32::from(weight) * sign).max(0) * 255).sum::<i32>();
            let inputs = Inputs { first: 0, end: weights.len(), padded: 0 };
            prop_assert_eq!(order.bounds(&packed, 0, inputs), Some((-sum(-1), sum(1))), "{:?}", order);
            prop_assert_eq!(order.bounds(&packed, 7, inputs), Some((0, 0)), "{:?}", order);
        }
    }
}

#[test]
fn a_block_of_pairs_has_four_words_of_two_outputs_by_two_inputs() {
    // Four inputs, ten outputs; input 3 of outputs 8 and 9 is in the second tile's second block.
    let mut weights = [0; 40];
    (weights[8 * 4 + 3], weights[9 * 4 + 3]) = (-1, 2);
    let packed = packed(WeightOrder::Pairs, &weights, 4);
    let halfword = 32 + 16 + 2;
    assert_eq!(packed[halfword..halfword + 2], (2 * 256 - 1_i16).to_le_bytes());
    assert_eq!(packed.iter().filter(|byte| **byte != 0).count(), 2);
}

#[test]
fn a_block_of_vectors_has_sixteen_inputs_for_each_of_eight_outputs() {
    // 17 inputs, nine outputs; input 16 of output 8 begins the second block of the second tile.
    let mut weights = [0; 17 * 9];
    weights[8 * 17 + 16] = -127;
    let packed = packed(WeightOrder::Vectors, &weights, 17);
    assert_eq!((packed.len(), packed[256 + 128]), (512, 1));
    assert_eq!(packed.iter().filter(|byte| **byte != 128).count(), 1);
}

#[test]
fn a_four_bit_block_has_two_words_of_four_outputs_by_two_inputs() {
    // Four inputs, six outputs; input 3 of outputs 4 and 5 is in the second word of the second
    // block.
    let mut weights = [0; 24];
    (weights[4 * 4 + 3], weights[5 * 4 + 3]) = (-7, 7);
    let packed = packed(WeightOrder::FourBitPairs, &weights, 4);
    assert_eq!(packed.len(), 16);
    let mut expected: Vec<[u8; 2]> = std::vec![[0x88, 0x08]; 8];
    expected[4 + 2 + 1] = [0xF1, 0x08];
    assert_eq!(packed, expected.as_flattened());
    // The topmost field is signed.
    weights.fill(0);
    weights[3 * 4] = -7;
    assert_eq!(self::packed(WeightOrder::FourBitPairs, &weights, 4)[..2], [0x88, 0x98]);
}

#[test]
fn a_ternary_block_has_one_word() {
    // Four inputs, eight outputs; input 3 is in the second block.
    let mut weights = [0; 32];
    (weights[3], weights[4 + 3], weights[7 * 4 + 3]) = (-1, 1, -1);
    let packed = packed(WeightOrder::TernaryPairs, &weights, 4);
    assert_eq!(packed, [0x55, 0x15, 0x55, 0x15, 0x55, 0x15, 0x58, 0xD5]);
}

#[test]
fn a_pruned_layer_has_counts_places_and_blocks() {
    // Five inputs, nine outputs. The last input's block has one input; the second tile has only
    // this block.
    let mut weights = [0; 45];
    (weights[2], weights[4], weights[8 * 5 + 4]) = (1, 2, -3);
    let [counts, places, blocks] = listed(&weights, 5);
    assert_eq!((&counts[..], &places[..]), (&[2, 0, 1, 0][..], &[2, 0, 4, 0, 4, 0][..]));
    let mut expected = [0; 48];
    (expected[0], expected[16], expected[32], expected[33]) = (1, 2, 0xFD, 0xFF);
    assert_eq!(blocks, expected);
    assert_eq!(listed(&[0; 45], 5), [std::vec![0; 4], Vec::new(), Vec::new()], "tiles without blocks");
}

#[test]
fn bytes_that_encode_no_weight_are_rejected() {
    let of_pairs = |packed: i16, output| WeightOrder::Pairs.weight(&packed.to_le_bytes(), output, 0);
    assert_eq!((of_pairs(127 * 256 - 127, 0), of_pairs(127 * 256 - 127, 1)), (Some(-127), Some(127)));
    assert_eq!(of_pairs(-128, 0), None);
    assert_eq!(of_pairs(i16::MAX, 1), None, "128");
    assert_eq!(of_pairs(i16::MIN, 1), None, "-128");
    assert_eq!(WeightOrder::Vectors.weight(&[0], 0, 0), None);
    assert_eq!(WeightOrder::Vectors.weight(&[1], 0, 0), Some(-127));
    assert_eq!(WeightOrder::Vectors.weight(&[], 0, 0), None);
    for (order, fields, bits) in [(WeightOrder::FourBitPairs, 4, 4), (WeightOrder::TernaryPairs, 8, 2)] {
        for output in 0..fields {
            let of = |field: u32| order.weight(&(field << (bits * output)).to_le_bytes(), output as usize, 0);
            // The topmost field is signed: its lowest value is the first with the upper bit set.
            let (none, least) = match (output + 1 == fields, bits) {
                (true, _) => (1 << (bits - 1), (1 << (bits - 1)) + 1),
                (false, 4) => (0, 1),
                (false, _) => (3, 0),
            };
            assert_eq!(of(none), None, "{order:?} {output}");
            assert_eq!(of(least), Some(-order.largest_weight()), "{order:?} {output}");
        }
    }
}

#[test]
fn weights_out_of_an_orders_range_are_not_packed() {
    for order in DENSE {
        let most = order.largest_weight();
        let mut target = [0; 128];
        assert!(order.pack(&[most, -most], 2, &mut target).is_some(), "{order:?}");
        for weight in [most.wrapping_add(1), -most - 1] {
            assert!(order.pack(&[0, weight], 2, &mut target).is_none(), "{order:?} {weight}");
        }
    }
}

#[test]
fn word_loads_need_an_even_input_count_and_aligned_tables() {
    let bytes = [0; 16];
    let aligned = &bytes[bytes.as_ptr().align_offset(4)..];
    let lists = BlockLists { counts: aligned, places: aligned, blocks: aligned };
    for inputs in 0..20 {
        assert_eq!(lists.are_for_words(inputs), inputs % 2 == 0, "{inputs}");
    }
    for offset in [1, 2, 3] {
        let table = &aligned[offset..];
        assert!(!BlockLists { counts: table, ..lists }.are_for_words(2));
        assert!(!BlockLists { places: table, ..lists }.are_for_words(2));
        assert!(!BlockLists { blocks: table, ..lists }.are_for_words(2));
    }
}

#[test]
fn lists_of_blocks_are_inside_only_if_all_agree() {
    let blocks = [0; 3 * BLOCK_BYTES];
    let are_inside = |counts: &[u8], places: &[u8], blocks: &[u8], max_blocks| {
        BlockLists { counts, places, blocks }.are_inside(6, max_blocks)
    };
    let (counts, places) = ([1, 0, 2, 0], [4, 0, 0, 0, 2, 0]);
    assert!(are_inside(&counts, &places, &blocks, 2));
    assert!(!are_inside(&counts, &places, &blocks, 1), "a tile has more blocks");
    assert!(!are_inside(&counts, &[6, 0, 0, 0, 2, 0], &blocks, 2), "a place after the last input");
    assert!(!are_inside(&counts, &[3, 0, 0, 0, 2, 0], &blocks, 2), "an odd place");
    assert!(!are_inside(&counts, &places[..4], &blocks, 2), "too few places");
    assert!(!are_inside(&counts, &places, &blocks[16..], 2), "too few blocks");
    assert!(!are_inside(&counts[..3], &places[..2], &blocks[..16], 2), "half a count");
}
