//! Tiles of a dense layer by vectors of four sums: desks, x86-64 and AArch64, both little-endian as the weights are.

use bytemuck::cast;
use wide::{i16x8, i32x4};

use crate::kernel::TILE_OUTPUTS;
use crate::kernel::gather::{BLOCK_BYTES, Pair};

/// Tiles that are worked on at a time: so many sums stay in registers.
const TILES: usize = 4;

/// As [`portable::add_pairs`](super::portable::add_pairs), for tiles of `tile_bytes`, one behind the other.
pub fn add_pairs(pairs: &[Pair], tiles: &[u8], tile_bytes: usize, sums: &mut [[i32; TILE_OUTPUTS]]) {
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

/// The next `N` of `items`, empty slices where there are fewer.
fn take<'a, T, const N: usize>(items: &mut impl Iterator<Item = &'a [T]>) -> [&'a [T]; N] {
    core::array::from_fn(|_| items.next().unwrap_or_default())
}

/// Adds the products of `pairs` with `N` tiles to their sums.
fn add<const N: usize>(pairs: &[Pair], tiles: [&[[u8; BLOCK_BYTES]]; N], sums: &mut [[i32; TILE_OUTPUTS]; N]) {
    let (lower_byte, sign) = (i16x8::splat(0xFF), i16x8::splat(0x80));
    let mut both = [i32x4::ZERO; N];
    let mut evens = [i32x4::ZERO; N];
    let mut input_sums = i32x4::ZERO;
    for pair in pairs {
        let inputs: i16x8 = cast(i32x4::splat(pair.inputs.cast_signed()));
        input_sums += inputs.dot(i16x8::ONE);
        for ((tile, both), evens) in tiles.iter().zip(&mut both).zip(&mut evens) {
            let Some(block) = tile.get(pair.offset as usize / BLOCK_BYTES) else { continue };
            let packed: i16x8 = cast(*block);
            *both += inputs.dot(packed);
            // The lower byte, which has a sign, with a zero-point of 128.
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
