//! Numbers that every packed layout has in common.

pub const TILE_OUTPUTS: usize = 8;

/// Largest number of input pairs whose products a kernel sums before it separates the outputs.
///
/// The products of this many pairs, each at most 255 * 127, sum to less than 2^23. This keeps apart
/// the two sums that one accumulator of [`WeightOrder::Pairs`](crate::WeightOrder::Pairs) holds.
pub const MAX_PAIRS: usize = 128;

const _: () = assert!(MAX_PAIRS * 2 * 255 * 127 < 1 << 23 && MAX_PAIRS * 255 < 1 << 16);
