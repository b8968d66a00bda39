//! What any bytes must give, whoever made them: for tests and for fuzzing. A check panics where a
//! promise is broken.
//!
//! ```text
//!  any bytes ----> any_bytes ------> any_blob, as they are and behind a right checksum:
//!                                    an error, or a model: walked, written again to the same bytes,
//!                                    and its answers are the reference's
//!  any bytes --> any_network ------> a network, encoded and parsed: the same; its blob damaged: any_blob
//!  any bytes ---> any_stream ------> frames or errors, and the next frame arrives
//!  a lie in a field: hostile_blobs -> its own error
//! ```

#![forbid(unsafe_code)]

mod any_blob;
mod any_network;
mod any_stream;
mod hostile;
mod network;
mod plan;
mod reference;
mod seal;

pub use any_blob::{any_blob, any_bytes, without_golden_vectors};
pub use any_network::any_network;
pub use any_stream::any_stream;
pub use hostile::{Hostile, hostile_blobs};
pub use network::{Layer, Network, fit, provenance};
pub use reference::reference_outputs;
pub use seal::{seal, sealed};
