//! **Four-bit** and **ternary**: a block is two inputs `(2k, 2k+1)` by eight outputs, 8 bytes or 4. A word has two
//! little-endian `i16`, first of input `2k`, then of `2k+1`, each of four fields of 4 bits or of eight of 2, one for each
//! output. All fields but the topmost hold `w + zero`, 8 or 1, and so are never negative; the topmost has its sign.
//!
//! One `SMLAD` of the word with the two inputs adds up the products of all outputs in it, one of the word with its topmost fields
//! cleared those of all but one, and so on: sums of so many lower fields. The difference of two such neighbours is an
//! output's own sum, shifted. What the zeros add is a multiple of the sum of the inputs, which is taken off at the start.

#![allow(clippy::arithmetic_side_effects, reason = "counts, bits and places within a word, of two kinds of fields")]

use crate::kernel::TILE_OUTPUTS;
use crate::kernel::gather::MAX_PAIRS;

/// How weights share a halfword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Bits of each.
    bits: u32,
}

/// Four of four bits.
pub const FOUR_BITS: Fields = Fields { bits: 4 };

/// Eight of two bits.
pub const TERNARY: Fields = Fields { bits: 2 };

// Sums of whole halfwords, the largest there are, are right in 32 bits.
const _: () = assert!(MAX_PAIRS * 2 * 255 <= (i32::MAX / (1 << 15)) as usize);

impl Fields {
    /// Fields of a halfword, all of different outputs.
    pub const fn count(self) -> usize {
        if self.bits == 4 { 4 } else { 8 }
    }

    /// What a field holds for a weight of zero, but for the topmost.
    const fn zero(self) -> i32 {
        (self.zeros() as i32) & ((1 << self.bits) - 1)
    }

    /// The weight in a packed tile, as the bytes have it.
    pub fn weight(self, tile: &[u8], output: usize, input: usize) -> Option<i32> {
        let halfword = tile.as_chunks::<2>().0.get(self.place(output, input))?;
        Some(self.weight_of(*halfword, output))
    }

    /// Hands the weights of one output to `each`.
    pub fn visit(self, tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
        let words = TILE_OUTPUTS / self.count();
        for word in tile.as_chunks::<4>().0.iter().skip(output / self.count()).step_by(words) {
            let [a, b, c, d] = *word;
            each(self.weight_of([a, b], output));
            each(self.weight_of([c, d], output));
        }
        Some(())
    }

    /// Fills `target` with weights of zero.
    pub fn fill(self, target: &mut [u8]) {
        target.as_chunks_mut::<2>().0.fill(self.zeros().to_le_bytes());
    }

    /// Adds a weight to a tile in which its place is zero.
    pub fn put(self, tile: &mut [u8], output: usize, input: usize, weight: i8) -> Option<()> {
        let halfword = tile.as_chunks_mut::<2>().0.get_mut(self.place(output, input))?;
        let scaled = i16::from(weight).wrapping_shl(self.shift(output));
        *halfword = i16::from_le_bytes(*halfword).wrapping_add(scaled).to_le_bytes();
        Some(())
    }

    /// What a kernel's eight sums start from, for inputs that add up to `inputs`: less what the zeros add. For each word of a
    /// block the sum of all fields, then that of all but the topmost, and so on.
    #[cfg(any(kernel_assembly, kernel_simd))]
    pub fn start(self, inputs: u32) -> [i32; TILE_OUTPUTS] {
        static ZEROS: [[i16; TILE_OUTPUTS]; 2] =
            [[0x888, 0x888, 0x88, 0x8, 0x888, 0x888, 0x88, 0x8], [0x1555, 0x1555, 0x555, 0x155, 0x55, 0x15, 0x5, 0x1]];
        let zeros = ZEROS[usize::from(self.bits != 4)];
        zeros.map(|zeros| inputs.cast_signed().wrapping_mul(zeros.into()).wrapping_neg())
    }

    /// The bits of a word that those sums are of.
    #[cfg(kernel_simd)]
    pub fn masks(self) -> [[u32; 4]; 2] {
        let mask = |index: usize| {
            let fields = (self.count() - index % self.count()) as u32;
            u32::MAX.wrapping_shr(32 - fields.wrapping_mul(self.bits)) & 0xFFFF
        };
        core::array::from_fn(|four| core::array::from_fn(|index| mask(four * 4 + index).wrapping_mul(0x1_0001)))
    }

    /// Adds to `sums`, one of each output, what those sums came to.
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

    /// A halfword of weights of zero.
    const fn zeros(self) -> i16 {
        if self.bits == 4 { 0x0888 } else { 0x1555 }
    }

    /// The weight of an output in the halfword that it shares.
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

    /// Where, in halfwords from the start of its tile, an output shares a place.
    const fn place(self, output: usize, input: usize) -> usize {
        let words = TILE_OUTPUTS / self.count();
        (input / 2).wrapping_mul(words).wrapping_add(output / self.count()).wrapping_mul(2).wrapping_add(input % 2)
    }
}
