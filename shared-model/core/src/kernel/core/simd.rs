//! Kernels with vectors of four sums: x86-64 and AArch64, both little-endian like the weights.

#![allow(clippy::arithmetic_side_effects, reason = "vectors add and multiply modulo 2^32")]

use bytemuck::cast;
use wide::{i16x8, i32x4};

use super::interface::Core;
use super::portable::Portable;
use super::sources::{Sources, Tiles, start_from};
use crate::kernel::pair_list::{Pair, PairList};
use crate::weights::{BLOCK_BYTES, BlockLists, FOUR_BITS, Fields, TERNARY, TILE_OUTPUTS, WeightOrder};

/// Number of tiles computed at a time: their sums stay in registers.
const TILES: usize = 4;

pub enum Simd {}

impl Core for Simd {
    const NAME: &'static str = "simd";

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
        tiles.with_eight(sums, |tiles, sums, _| add_pairs(order, list, tiles.weights, tiles.tile_bytes, sums));
    }

    fn add_blocks(
        input: &[u8],
        is_whole: bool,
        lists: BlockLists<'_>,
        max_blocks: usize,
        biases: &[u8],
        sums: &mut [i32],
    ) {
        Portable::add_blocks(input, is_whole, lists, max_blocks, biases, sums);
    }

    fn add_vectors(input: &[u8], sources: &Sources<'_>, sums: &mut [i32]) -> bool {
        Portable::add_vectors(input, sources, sums)
    }
}

/// Adds the products of `list` and tiles of `tile_bytes`, in an order of pairs, to eight sums each.
fn add_pairs(
    order: WeightOrder,
    list: &PairList<'_>,
    tiles: &[u8],
    tile_bytes: usize,
    sums: &mut [[i32; TILE_OUTPUTS]],
) {
    match order {
        WeightOrder::FourBitPairs => add_fields::<8>(FOUR_BITS, list, tiles, tile_bytes, sums),
        WeightOrder::TernaryPairs => add_fields::<4>(TERNARY, list, tiles, tile_bytes, sums),
        _ => add_words(list.pairs(), tiles, tile_bytes, sums),
    }
}

/// Like [`add_pairs`], for weights of 8 bits.
fn add_words(pairs: &[Pair], tiles: &[u8], tile_bytes: usize, sums: &mut [[i32; TILE_OUTPUTS]]) {
    let groups = tiles.chunks(TILES.saturating_mul(tile_bytes).max(1));
    for (tiles, sums) in groups.zip(sums.chunks_mut(TILES)) {
        let mut tile = tiles.chunks(tile_bytes.max(1)).map(|tile| tile.as_chunks::<BLOCK_BYTES>().0);
        if let Ok(sums) = sums.try_into() {
            add::<TILES>(pairs, take(&mut tile), sums);
        } else {
            for (tile, sums) in tile.zip(sums) {
                add::<1>(pairs, [tile], core::array::from_mut(sums));
            }
        }
    }
}

/// Returns the next `N` of `items`, and empty slices for missing ones.
fn take<'a, T, const N: usize>(items: &mut impl Iterator<Item = &'a [T]>) -> [&'a [T]; N] {
    core::array::from_fn(|_| items.next().unwrap_or_default())
}

/// Adds the products of `pairs` and `N` tiles to their sums.
fn add<const N: usize>(pairs: &[Pair], tiles: [&[[u8; BLOCK_BYTES]]; N], sums: &mut [[i32; TILE_OUTPUTS]; N]) {
    let (lower_byte, sign) = (i16x8::splat(0xFF), i16x8::splat(0x80));
    let mut both = [i32x4::ZERO; N];
    let mut evens = [i32x4::ZERO; N];
    let mut input_sums = i32x4::ZERO;
    for [inputs, offset] in pairs {
        let inputs: i16x8 = cast(i32x4::splat(inputs.cast_signed()));
        input_sums += inputs.dot(i16x8::ONE);
        for ((tile, both), evens) in tiles.iter().zip(&mut both).zip(&mut evens) {
            let Some(block) = tile.get(*offset as usize / Simd::PAIR_STEP) else { continue };
            let packed: i16x8 = cast(*block);
            *both += inputs.dot(packed);
            // The signed lower byte, with a zero-point of 128.
            *evens += inputs.dot((packed & lower_byte) ^ sign);
        }
    }
    for ((sums, both), evens) in sums.iter_mut().zip(both).zip(evens) {
        let evens = evens - input_sums * i32x4::splat(128);
        let odds: i32x4 = (both - evens) >> 8;
        for ((sums, even), odd) in sums.as_chunks_mut::<2>().0.iter_mut().zip(evens.to_array()).zip(odds.to_array()) {
            sums[0] = sums[0].wrapping_add(even);
            sums[1] = sums[1].wrapping_add(odd);
        }
    }
}

/// Like [`add_pairs`], for fields in blocks of `BYTES` bytes: computes the prefix sums of
/// [`Fields::start`], four in a vector.
#[inline(always)]
fn add_fields<const BYTES: usize>(
    fields: Fields,
    list: &PairList<'_>,
    tiles: &[u8],
    tile_bytes: usize,
    sums: &mut [[i32; TILE_OUTPUTS]],
) {
    let start = fields.start(list.sum());
    let masks = fields.masks().map(cast::<[u32; 4], i16x8>);
    // Two words of four fields, or one of eight that both vectors use.
    let words: [usize; 2] = if BYTES == 8 { [0, 1] } else { [0, 0] };
    for (tile, sums) in tiles.chunks_exact(tile_bytes.max(1)).zip(sums) {
        let blocks = tile.as_chunks::<BYTES>().0;
        let (lower, upper) = start.split_at(4);
        let mut lower = i32x4::from(<[i32; 4]>::try_from(lower).unwrap_or_default());
        let mut upper = i32x4::from(<[i32; 4]>::try_from(upper).unwrap_or_default());
        for [inputs, offset] in list.pairs() {
            let Some(block) = blocks.get(*offset as usize / Simd::PAIR_STEP) else { continue };
            let inputs: i16x8 = cast(i32x4::splat(inputs.cast_signed()));
            let word = |index: usize| {
                let bytes = block.as_chunks::<4>().0.get(words[index]).copied().unwrap_or_default();
                cast::<i32x4, i16x8>(i32x4::splat(i32::from_le_bytes(bytes))) & masks[index]
            };
            lower += inputs.dot(word(0));
            upper += inputs.dot(word(1));
        }
        let mut prefixes = [0; TILE_OUTPUTS];
        let (first, second) = prefixes.split_at_mut(4);
        first.copy_from_slice(&lower.to_array());
        second.copy_from_slice(&upper.to_array());
        fields.finish(&prefixes, sums);
    }
}
