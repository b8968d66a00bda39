//! Weight orders: how a layer's weights lie in the blob, so that a core reads them one after the other.
//!
//! Both cut the matrix into tiles of eight outputs, and a tile into blocks of some inputs. What a tile or a block is
//! short of is filled up with zero weights.
//!
//! - **Pairs**: a block is two inputs `(2k, 2k+1)` by eight outputs, 16 bytes: four words, one for each pair of outputs
//!   `(2q, 2q+1)`, of two little-endian `i16` `256 * w[2q+1][i] + w[2q][i]`, first of `i = 2k`, then of `2k+1`. One
//!   `SMLAD` of the word with the two inputs adds four products up as `256 * odd + even`, one `SXTB16` and one more
//!   `SMLAD` give `even` alone. A pair of zero inputs is skipped with its block unread.
//! - **Vectors**: a block is sixteen inputs by eight outputs, 128 bytes: eight vectors, one for each output, of sixteen
//!   bytes `w + 128`. One `VMLADAVA.U8` of Helium adds sixteen products up; what the 128 adds is the same for all
//!   outputs, 128 times the sum of the inputs.

use super::TILE_OUTPUTS;

/// Which order a layer's weights are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum WeightOrder {
    /// Two inputs by eight outputs, for cores that work on words, and for desks.
    #[default]
    Pairs = 1,
    /// Sixteen inputs by eight outputs, for cores with Helium, which is what Arm calls the vectors of Cortex-M55 and later.
    Vectors = 2,
}

/// Weights in a vector are stored as unsigned bytes with this zero-point.
pub(crate) const VECTOR_ZERO_POINT: u8 = 128;

