//! The model blob, `model.bin`: the host writes it, the device parses it once and reads it in
//! place.
//!
//! `docs/format.md` describes every byte.

mod error;
mod format;
mod layer;
mod matrix;
mod memory;
mod network;
mod notation;
mod parse;
mod proof;
mod reader;
mod requants;
mod shape;

pub use error::BlobError;
pub(crate) use format::{CHECKSUM_BYTES, Prefix, TABLE_ALIGNMENT, saturating_u32};
pub use format::{
    FORMAT_VERSION, MAGIC, MAX_CLASSES, MAX_GOLDEN_VECTORS, MAX_LAYERS, MAX_NETWORKS, MAX_WIDTH, ModelId, Provenance,
    blob_length,
};
pub use layer::{Layer, LayerKind};
pub use matrix::Matrix;
pub(crate) use memory::SPARE_PAIRS;
#[cfg(kernel_helium)]
pub(crate) use memory::VECTOR_INPUTS;
pub use network::Network;
pub use parse::{Golden, Model};
pub(crate) use requants::Requants;
pub use shape::{Shape, Window, WindowError};
