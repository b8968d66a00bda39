//! **Vectors**: a block is sixteen inputs by eight outputs, 128 bytes: eight vectors, one for each output, of sixteen
//! bytes `w + 128`. One `VMLADAVA.U8` of Helium adds sixteen products up; what the 128 adds is the same for all
//! outputs, 128 times the sum of the inputs.

use crate::kernel::TILE_OUTPUTS;

/// Weights in a vector are stored as unsigned bytes with this zero-point.
pub const VECTOR_ZERO_POINT: u8 = 128;

/// The weight in a packed tile, as the bytes have it.
pub fn weight(tile: &[u8], output: usize, input: usize) -> Option<i32> {
    tile.get(place(output, input)).map(|&stored| weight_of(stored))
}

/// Hands the weights of one output to `each`.
pub fn visit(tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
    for block in tile.as_chunks::<{ 16 * TILE_OUTPUTS }>().0 {
        block.as_chunks::<16>().0.get(output)?.iter().for_each(|&stored| each(weight_of(stored)));
    }
    Some(())
}

/// Writes a weight into a tile.
pub fn put(tile: &mut [u8], output: usize, input: usize, weight: i8) -> Option<()> {
    *tile.get_mut(place(output, input))? = weight.cast_unsigned().wrapping_add(VECTOR_ZERO_POINT);
    Some(())
}

/// The weight that a byte of a vector stands for.
const fn weight_of(stored: u8) -> i32 {
    (stored as i32).wrapping_sub(VECTOR_ZERO_POINT as i32)
}

/// Where, in bytes from the start of its tile, a weight lies.
const fn place(output: usize, input: usize) -> usize {
    (input / 16).wrapping_mul(TILE_OUTPUTS).wrapping_add(output).wrapping_mul(16).wrapping_add(input % 16)
}
