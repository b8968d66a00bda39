//! Weight orders: how a layer's weights lie in the blob, so that a core reads them one after the other.
//!
//! All cut the matrix into tiles of eight outputs, and a tile into blocks of some inputs. What a tile or a block is
//! short of is filled up with zero weights.
//!
//! ```text
//!  pairs      pairs.rs     2 inputs by 8 outputs, 8 bits each    16 bytes   cores that work on words, desks
//!  vectors    vectors.rs  16 inputs by 8 outputs, 8 bits each   128 bytes   cores with Helium
//!  four-bit   fields.rs    2 inputs by 8 outputs, 4 bits each     8 bytes   all
//!  ternary    fields.rs    2 inputs by 8 outputs, 2 bits each     4 bytes   all
//!  blocks     blocks.rs    as pairs, of those blocks alone in which a weight is not zero, with the lists of their places
//! ```

mod blocks;
mod fields;
mod pairs;
mod vectors;

use super::TILE_OUTPUTS;
pub(crate) use blocks::{
    BLOCK_BYTES, BlockLists, BlockTile, Lengths as BlockLengths, write_blocks, write_counts, write_places,
};
#[cfg(not(kernel_assembly))]
pub(crate) use fields::Fields;
pub(crate) use fields::{FOUR_BITS, TERNARY};
pub(crate) use vectors::VECTOR_ZERO_POINT;

/// Which order a layer's weights are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum WeightOrder {
    /// Two inputs by eight outputs, for cores that work on words, and for desks.
    #[default]
    Pairs = 1,
    /// Sixteen inputs by eight outputs, for cores with Helium, which is what Arm calls the vectors of Cortex-M55 and later.
    Vectors = 2,
    /// Weights in -7..=7, four bits each, two inputs by eight outputs.
    FourBitPairs = 3,
    /// Weights in -1..=1, two bits each, two inputs by eight outputs.
    TernaryPairs = 4,
    /// For pruned layers: of the blocks of two inputs by eight outputs those alone that have a weight other than zero.
    Blocks = 5,
}

impl WeightOrder {
    /// All orders.
    pub const ALL: [Self; 5] = [Self::Pairs, Self::Vectors, Self::FourBitPairs, Self::TernaryPairs, Self::Blocks];

    /// Of the two orders for weights of 8 bits, of which each is made from the other, that which this build's kernels are
    /// fastest with. They run any.
    pub const FASTEST: Self = if cfg!(kernel_helium) { Self::Vectors } else { Self::Pairs };

    /// Whether this build's kernels are faster with the same weights in another order.
    #[must_use]
    pub fn has_faster(self) -> bool {
        matches!(self, Self::Pairs | Self::Vectors) && self != Self::FASTEST
    }

