//! **Vectors**: one block has sixteen inputs by eight outputs, in 128 bytes.
//!
//! A block has eight vectors, one for each output, of sixteen bytes `w + 128`. One `VMLADAVA.U8` of
//! Helium sums sixteen products. The 128 adds the same to every output: 128 times the sum of the
//! inputs.

use super::tile::TILE_OUTPUTS;

/// Zero-point of the unsigned bytes that store weights.
pub const VECTOR_ZERO_POINT: u8 = 128;

/// Returns the stored weight, which can be out of range; `None` outside the tile.
pub fn weight(tile: &[u8], output: usize, input: usize) -> Option<i32> {
    tile.get(place(output, input)).map(|&stored| weight_of(stored))
}

/// Calls `each` with every stored weight of one output; `None` if the output is out of range.
pub fn visit(tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
    for block in tile.as_chunks::<{ 16 * TILE_OUTPUTS }>().0 {
        block.as_chunks::<16>().0.get(output)?.iter().for_each(|&stored| each(weight_of(stored)));
    }
    Some(())
}

/// Writes a weight to a tile; `None` outside the tile.
pub fn put(tile: &mut [u8], output: usize, input: usize, weight: i8) -> Option<()> {
    *tile.get_mut(place(output, input))? = weight.cast_unsigned().wrapping_add(VECTOR_ZERO_POINT);
    Some(())
}

const fn weight_of(stored: u8) -> i32 {
    (stored as i32).wrapping_sub(VECTOR_ZERO_POINT as i32)
}

/// Returns the offset of a weight, in bytes from the start of the tile.
const fn place(output: usize, input: usize) -> usize {
    (input / 16).wrapping_mul(TILE_OUTPUTS).wrapping_add(output).wrapping_mul(16).wrapping_add(input % 16)
}
