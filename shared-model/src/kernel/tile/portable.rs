//! One tile of a dense layer in portable Rust: what every other kernel is held against.

use crate::kernel::TILE_OUTPUTS;
#[cfg(any(test, not(kernel_simd)))]
use crate::kernel::gather::{BLOCK_BYTES, Pair};

/// Adds the products of `pairs` with the weights of `tile`, which is in pair order, to eight sums.
///
/// At most [`MOST_PAIRS`](crate::kernel::gather::MOST_PAIRS) pairs: so each sum is below 2^23, and `256 * odd + even` wraps around to
/// the right bits of `odd`.
#[cfg(any(test, not(kernel_simd)))]
pub fn add_pairs(pairs: &[Pair], tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
    let blocks = tile.as_chunks::<BLOCK_BYTES>().0;
    let (mut both, mut evens) = ([0_i32; TILE_OUTPUTS / 2], [0_i32; TILE_OUTPUTS / 2]);
    for pair in pairs {
        let Some(block) = blocks.get(pair.offset as usize / BLOCK_BYTES) else { continue };
        let inputs = [pair.inputs & 0xFF, pair.inputs >> 16].map(|value| value as i16);
        let words = block.as_chunks::<4>().0;
        for ((both, even), &[a, b, c, d]) in both.iter_mut().zip(&mut evens).zip(words) {
            let packed = [i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])];
            *both = both.wrapping_add(dot(inputs, packed));
            *even = even.wrapping_add(dot(inputs, packed.map(|packed| (packed as i8).into())));
        }
    }
    for ((sums, both), even) in sums.as_chunks_mut::<2>().0.iter_mut().zip(both).zip(evens) {
        sums[0] = sums[0].wrapping_add(even);
        sums[1] = sums[1].wrapping_add(both.wrapping_sub(even) >> 8);
    }
}

/// What one `SMLAD` adds, or one lane of `PMADDWD`.
#[cfg(any(test, not(kernel_simd)))]
fn dot(a: [i16; 2], b: [i16; 2]) -> i32 {
    let product = |index: usize| i32::from(a[index]).wrapping_mul(b[index].into());
    product(0).wrapping_add(product(1))
}

/// Adds the products of `input` with the weights of `tile`, which is in vector order, to eight sums. `correction` is
/// what the weights' zero-point adds to each: 128 times the sum of the inputs.
pub fn add_vectors(input: &[u8], correction: i32, tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
    let mut raw = [0_i32; TILE_OUTPUTS];
    for (input, block) in input.chunks(16).zip(tile.as_chunks::<{ 16 * TILE_OUTPUTS }>().0) {
        for (sum, weights) in raw.iter_mut().zip(block.as_chunks::<16>().0) {
            let products = input.iter().zip(weights).map(|(&x, &w)| i32::from(x).wrapping_mul(w.into()));
            *sum = products.fold(*sum, i32::wrapping_add);
        }
    }
    for (sum, raw) in sums.iter_mut().zip(raw) {
        *sum = sum.wrapping_add(raw.wrapping_sub(correction));
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::kernel::gather::PairList;
    use crate::kernel::order::WeightOrder;
    use crate::kernel::tile::{Tiles, add_weights};
    use proptest::prelude::*;

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
            let mut packed = std::vec![0; WeightOrder::Pairs.packed_length(inputs, outputs)];
            WeightOrder::Pairs.pack(&weights, inputs, &mut packed).unwrap();
            let tiles = Tiles { weights: &packed, tile_bytes: WeightOrder::Pairs.tile_bytes(inputs) };

            let mut expected = sums.clone();
            add_weights(WeightOrder::Pairs, &input, tiles, &mut expected);

            let mut found = sums.clone();
            let (mut list, mut next) = (PairList::new(), Some(0));
            while let Some(first) = next {
                next = list.gather(&input, first);
                for (tile, sums) in packed.chunks_exact(tiles.tile_bytes).zip(found.as_chunks_mut().0) {
                    add_pairs(list.pairs(), tile, sums);
                }
            }
            prop_assert_eq!(&found, &expected, "portable");

            let mut found = sums.clone();
            prop_assert!(crate::kernel::tile::add_pairs(&input, tiles, &mut PairList::new(), &mut found, &mut |_| ()));
            prop_assert_eq!(&found, &expected, "{}", crate::kernel::tile::KERNEL);

            let mut packed = std::vec![0; WeightOrder::Vectors.packed_length(inputs, outputs)];
            WeightOrder::Vectors.pack(&weights, inputs, &mut packed).unwrap();
            let tiles = Tiles { weights: &packed, tile_bytes: WeightOrder::Vectors.tile_bytes(inputs) };
            let mut found = sums;
            prop_assert!(crate::kernel::tile::add_vectors(&input, tiles, &mut found));
            prop_assert_eq!(&found, &expected, "vectors");
        }
    }
}
