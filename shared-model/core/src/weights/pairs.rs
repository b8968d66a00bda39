//! **Pairs**: one block has two inputs `(2k, 2k+1)` by eight outputs, in 16 bytes.
//!
//! A block has four words, one for each pair of outputs `(2q, 2q+1)`. A word has two little-endian
//! `i16` `256 * w[2q+1][i] + w[2q][i]`, the first for `i = 2k`, the second for `i = 2k+1`. One
//! `SMLAD` of the word with the two inputs adds four products as `256 * odd + even`; one `SXTB16`
//! and another `SMLAD` add `even` alone. A pair of zero inputs is skipped without reading its
//! block.

use super::tile::TILE_OUTPUTS;

/// Returns the stored weight, which can be out of range; `None` outside the tile.
pub fn weight(tile: &[u8], output: usize, input: usize) -> Option<i32> {
    tile.as_chunks().0.get(place(output, input)).map(|&bytes| weight_of(bytes, output))
}

/// Calls `each` with every stored weight of one output; `None` if the output is out of range.
pub fn visit(tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
    for block in tile.as_chunks::<{ 2 * TILE_OUTPUTS }>().0 {
        let [a, b, c, d] = *block.as_chunks::<4>().0.get(output / 2)?;
        each(weight_of([a, b], output));
        each(weight_of([c, d], output));
    }
    Some(())
}

/// Writes a weight to a tile that has a zero there; `None` outside the tile.
pub fn put(tile: &mut [u8], output: usize, input: usize, weight: i8) -> Option<()> {
    let place = tile.as_chunks_mut::<2>().0.get_mut(place(output, input))?;
    let scaled = if output.is_multiple_of(2) { i16::from(weight) } else { i16::from(weight) << 8 };
    *place = i16::from_le_bytes(*place).wrapping_add(scaled).to_le_bytes();
    Some(())
}

/// Returns the weight of one output from the halfword that it shares with its neighbour.
const fn weight_of(place: [u8; 2], output: usize) -> i32 {
    let packed = i16::from_le_bytes(place);
    let even = packed as i8 as i32;
    // The difference is exact in 32 bits, and a multiple of 256.
    if output.is_multiple_of(2) { even } else { (packed as i32).wrapping_sub(even) >> 8 }
}

/// Returns the index of the halfword, from the start of the tile, that has this weight.
const fn place(output: usize, input: usize) -> usize {
    (input / 2).wrapping_mul(TILE_OUTPUTS).wrapping_add((output & !1) | (input & 1))
}
