//! **Blocks**: a pruned layer, which stores only the non-zero blocks of [`pairs`].
//!
//! There are three tables: the block count of each tile, the first input of each block, and the
//! blocks. A core reads the two inputs of each block, and skips the weights if both are zero.

use core::iter;

use super::pairs;
use super::tile::TILE_OUTPUTS;

pub const BLOCK_BYTES: usize = 2 * TILE_OUTPUTS;

/// The three tables of a pruned layer.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockLists<'a> {
    /// Block count of each tile, little-endian `u16`.
    pub counts: &'a [u8],
    /// First input of each block, little-endian `u16`: even, and ascending within a tile.
    pub places: &'a [u8],
    /// Blocks of [`BLOCK_BYTES`] each.
    pub blocks: &'a [u8],
}

/// The blocks of one tile.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockTile<'a> {
    /// First input of each block, little-endian.
    pub places: &'a [[u8; 2]],
    /// Weights of each block.
    pub blocks: &'a [[u8; BLOCK_BYTES]],
}

/// Length in bytes of each of the three tables.
#[derive(Clone, Copy, Debug)]
pub struct BlockLengths {
    pub counts: usize,
    pub places: usize,
    pub blocks: usize,
}

impl<'a> BlockLists<'a> {
    pub fn counts(self) -> impl Iterator<Item = usize> + use<'a> {
        self.counts.as_chunks::<2>().0.iter().map(|count| u16::from_le_bytes(*count).into())
    }

    /// Returns true if all blocks are inside a layer with `inputs`, the lists are as long as the
    /// counts' sum, and no tile has more than `max_blocks`.
    pub const fn are_inside(&self, inputs: u16, max_blocks: u16) -> bool {
        let (mut places, mut are_inside) = (self.places, true);
        while let Some((&place, rest)) = places.split_first_chunk() {
            let place = u16::from_le_bytes(place);
            are_inside &= place < inputs && place % 2 == 0;
            places = rest;
        }
        let (mut counts, mut sum) = (self.counts, 0_usize);
        while let Some((&count, rest)) = counts.split_first_chunk() {
            let count = u16::from_le_bytes(count);
            are_inside &= count <= max_blocks;
            sum = sum.wrapping_add(count as usize);
            counts = rest;
        }
        let has_all = self.places.len() / 2 == sum && self.blocks.len() / BLOCK_BYTES == sum;
        are_inside && has_all && places.is_empty() && counts.is_empty()
    }

    /// Returns true if every table is aligned to words and every block has two inputs.
    ///
    /// If `inputs` is odd, the last pair would extend past the last input.
    #[cfg(any(test, kernel_assembly))]
    pub fn are_for_words(self, inputs: usize) -> bool {
        let Self { counts, places, blocks } = self;
        let addresses = counts.as_ptr().addr() | places.as_ptr().addr() | blocks.as_ptr().addr();
        inputs.is_multiple_of(2) && addresses.is_multiple_of(4)
    }

    /// Returns the tiles in order. A tile is empty if the tables are too short for it.
    pub fn tiles(self) -> impl Iterator<Item = BlockTile<'a>> {
        let mut places = self.places.as_chunks::<2>().0;
        let mut blocks = self.blocks.as_chunks::<BLOCK_BYTES>().0;
        self.counts().map(move |count| {
            let (Some((own_places, other_places)), Some((own_blocks, other_blocks))) =
                (places.split_at_checked(count), blocks.split_at_checked(count))
            else {
                return BlockTile::default();
            };
            (places, blocks) = (other_places, other_blocks);
            BlockTile { places: own_places, blocks: own_blocks }
        })
    }
}

impl<'a> BlockTile<'a> {
    pub fn blocks(self) -> impl Iterator<Item = (usize, &'a [u8; BLOCK_BYTES])> {
        self.places.iter().map(|place| u16::from_le_bytes(*place).into()).zip(self.blocks)
    }

    /// Returns the stored weight of one output (0..8) and one input; zero if no block has it.
    pub fn weight(self, output: usize, input: usize) -> Option<i32> {
        let first = input & !1;
        // The places ascend.
        let found = self.places.binary_search_by_key(&first, |place| u16::from_le_bytes(*place).into());
        match found.ok().and_then(|index| self.blocks.get(index)) {
            Some(block) => pairs::weight(block, output, input % 2),
            None => Some(0),
        }
    }
}

impl BlockLengths {
    /// Returns the tables' lengths for `weights`, row-major by output.
    pub fn of(weights: &[i8], inputs: usize) -> Self {
        let tiles = tiles(weights, inputs);
        let count: usize = tiles.clone().map(|tile| places(tile, inputs).count()).sum();
        Self {
            counts: tiles.count().wrapping_mul(2),
            places: count.wrapping_mul(2),
            blocks: count.wrapping_mul(BLOCK_BYTES),
        }
    }

    pub const fn total(self) -> usize {
        self.counts.wrapping_add(self.places).wrapping_add(self.blocks)
    }
}

/// Writes the counts of `weights`, row-major by output, to `target`.
pub fn write_counts(weights: &[i8], inputs: usize, target: &mut [u8]) {
    for (count, tile) in target.as_chunks_mut::<2>().0.iter_mut().zip(tiles(weights, inputs)) {
        // At most 8,192: half of `MAX_WIDTH`.
        *count = (places(tile, inputs).count() as u16).to_le_bytes();
    }
}

pub fn write_places(weights: &[i8], inputs: usize, target: &mut [u8]) {
    let places = tiles(weights, inputs).flat_map(|tile| places(tile, inputs));
    for (place, first) in target.as_chunks_mut::<2>().0.iter_mut().zip(places) {
        *place = (first as u16).to_le_bytes();
    }
}

pub fn write_blocks(weights: &[i8], inputs: usize, target: &mut [u8]) {
    target.fill(0);
    let mut blocks = target.as_chunks_mut::<BLOCK_BYTES>().0.iter_mut();
    for tile in tiles(weights, inputs) {
        for first in places(tile, inputs) {
            let Some(block) = blocks.next() else { return };
            for (output, row) in tile.chunks_exact(inputs.max(1)).enumerate() {
                for (input, &weight) in row.iter().skip(first).take(2).enumerate() {
                    let _room = pairs::put(block, output, input, weight);
                }
            }
        }
    }
}

/// Splits the rows into tiles of eight outputs; the last tile can have fewer.
fn tiles(weights: &[i8], inputs: usize) -> impl Iterator<Item = &[i8]> + Clone {
    weights.chunks(inputs.saturating_mul(TILE_OUTPUTS).max(1))
}

/// Returns the first input of each pair that has a non-zero weight in `tile`.
fn places(tile: &[i8], inputs: usize) -> impl Iterator<Item = usize> {
    let is_used = move |first: usize| {
        let mut rows = tile.chunks_exact(inputs.max(1));
        rows.any(|row| row.iter().skip(first).take(2).any(|&weight| weight != 0))
    };
    iter::successors(Some(0_usize), |first| first.checked_add(2))
        .take_while(move |&first| first < inputs)
        .filter(move |&first| is_used(first))
}
