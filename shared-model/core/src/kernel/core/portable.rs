//! Kernels in portable Rust: the reference for all others.

use super::interface::Core;
use super::sources::{Sources, Tiles, start_from};
use crate::kernel::pair_list::{Pair, PairList};
use crate::weights::{
    BLOCK_BYTES, BlockLists, BlockTile, FOUR_BITS, Fields, TERNARY, TILE_OUTPUTS, VECTOR_ZERO_POINT, WeightOrder,
};

/// Any core, in safe Rust without vectors.
pub enum Portable {}

impl Core for Portable {
    const NAME: &'static str = "portable";

    fn add_list(
        order: WeightOrder,
        list: &PairList<'_>,
        tiles: Tiles<'_>,
        biases: Option<&[[u8; 4]]>,
        sums: &mut [i32],
    ) {
        if let Some(biases) = biases {
            start_from(biases, sums);
        }
        tiles.with_eight(sums, |tiles, sums, _| {
            for (tile, sums) in tiles.each().zip(sums) {
                add_pairs(order, list.pairs(), tile, sums);
            }
        });
    }

    fn add_blocks(
        input: &[u8],
        _is_whole: bool,
        lists: BlockLists<'_>,
        _max_blocks: usize,
        biases: &[u8],
        sums: &mut [i32],
    ) {
        start_from(biases.as_chunks().0, sums);
        for (tile, sums) in lists.tiles().zip(sums.chunks_mut(TILE_OUTPUTS)) {
            add_blocks(input, tile, sums);
        }
    }

    fn add_vectors(input: &[u8], sources: &Sources<'_>, sums: &mut [i32]) -> bool {
        if !sources.are_vectors_for(input.len(), sums.len()) {
            return false;
        }
        start_from(sources.biases, sums);
        let sum = input.iter().fold(0_u32, |sum, &value| sum.wrapping_add(value.into()));
        let correction = sum.wrapping_mul(VECTOR_ZERO_POINT.into()).cast_signed();
        sources.tiles.with_eight(sums, |tiles, sums, _| {
            for (tile, sums) in tiles.each().zip(sums) {
                add_vectors(input, correction, tile, sums);
            }
        });
        true
    }
}

/// Adds the products of `pairs` and `tile`, in an order of pairs, to eight sums.
fn add_pairs(order: WeightOrder, pairs: &[Pair], tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
    match order {
        WeightOrder::FourBitPairs => add_fields::<8>(FOUR_BITS, pairs, tile, sums),
        WeightOrder::TernaryPairs => add_fields::<4>(TERNARY, pairs, tile, sums),
        _ => add_whole_bytes(pairs, tile, sums),
    }
}

/// Like [`add_pairs`], for weights of eight bits.
// Not inlined: the callers' values would take the registers of the sums.
#[inline(never)]
fn add_whole_bytes(pairs: &[Pair], tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
    let blocks = tile.as_chunks::<BLOCK_BYTES>().0;
    let mut added = [[0; 2]; TILE_OUTPUTS / 2];
    for &[inputs, offset] in pairs {
        let Some(block) = blocks.get(number(offset)) else { continue };
        added = add_block(added, inputs, block);
    }
    add_to(sums, added);
}

/// Like [`add_pairs`], for fields in blocks of `BYTES` bytes.
#[inline(always)]
fn add_fields<const BYTES: usize>(fields: Fields, pairs: &[Pair], tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
    let blocks = tile.as_chunks::<BYTES>().0;
    for &[inputs, offset] in pairs {
        let Some(block) = blocks.get(number(offset)) else { continue };
        let (first, second) = ((inputs & 0xFF) as i32, (inputs >> 16) as i32);
        for (outputs, &[a, b, c, d]) in sums.chunks_exact_mut(fields.count()).zip(block.as_chunks::<4>().0) {
            for (output, sum) in outputs.iter_mut().enumerate() {
                let (even, odd) = (fields.weight_of([a, b], output), fields.weight_of([c, d], output));
                *sum = sum.wrapping_add(first.wrapping_mul(even)).wrapping_add(second.wrapping_mul(odd));
            }
        }
    }
}

const fn number(offset: u32) -> usize {
    offset as usize / Portable::PAIR_STEP
}

/// Adds the products of `input` and the blocks of one tile of a pruned layer to eight sums. Missing
/// inputs count as zero.
fn add_blocks(input: &[u8], tile: BlockTile<'_>, sums: &mut [i32]) {
    let at = |index: usize| u32::from(input.get(index).copied().unwrap_or(0));
    let mut added = [[0; 2]; TILE_OUTPUTS / 2];
    for (place, block) in tile.blocks() {
        let inputs = at(place) | at(place.wrapping_add(1)) << 16;
        if inputs != 0 {
            added = add_block(added, inputs, block);
        }
    }
    add_to(sums, added);
}

/// Returns `sums` plus the products of two inputs, the even one in the lower half, and a block.
#[inline(always)]
fn add_block(
    sums: [[i32; 2]; TILE_OUTPUTS / 2],
    inputs: u32,
    block: &[u8; BLOCK_BYTES],
) -> [[i32; 2]; TILE_OUTPUTS / 2] {
    let [first, second, third, fourth] = block.as_chunks::<4>().0 else { return sums };
    // Not a loop, which would keep the sums in memory.
    [
        add(sums[0], inputs, first),
        add(sums[1], inputs, second),
        add(sums[2], inputs, third),
        add(sums[3], inputs, fourth),
    ]
}

fn add_to(sums: &mut [i32], added: [[i32; 2]; TILE_OUTPUTS / 2]) {
    for (sum, added) in sums.iter_mut().zip(added.as_flattened()) {
        *sum = sum.wrapping_add(*added);
    }
}

/// Returns the sums of two outputs plus the products of a pair.
///
/// Reads single bytes, because a core without assembly can require aligned loads.
#[inline(always)]
fn add([even, odd]: [i32; 2], inputs: u32, &[a, b, c, d]: &[u8; 4]) -> [i32; 2] {
    let (first, second) = ((inputs & 0xFF) as i32, (inputs >> 16) as i32);
    // The upper byte is one too small if the lower one is negative.
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

/// Adds the products of `input` and `tile`, in vector order, to eight sums.
///
/// `correction` is what the weights' zero-point adds to each sum: 128 times the sum of the inputs.
fn add_vectors(input: &[u8], correction: i32, tile: &[u8], sums: &mut [i32; TILE_OUTPUTS]) {
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