impl WeightOrder {
    /// The order of a number in a blob.
    pub(crate) const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Pairs),
            2 => Some(Self::Vectors),
            _ => None,
        }
    }

    /// Its number in a blob.
    pub(crate) const fn number(self) -> u32 {
        self as u32
    }

    /// The order that this build's kernels are fastest with. They run any.
    pub const FASTEST: Self = if cfg!(kernel_helium) { Self::Vectors } else { Self::Pairs };

    /// Inputs of a block.
    pub(crate) const fn block_inputs(self) -> usize {
        match self {
            Self::Pairs => 2,
            Self::Vectors => 16,
        }
    }

    /// Bytes of a tile: eight outputs by all `inputs`, filled up to whole blocks.
    ///
    /// `inputs` is at most [`MAX_WIDTH`](crate::MAX_WIDTH), so this is at most 2^17.
    pub(crate) const fn tile_bytes(self, inputs: usize) -> usize {
        inputs.next_multiple_of(self.block_inputs()).wrapping_mul(TILE_OUTPUTS)
    }

    /// Bytes of the packed weights of a layer.
    ///
    /// Both widths are at most [`MAX_WIDTH`](crate::MAX_WIDTH), so this is at most 2^28 and fits a 32-bit `usize`.
    #[must_use]
    pub const fn packed_length(self, inputs: usize, outputs: usize) -> usize {
        outputs.div_ceil(TILE_OUTPUTS).wrapping_mul(self.tile_bytes(inputs))
    }

    /// The weight of one output (in 0..8) and one input of a packed `tile`; nothing where the bytes stand for no weight in
    /// -127..=127, or lie outside.
    pub(crate) fn weight(self, tile: &[u8], output: usize, input: usize) -> Option<i8> {
        let weight = match self {
            Self::Pairs => pair_weight(*tile.as_chunks().0.get(pair_place(output, input))?, output),
            Self::Vectors => vector_weight(*tile.get(vector_place(output, input))?),
        };
        if is_weight(weight) { Some(weight as i8) } else { None }
    }

    /// The least and the greatest weighted sum of one output (in 0..8) of a packed `tile`, over all of `inputs` in 0..=255;
    /// nothing where bytes stand for no weight, or those in the padding not for zero.
    ///
    /// At most 16,384 * 255 * 127 in size, which is below 2^30.
    pub(crate) fn bounds(self, tile: &[u8], output: usize, inputs: usize) -> Option<(i32, i32)> {
        let (mut sum, mut size, mut largest) = (0_i32, 0_i32, 0_i32);
        let mut add = |weight: i32| {
            let absolute = weight.wrapping_abs();
            sum = sum.wrapping_add(weight);
            size = size.wrapping_add(absolute);
            largest = largest.max(absolute);
        };
        self.visit(tile, output, &mut add)?;
        let mut padding = inputs..inputs.next_multiple_of(self.block_inputs());
        if largest > 127 || padding.any(|input| self.weight(tile, output, input) != Some(0)) {
            return None;
        }
        // `size + sum` is twice the sum of the positive weights, `sum - size` twice that of the negative ones.
        let bound = |twice: i32| (twice / 2).wrapping_mul(255);
        Some((bound(sum.wrapping_sub(size)), bound(sum.wrapping_add(size))))
    }

    /// Hands the weights of one output (in 0..8) of a packed `tile` to `each`, padding included, as the bytes have them, which may
    /// be out of range; nothing where there is no such output.
    pub(crate) fn visit(self, tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
        match self {
            Self::Pairs => {
                for block in tile.as_chunks::<{ 2 * TILE_OUTPUTS }>().0 {
                    let [a, b, c, d] = *block.as_chunks::<4>().0.get(output / 2)?;
                    each(pair_weight([a, b], output));
                    each(pair_weight([c, d], output));
                }
            }
            Self::Vectors => {
                for block in tile.as_chunks::<{ 16 * TILE_OUTPUTS }>().0 {
                    block.as_chunks::<16>().0.get(output)?.iter().for_each(|&stored| each(vector_weight(stored)));
                }
            }
        }
        Some(())
    }

    /// Packs `weights`, row-major by output, each in -127..=127, into `target`, which is filled; nothing where it is
    /// shorter than [`packed_length`](Self::packed_length).
    pub(crate) fn pack(self, weights: &[i8], inputs: usize, target: &mut [u8]) -> Option<()> {
        target.fill(match self {
            Self::Pairs => 0,
            Self::Vectors => VECTOR_ZERO_POINT,
        });
        for (output, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let start = (output / TILE_OUTPUTS).checked_mul(self.tile_bytes(inputs))?;
            let tile = target.get_mut(start..)?;
            for (input, &weight) in row.iter().enumerate() {
                match self {
                    Self::Pairs => {
                        let place = tile.as_chunks_mut::<2>().0.get_mut(pair_place(output % TILE_OUTPUTS, input))?;
                        let scaled = if output.is_multiple_of(2) { i16::from(weight) } else { i16::from(weight) << 8 };
                        *place = i16::from_le_bytes(*place).wrapping_add(scaled).to_le_bytes();
                    }
                    Self::Vectors => {
                        let place = tile.get_mut(vector_place(output % TILE_OUTPUTS, input))?;
                        *place = weight.cast_unsigned().wrapping_add(VECTOR_ZERO_POINT);
                    }
                }
            }
        }
        Some(())
    }
}

/// Whether a number is a weight.
const fn is_weight(weight: i32) -> bool {
    weight >= -127 && weight <= 127
}

/// The weight of an output in the place that it shares with its neighbour.
const fn pair_weight(place: [u8; 2], output: usize) -> i32 {
    let packed = i16::from_le_bytes(place);
    let even = packed as i8 as i32;
    // Exact in 32 bits, and a multiple of 256.
    if output.is_multiple_of(2) { even } else { (packed as i32).wrapping_sub(even) >> 8 }
}

/// The weight that a byte of a vector stands for.
const fn vector_weight(stored: u8) -> i32 {
    (stored as i32).wrapping_sub(VECTOR_ZERO_POINT as i32)
}

/// Where, in halfwords from the start of its tile, the two outputs share a place.
const fn pair_place(output: usize, input: usize) -> usize {
    (input / 2).wrapping_mul(TILE_OUTPUTS).wrapping_add(output / 2 * 2 + input % 2)
}

