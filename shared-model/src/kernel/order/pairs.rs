//! **Pairs**: a block is two inputs `(2k, 2k+1)` by eight outputs, 16 bytes: four words, one for each pair of outputs
//! `(2q, 2q+1)`, of two little-endian `i16` `256 * w[2q+1][i] + w[2q][i]`, first of `i = 2k`, then of `2k+1`. One
//! `SMLAD` of the word with the two inputs adds four products up as `256 * odd + even`, one `SXTB16` and one more
//! `SMLAD` give `even` alone. A pair of zero inputs is skipped with its block unread.

use crate::kernel::TILE_OUTPUTS;

/// The weight in a packed tile, as the bytes have it.
pub fn weight(tile: &[u8], output: usize, input: usize) -> Option<i32> {
    tile.as_chunks().0.get(place(output, input)).map(|&bytes| weight_of(bytes, output))
}

/// Hands the weights of one output to `each`.
pub fn visit(tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
    for block in tile.as_chunks::<{ 2 * TILE_OUTPUTS }>().0 {
        let [a, b, c, d] = *block.as_chunks::<4>().0.get(output / 2)?;
        each(weight_of([a, b], output));
        each(weight_of([c, d], output));
    }
    Some(())
}

/// Adds a weight to a tile in which its place is zero.
pub fn put(tile: &mut [u8], output: usize, input: usize, weight: i8) -> Option<()> {
    let place = tile.as_chunks_mut::<2>().0.get_mut(place(output, input))?;
    let scaled = if output.is_multiple_of(2) { i16::from(weight) } else { i16::from(weight) << 8 };
    *place = i16::from_le_bytes(*place).wrapping_add(scaled).to_le_bytes();
    Some(())
}

/// The weight of an output in the place that it shares with its neighbour.
const fn weight_of(place: [u8; 2], output: usize) -> i32 {
    let packed = i16::from_le_bytes(place);
    let even = packed as i8 as i32;
    // Exact in 32 bits, and a multiple of 256.
    if output.is_multiple_of(2) { even } else { (packed as i32).wrapping_sub(even) >> 8 }
}

/// Where, in halfwords from the start of its tile, the two outputs share a place.
const fn place(output: usize, input: usize) -> usize {
    (input / 2).wrapping_mul(TILE_OUTPUTS).wrapping_add((output & !1) | (input & 1))
}
