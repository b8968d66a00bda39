//! The kernels: one file each, portable Rust, bit-exact on every core.

mod argmax;
mod dense;
mod softmax;
mod tile;

pub use argmax::argmax;
pub use dense::dense;
pub use softmax::softmax;
pub use tile::{BLOCK_BYTES, TILE_OUTPUTS, packed_length, packed_offset};
