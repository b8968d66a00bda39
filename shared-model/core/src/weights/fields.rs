//! **Four-bit** and **ternary**: one block has two inputs `(2k, 2k+1)` by eight outputs, in 8 bytes
//! (four-bit) or 4 bytes (ternary).
//!
//! A word has two little-endian `i16`, the first for input `2k`, the second for `2k+1`. Each has
//! four fields of 4 bits or eight fields of 2 bits, one for each output. The topmost field is
//! signed. The others hold `w + zero`, with a zero of 8 or 1, and are never negative.
//!
//! One `SMLAD` of the word with the two inputs sums the products of all its outputs. A second one,
//! with the topmost fields cleared, sums those of all outputs but one, and so on. The difference of
//! two such prefix sums is the sum of one output, shifted. The zeros add a multiple of the sum of
//! the inputs, which is subtracted at the start.

#![allow(clippy::arithmetic_side_effects, reason = "counts, bits and positions within a word, for two field widths")]

use super::tile::{MAX_PAIRS, TILE_OUTPUTS};

/// The fields that share a halfword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    bits: u32,
}

pub const FOUR_BITS: Fields = Fields { bits: 4 };

pub const TERNARY: Fields = Fields { bits: 2 };

// Sums of whole halfwords, the largest sums, fit in 32 bits.
const _: () = assert!(MAX_PAIRS * 2 * 255 <= (i32::MAX / (1 << 15)) as usize);

impl Fields {
    /// Returns the number of fields in a halfword, one for each output.
    pub const fn count(self) -> usize {
        if self.bits == 4 { 4 } else { 8 }
    }

    /// Returns the value that stands for a zero weight in every field but the topmost.
    const fn zero(self) -> i32 {
        (self.zeros() as i32) & ((1 << self.bits) - 1)
    }

    /// Returns the stored weight, which can be out of range; `None` outside the tile.
    pub fn weight(self, tile: &[u8], output: usize, input: usize) -> Option<i32> {
        let halfword = tile.as_chunks::<2>().0.get(self.place(output, input))?;
        Some(self.weight_of(*halfword, output))
    }

    /// Calls `each` with every stored weight of one output.
    pub fn visit(self, tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
        let words = TILE_OUTPUTS / self.count();
        for word in tile.as_chunks::<4>().0.iter().skip(output / self.count()).step_by(words) {
            let [a, b, c, d] = *word;
            each(self.weight_of([a, b], output));
            each(self.weight_of([c, d], output));
        }
        Some(())
    }

    pub fn fill(self, target: &mut [u8]) {
        target.as_chunks_mut::<2>().0.fill(self.zeros().to_le_bytes());
    }

    /// Writes a weight to a tile that has a zero there; `None` outside the tile.
    pub fn put(self, tile: &mut [u8], output: usize, input: usize, weight: i8) -> Option<()> {
        let halfword = tile.as_chunks_mut::<2>().0.get_mut(self.place(output, input))?;
        let scaled = i16::from(weight).wrapping_shl(self.shift(output));
        *halfword = i16::from_le_bytes(*halfword).wrapping_add(scaled).to_le_bytes();
        Some(())
    }

    /// Returns the start values of a kernel's eight prefix sums, for inputs whose sum is `inputs`.
    ///
    /// They cancel what the zeros add. For each word of a block, the first prefix sum covers all
    /// fields, the next all but the topmost, and so on.
    #[cfg(any(kernel_assembly, kernel_simd))]
    pub fn start(self, inputs: u32) -> [i32; TILE_OUTPUTS] {
        static ZEROS: [[i16; TILE_OUTPUTS]; 2] =
            [[0x888, 0x888, 0x88, 0x8, 0x888, 0x888, 0x88, 0x8], [0x1555, 0x1555, 0x555, 0x155, 0x55, 0x15, 0x5, 0x1]];
        let zeros = ZEROS[usize::from(self.bits != 4)];
        zeros.map(|zeros| inputs.cast_signed().wrapping_mul(zeros.into()).wrapping_neg())
    }

    /// Returns the bits of a word that each prefix sum covers.
    #[cfg(kernel_simd)]
    pub fn masks(self) -> [[u32; 4]; 2] {
        let mask = |index: usize| {
            let fields = (self.count() - index % self.count()) as u32;
            u32::MAX.wrapping_shr(32 - fields.wrapping_mul(self.bits)) & 0xFFFF
        };
        core::array::from_fn(|four| core::array::from_fn(|index| mask(four * 4 + index).wrapping_mul(0x1_0001)))
    }

    /// Adds the outputs' sums, which are the differences of `prefixes`, to `sums`.
    #[cfg(kernel_simd)]
    pub fn finish(self, prefixes: &[i32; TILE_OUTPUTS], sums: &mut [i32; TILE_OUTPUTS]) {
        let words = prefixes.chunks_exact(self.count()).zip(sums.chunks_exact_mut(self.count()));
        for (prefixes, sums) in words {
            let mut below = 0_i32;
            for ((output, sum), &prefix) in sums.iter_mut().enumerate().zip(prefixes.iter().rev()) {
                *sum = sum.wrapping_add(prefix.wrapping_sub(below) >> self.shift(output));
                below = prefix;
            }
        }
    }

    const fn zeros(self) -> i16 {
        if self.bits == 4 { 0x0888 } else { 0x1555 }
    }

    /// Returns the weight of one output from the halfword that it shares.
    pub const fn weight_of(self, halfword: [u8; 2], output: usize) -> i32 {
        let upper = (i16::from_le_bytes(halfword) as i32) >> self.shift(output);
        if output % self.count() == self.count() - 1 {
            upper
        } else {
            (upper & ((1 << self.bits) - 1)).wrapping_sub(self.zero())
        }
    }

    const fn shift(self, output: usize) -> u32 {
        (output % self.count()) as u32 * self.bits
    }

    /// Returns the index of the halfword, from the start of the tile, that has this weight.
    const fn place(self, output: usize, input: usize) -> usize {
        let words = TILE_OUTPUTS / self.count();
        (input / 2).wrapping_mul(words).wrapping_add(output / self.count()).wrapping_mul(2).wrapping_add(input % 2)
    }
}
