//! The weight order: tiles of 8 outputs by pairs of inputs, as the dense kernel reads them.
//!
//! For each tile of 8 outputs, for each input pair `(2k, 2k+1)`, one block of 16 bytes: four words, word `q` being
//! `[w[2q][2k], w[2q+1][2k], w[2q][2k+1], w[2q+1][2k+1]]`, the first index counting outputs within the tile. A word is
//! two `SXTB16` away from two operands for `SMLAD`, and a pair of zero pixels is skipped with its whole block unread.
//! Outputs are padded to a multiple of 8 and inputs to a multiple of 2, with zero weights.

/// Outputs in a tile.
pub const TILE_OUTPUTS: usize = 8;

/// Bytes of a block: the weights of one input pair for one tile.
pub const BLOCK_BYTES: usize = 2 * TILE_OUTPUTS;

/// Bytes of a packed weight matrix of `outputs` x `inputs`, padding included.
///
/// Both are at most [`MAX_WIDTH`](crate::MAX_WIDTH), so this is at most 2^28 and fits a 32-bit `usize`.
#[must_use]
pub const fn packed_length(inputs: usize, outputs: usize) -> usize {
    outputs.div_ceil(TILE_OUTPUTS).wrapping_mul(inputs.div_ceil(2)).wrapping_mul(BLOCK_BYTES)
}

/// Where `w[output][input]` lies in the packed matrix of a layer with `inputs` inputs.
#[must_use]
pub const fn packed_offset(inputs: usize, output: usize, input: usize) -> usize {
    let (tile, row) = (output / TILE_OUTPUTS, output % TILE_OUTPUTS);
    let block = tile.wrapping_mul(inputs.div_ceil(2)).wrapping_add(input / 2);
    block.wrapping_mul(BLOCK_BYTES).wrapping_add(row / 2 * 4 + input % 2 * 2 + row % 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_four_words_of_two_outputs_by_two_inputs() {
        // Word q of the second pair of the second tile, in a layer of 6 inputs: block 1 * 3 + 1.
        let word = |q: usize| [(2 * q, 2), (2 * q + 1, 2), (2 * q, 3), (2 * q + 1, 3)];
        for q in 0..4 {
            for (position, (output, input)) in word(q).into_iter().enumerate() {
                assert_eq!(packed_offset(6, 8 + output, input), 4 * 16 + 4 * q + position);
            }
        }
    }

    #[test]
    fn every_weight_has_a_place_of_its_own() {
        for (inputs, outputs) in [(1, 1), (2, 8), (3, 9), (7, 17), (784, 10)] {
            let mut taken = [false; 784 * 16];
            for output in 0..outputs {
                for input in 0..inputs {
                    let offset = packed_offset(inputs, output, input);
                    assert!(offset < packed_length(inputs, outputs));
                    assert!(!core::mem::replace(&mut taken[offset], true));
                }
            }
        }
    }
}
