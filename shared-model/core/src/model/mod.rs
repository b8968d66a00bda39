//! The model blob, `model.bin`: the host writes it, the device parses it once and reads it in
//! place.
//!
//! `docs/format.md` describes every byte.

#[cfg(feature = "parse")]
mod contents;
#[cfg(feature = "parse")]
mod error;
mod feature;
#[cfg(feature = "parse")]
mod format;
mod id;
mod layer;
mod limits;
mod matrix;
mod memory;
#[cfg(feature = "parse")]
mod network;
#[cfg(feature = "parse")]
mod notation;
#[cfg(feature = "parse")]
mod parse;
#[cfg(feature = "parse")]
mod proof;
#[cfg(feature = "parse")]
mod reader;
mod requants;
#[cfg(feature = "parse")]
mod seal;
mod shape;
#[cfg(feature = "parse")]
mod take;

#[cfg(feature = "parse")]
pub use contents::{Golden, Model};
#[cfg(feature = "parse")]
pub use error::BlobError;
#[cfg(feature = "encode")]
pub(crate) use feature::FEATURE_BYTES;
pub use feature::Feature;
#[cfg(feature = "blob")]
pub(crate) use format::saturating_u32;
#[cfg(feature = "encode")]
pub(crate) use format::{CHECKSUM_BYTES, Prefix, TABLE_ALIGNMENT};
#[cfg(feature = "parse")]
pub use format::{FORMAT_VERSION, MAGIC, Provenance, blob_length};
pub use id::ModelId;
pub use layer::{Layer, LayerKind};
pub use limits::{
    MAX_CLASSES, MAX_DECIMALS, MAX_FEATURE_NAME_BYTES, MAX_GOLDEN_VECTORS, MAX_LAYERS, MAX_NETWORKS, MAX_WIDTH,
};
pub use matrix::{Matrix, Tables};
pub(crate) use memory::SPARE_PAIRS;
#[cfg(kernel_helium)]
pub(crate) use memory::VECTOR_INPUTS;
#[cfg(feature = "parse")]
pub use network::Network;
pub(crate) use requants::Requants;
pub use shape::{Shape, Window, WindowError};
