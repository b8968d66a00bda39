//! One tile of a dense layer in portable Rust: what every other kernel is held against.

use crate::kernel::TILE_OUTPUTS;
#[cfg(any(test, not(kernel_simd)))]
use crate::kernel::gather::{BLOCK_BYTES, Pair};

/// Adds the products of `pairs` with the weights of `tile`, which is in pair order, to eight sums.
#[cfg(any(test, not(kernel_simd)))]
pub fn add_pairs(pairs: &[Pair], tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
    let blocks = tile.as_chunks::<BLOCK_BYTES>().0;
    let mut outputs = [[0; 2]; TILE_OUTPUTS / 2];
    for pair in pairs {
        let block = blocks.get(pair.offset as usize / BLOCK_BYTES).map(|block| block.as_chunks::<4>().0);
        let Some([first, second, third, fourth]) = block else { continue };
        // By name and not by a loop, which would keep the sums in memory.
        outputs = [
            add(outputs[0], *pair, first),
            add(outputs[1], *pair, second),
            add(outputs[2], *pair, third),
            add(outputs[3], *pair, fourth),
        ];
    }
    for (sum, output) in sums.iter_mut().zip(outputs.as_flattened()) {
        *sum = sum.wrapping_add(*output);
    }
}

/// The sums of two outputs, with the products of a pair added. By single bytes: cores without assembly may want aligned loads.
#[cfg(any(test, not(kernel_simd)))]
#[inline(always)]
fn add([even, odd]: [i32; 2], pair: Pair, &[a, b, c, d]: &[u8; 4]) -> [i32; 2] {
    let (first, second) = ((pair.inputs & 0xFF) as i32, (pair.inputs >> 16) as i32);
    // The upper byte is one too small where the lower one is negative.
    let weights = |low: u8, high: u8| {
        let even = i32::from(low.cast_signed());
        [even, i32::from(high.cast_signed()).wrapping_sub(even >> 31)]
    };
    let ([w00, w10], [w01, w11]) = (weights(a, b), weights(c, d));
    [
        even.wrapping_add(first.wrapping_mul(w00)).wrapping_add(second.wrapping_mul(w01)),
        odd.wrapping_add(first.wrapping_mul(w10)).wrapping_add(second.wrapping_mul(w11)),
    ]
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