    /// The order of a number in a blob.
    pub(crate) const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Pairs),
            2 => Some(Self::Vectors),
            3 => Some(Self::FourBitPairs),
            4 => Some(Self::TernaryPairs),
            5 => Some(Self::Blocks),
            _ => None,
        }
    }

    /// Its number in a blob.
    pub(crate) const fn number(self) -> u32 {
        self as u32
    }

    /// The largest weight that it has room for; the least is as far below zero.
    #[must_use]
    pub const fn largest_weight(self) -> i8 {
        match self {
            Self::Pairs | Self::Vectors | Self::Blocks => 127,
            Self::FourBitPairs => 7,
            Self::TernaryPairs => 1,
        }
    }

    /// Inputs of a block.
    pub(crate) const fn block_inputs(self) -> usize {
        match self {
            Self::Vectors => 16,
            _ => 2,
        }
    }

    /// Bytes of a tile: eight outputs by all `inputs`, filled up to whole blocks, all of which are there.
    ///
    /// `inputs` is at most [`MAX_WIDTH`](crate::MAX_WIDTH), so this is at most 2^17.
    pub(crate) const fn tile_bytes(self, inputs: usize) -> usize {
        let weights = inputs.next_multiple_of(self.block_inputs()).wrapping_mul(TILE_OUTPUTS);
        match self {
            Self::Pairs | Self::Vectors | Self::Blocks => weights,
            Self::FourBitPairs => weights / 2,
            Self::TernaryPairs => weights / 4,
        }
    }

    /// The most bytes that weights and lists of a layer take in a blob: exactly so many, but in [`Blocks`](Self::Blocks), where
    /// it is what a layer takes in which no block is zero.
    ///
    /// Both widths are at most [`MAX_WIDTH`](crate::MAX_WIDTH), so this is below 2^29 and fits a 32-bit `usize`.
    #[must_use]
    pub const fn packed_length_bound(self, inputs: usize, outputs: usize) -> usize {
        let tiles = outputs.div_ceil(TILE_OUTPUTS);
        let lists = match self {
            // A count for each tile, and a place for each block.
            Self::Blocks => inputs.div_ceil(2).wrapping_add(1).wrapping_mul(2),
            _ => 0,
        };
        tiles.wrapping_mul(self.tile_bytes(inputs).wrapping_add(lists))
    }

    /// Bytes that `weights`, row-major by output, and their lists take in a blob.
    #[must_use]
    pub fn packed_length(self, weights: &[i8], inputs: usize) -> usize {
        let outputs = weights.len().checked_div(inputs).unwrap_or(0);
        match self {
            Self::Blocks => BlockLengths::of(weights, inputs).total(),
            _ => self.packed_length_bound(inputs, outputs),
        }
    }

    /// The weight of one output (in 0..8) and one input of a packed `tile`; nothing where the bytes stand for no weight of the
    /// order, or lie outside. Nothing of blocks, whose tiles have no fixed places: see [`BlockTile::weight`].
    pub(crate) fn weight(self, tile: &[u8], output: usize, input: usize) -> Option<i8> {
        let weight = match self {
            Self::Blocks => None,
            Self::Pairs => pairs::weight(tile, output, input),
            Self::Vectors => vectors::weight(tile, output, input),
            Self::FourBitPairs => FOUR_BITS.weight(tile, output, input),
            Self::TernaryPairs => TERNARY.weight(tile, output, input),
        }?;
        if weight.unsigned_abs() <= self.largest_weight().unsigned_abs().into() { Some(weight as i8) } else { None }
    }

    /// The least and the greatest weighted sum of one output (in 0..8) of a packed `tile`, over all of `inputs` in 0..=255;
    /// nothing where bytes stand for no weight, or those in the padding not for zero.
    ///
    /// At most 16,384 * 255 * 127 in size, which is below 2^30.
    pub(crate) fn bounds(self, tile: &[u8], output: usize, inputs: usize) -> Option<(i32, i32)> {
        let (mut sum, mut size, mut largest, mut input) = (0_i32, 0_i32, 0_i32, 0_usize);
        let mut add = |weight: i32| {
            let absolute = weight.wrapping_abs();
            sum = sum.wrapping_add(weight);
            size = size.wrapping_add(absolute);
            // Any weight in the padding is too large.
            largest = largest.max(if input < inputs { absolute } else { absolute << 8 });
            input = input.wrapping_add(1);
        };
        self.visit(tile, output, &mut add)?;
        if largest > self.largest_weight().into() {
            return None;
        }
        // `size + sum` is twice the sum of the positive weights, `sum - size` twice that of the negative ones.
        let bound = |twice: i32| (twice / 2).wrapping_mul(255);
        Some((bound(sum.wrapping_sub(size)), bound(sum.wrapping_add(size))))
    }

    /// Hands the weights of one output (in 0..8) of a packed `tile` to `each`, padding included, as the bytes have them, which may
    /// be out of range; nothing where there is no such output. In order of inputs, but for blocks, which are one behind the other.
    pub(crate) fn visit(self, tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
        match self {
            Self::Pairs | Self::Blocks => pairs::visit(tile, output, each),
            Self::Vectors => vectors::visit(tile, output, each),
            Self::FourBitPairs => FOUR_BITS.visit(tile, output, each),
            Self::TernaryPairs => TERNARY.visit(tile, output, each),
        }
    }

    /// Packs `weights`, row-major by output, into `target`, which is filled; nothing where it is shorter than
    /// [`packed_length`](Self::packed_length), or a weight is too large for the order. Nothing of blocks, which have tables: see
    /// [`write_blocks`].
    pub(crate) fn pack(self, weights: &[i8], inputs: usize, target: &mut [u8]) -> Option<()> {
        if self.has_no_room_for(weights) {
            return None;
        }
        match self {
            Self::Blocks => return None,
            Self::Pairs => target.fill(0),
            Self::Vectors => target.fill(VECTOR_ZERO_POINT),
            Self::FourBitPairs => FOUR_BITS.fill(target),
            Self::TernaryPairs => TERNARY.fill(target),
        }
        for (output, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let start = (output / TILE_OUTPUTS).checked_mul(self.tile_bytes(inputs))?;
            let tile = target.get_mut(start..)?;
            let output = output % TILE_OUTPUTS;
            for (input, &weight) in row.iter().enumerate() {
                match self {
                    Self::Blocks => return None,
                    Self::Pairs => pairs::put(tile, output, input, weight)?,
                    Self::Vectors => vectors::put(tile, output, input, weight)?,
                    Self::FourBitPairs => FOUR_BITS.put(tile, output, input, weight)?,
                    Self::TernaryPairs => TERNARY.put(tile, output, input, weight)?,
                }
            }
        }
        Some(())
    }

    /// Whether a weight is too large for the order, or too small.
    pub(crate) fn has_no_room_for(self, weights: &[i8]) -> bool {
        let most = self.largest_weight().unsigned_abs();
        weights.iter().any(|weight| weight.unsigned_abs() > most)
    }
}

impl core::fmt::Display for WeightOrder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            Self::Pairs => "pairs",
            Self::Vectors => "vectors",
            Self::FourBitPairs => "four-bit",
            Self::TernaryPairs => "ternary",
            Self::Blocks => "blocks",
        })
    }
}

#[cfg(test)]
mod tests;
