//! Weight layouts: how a layer's weights are packed in the blob, so that a core reads them in
//! order.
//!
//! Each layout cuts the matrix into tiles of eight outputs, and a tile into blocks of a few inputs.
//! Zero weights fill the tiles and blocks that would be incomplete.
//!
//! ```text
//!  pairs      pairs.rs     2 inputs by 8 outputs, 8 bits each    16 bytes   cores that use words
//!  vectors    vectors.rs  16 inputs by 8 outputs, 8 bits each   128 bytes   cores with Helium
//!  four-bit   fields.rs    2 inputs by 8 outputs, 4 bits each     8 bytes   all
//!  ternary    fields.rs    2 inputs by 8 outputs, 2 bits each     4 bytes   all
//!  blocks     blocks.rs    the non-zero blocks of pairs, and their positions
//! ```

mod blocks;
mod fields;
mod order;
mod pairs;
mod tile;
mod vectors;

pub(crate) use blocks::{BLOCK_BYTES, BlockLengths, BlockLists, BlockTile, write_blocks, write_counts, write_places};
#[cfg(not(kernel_assembly))]
pub(crate) use fields::Fields;
pub(crate) use fields::{FOUR_BITS, TERNARY};
pub(crate) use order::Inputs;
pub use order::WeightOrder;
pub(crate) use tile::{MAX_PAIRS, TILE_OUTPUTS};
#[cfg(any(kernel_helium, not(kernel_assembly)))]
pub(crate) use vectors::VECTOR_ZERO_POINT;

#[cfg(test)]
mod tests;
