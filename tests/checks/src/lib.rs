//! Checks of arbitrary bytes, for tests and for fuzzing. A check panics if it fails.
//!
//! ```text
//!  any bytes -> any_bytes ----> any_blob, unchanged and with a valid checksum:
//!                               an error, or a model that encodes to the same bytes
//!                               and answers like the reference; then any_sealed
//!  any bytes -> any_network --> a network that survives encoding and parsing;
//!                               then any_blob on its damaged blob
//!  any bytes -> any_stream ---> frames or errors, and the next frame arrives
//!  hostile_blobs -------------> one invalid field, and the error it must cause
//! ```

#![forbid(unsafe_code)]

mod any_blob;
mod any_network;
mod any_sealed;
mod any_stream;
mod cascade;
mod checksum;
mod hostile;
mod network;
mod plan;
mod reference;

pub use any_blob::{any_blob, any_bytes, without_golden_vectors};
pub use any_network::any_network;
pub use any_sealed::any_sealed;
pub use any_stream::any_stream;
pub use cascade::cascade;
pub use checksum::{with_length_and_checksum, write_checksum};
pub use hostile::{Hostile, hostile_blobs};
pub use network::{Layer, Network, clear_padding, fit, provenance};
pub use reference::{Reference, reference};
