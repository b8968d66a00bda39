//! Pruned layers by this core's kernel.

use core::ptr;

use super::{BlockKernel, pairs};
use crate::kernel::TILE_OUTPUTS;
use crate::kernel::gather::MAX_PAIRS;
use crate::kernel::order::{BlockLists, BlockTile};

const KERNEL: BlockKernel = pairs::add_blocks;

/// As [`add_blocks`](super::add_blocks); false, and nothing done, where the kernel does not take the layer: it has an odd number of
/// inputs, so that a pair would end behind them, or lists are not aligned, or shorter than the layer.
pub fn add(input: &[u8], lists: BlockLists<'_>, most: usize, biases: &[u8], sums: &mut [i32]) -> bool {
    let are_loadable = lists.are_for_words(input.len()) && biases.as_ptr().addr().is_multiple_of(4);
    let (counts, biases) = (lists.counts.as_chunks::<2>().0, biases.as_chunks::<4>().0);
    let (whole, rest) = sums.as_chunks_mut::<TILE_OUTPUTS>();
    let are_there = counts.len() == whole.len().wrapping_add(usize::from(!rest.is_empty()));
    let Some((whole_biases, rest_biases)) = biases.split_at_checked(whole.len().wrapping_mul(TILE_OUTPUTS)) else {
        return false;
    };
    if !are_loadable || !are_there {
        return false;
    }
    if most > MAX_PAIRS {
        add_tile_by_tile(input, lists, biases, sums);
        return true;
    }
    let (places, blocks) = (lists.places.as_ptr().cast(), lists.blocks.as_ptr().cast());
    if !whole.is_empty() {
        // SAFETY: the parser has proved that lists are as long as the counts add up to, and that at each place there are two
        // inputs, since their number is even. Each tile has a count, eight biases and eight sums. All is aligned.
        unsafe {
            KERNEL(
                counts.as_ptr(),
                places,
                blocks,
                whole.as_mut_ptr().cast(),
                whole_biases.as_ptr().cast(),
                input.as_ptr(),
                whole.len(),
            );
        }
    }
    if let Some(tile) = (!rest.is_empty()).then(|| lists.tiles().last()).flatten() {
        add_tile(input, tile, rest_biases, rest);
    }
    true
}

/// For tiles of more blocks than sums are kept apart for.
fn add_tile_by_tile(input: &[u8], lists: BlockLists<'_>, biases: &[[u8; 4]], sums: &mut [i32]) {
    for ((tile, biases), sums) in lists.tiles().zip(biases.chunks(TILE_OUTPUTS)).zip(sums.chunks_mut(TILE_OUTPUTS)) {
        add_tile(input, tile, biases, sums);
    }
}

/// One tile, of at most eight outputs and any number of blocks. There is an even number of inputs, and the lists are aligned.
fn add_tile(input: &[u8], tile: BlockTile<'_>, biases: &[[u8; 4]], sums: &mut [i32]) {
    let mut eight = [0; TILE_OUTPUTS];
    eight.iter_mut().zip(biases).for_each(|(place, bias)| *place = i32::from_le_bytes(*bias));
    for (places, blocks) in tile.places.chunks(MAX_PAIRS).zip(tile.blocks.chunks(MAX_PAIRS)) {
        // These cores are little-endian, as the lists are.
        let count = places.len() as u16;
        let to = eight.as_mut_ptr();
        // SAFETY: so many places and blocks are there, and eight sums, which are aligned as the tables are. At each place there
        // are two inputs, as the parser has proved of an even number of them.
        unsafe {
            KERNEL(
                ptr::from_ref(&count).cast(),
                places.as_ptr(),
                blocks.as_ptr(),
                to,
                to.cast_const(),
                input.as_ptr(),
                1,
            );
        }
    }
    sums.iter_mut().zip(eight).for_each(|(sum, place)| *sum = place);
}
