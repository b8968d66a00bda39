//! The model blob, `model.bin`: written once on the desk, parsed once on the device, read where it lies.
//!
//! `docs/format.md` has it byte by byte.

mod encode;
mod error;
mod format;
mod reader;
mod view;

pub use encode::{EncodeError, GoldenSource, LayerSource, ModelSource};
pub use error::BlobError;
pub use format::{
    FORMAT_VERSION, MAGIC, MAX_CLASSES, MAX_GOLDEN_VECTORS, MAX_LAYERS, MAX_WIDTH, ModelId, Provenance, blob_length,
};
pub use view::{DenseLayer, Golden, Model};
