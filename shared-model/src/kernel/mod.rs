//! The kernels: one file each. Portable Rust, and beside it, in `tile/`, what is written for a core.

mod activate;
mod argmax;
mod dense;
mod gather;
mod order;
mod softmax;
#[cfg_attr(kernel_assembly, allow(unsafe_code, reason = "kernels in assembly are called here, and nowhere else"))]
mod tile;

pub use activate::activate;
pub use argmax::argmax;
pub use dense::{DensePart, dense};
pub use gather::PairList;
pub use order::WeightOrder;
pub(crate) use order::{BLOCK_BYTES, BlockLengths, BlockLists, BlockTile, write_blocks, write_counts, write_places};
pub use softmax::softmax;
pub use tile::KERNEL;

/// Outputs in a tile.
pub const TILE_OUTPUTS: usize = 8;