/// Where, in bytes from the start of its tile, a weight lies.
const fn vector_place(output: usize, input: usize) -> usize {
    (input / 16 * TILE_OUTPUTS).wrapping_add(output).wrapping_mul(16).wrapping_add(input % 16)
}

impl core::fmt::Display for WeightOrder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            Self::Pairs => "pairs",
            Self::Vectors => "vectors",
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const ORDERS: [WeightOrder; 2] = [WeightOrder::Pairs, WeightOrder::Vectors];

    fn packed(order: WeightOrder, weights: &[i8], inputs: usize) -> Vec<u8> {
        let mut target = std::vec![0xA5; order.packed_length(inputs, weights.len() / inputs)];
        order.pack(weights, inputs, &mut target).unwrap();
        target
    }

    proptest! {
        #[test]
        fn what_is_packed_is_what_is_read(
            (inputs, weights) in (1..40_usize, 1..20_usize).prop_flat_map(|(inputs, outputs)| {
                (Just(inputs), prop::collection::vec(-127..=127_i8, inputs * outputs))
            }),
        ) {
            for order in ORDERS {
                let packed = packed(order, &weights, inputs);
                let tiles: Vec<_> = packed.chunks_exact(order.tile_bytes(inputs)).collect();
                for output in 0..tiles.len() * TILE_OUTPUTS {
                    for input in 0..inputs.next_multiple_of(order.block_inputs()) {
                        let expected = if input < inputs { weights.get(output * inputs + input) } else { None };
                        let found = order.weight(tiles[output / TILE_OUTPUTS], output % TILE_OUTPUTS, input);
                        prop_assert_eq!(found, Some(expected.copied().unwrap_or(0)), "{:?} {} {}", order, output, input);
                    }
                }
            }
        }
    }

    #[test]
    fn a_block_of_pairs_is_four_words_of_two_outputs_by_two_inputs() {
        // Four inputs, ten outputs; input 3 of outputs 8 and 9 is in the second tile's second block.
        let mut weights = [0; 40];
        (weights[8 * 4 + 3], weights[9 * 4 + 3]) = (-1, 2);
        let packed = packed(WeightOrder::Pairs, &weights, 4);
        let halfword = 32 + 16 + 2;
        assert_eq!(packed[halfword..halfword + 2], (2 * 256 - 1_i16).to_le_bytes());
        assert_eq!(packed.iter().filter(|byte| **byte != 0).count(), 2);
    }

    #[test]
    fn a_block_of_vectors_is_sixteen_inputs_of_each_of_eight_outputs() {
        // 17 inputs, nine outputs; input 16 of output 8 begins the second block of the second tile.
        let mut weights = [0; 17 * 9];
        weights[8 * 17 + 16] = -127;
        let packed = packed(WeightOrder::Vectors, &weights, 17);
        assert_eq!((packed.len(), packed[256 + 128]), (512, 1));
        assert_eq!(packed.iter().filter(|byte| **byte != 128).count(), 1);
    }

    #[test]
    fn bytes_that_stand_for_no_weight_are_known() {
        let of_pairs = |packed: i16, output| WeightOrder::Pairs.weight(&packed.to_le_bytes(), output, 0);
        assert_eq!((of_pairs(127 * 256 - 127, 0), of_pairs(127 * 256 - 127, 1)), (Some(-127), Some(127)));
        assert_eq!(of_pairs(-128, 0), None);
        assert_eq!(of_pairs(i16::MAX, 1), None, "128");
        assert_eq!(of_pairs(i16::MIN, 1), None, "-128");
        assert_eq!(WeightOrder::Vectors.weight(&[0], 0, 0), None);
        assert_eq!(WeightOrder::Vectors.weight(&[1], 0, 0), Some(-127));
        assert_eq!(WeightOrder::Vectors.weight(&[], 0, 0), None);
    }
}
