//! Fixed-point inference, the model blob and the link: what host and device must agree on.
//!
//! ```text
//!  model.bin --parse--> Model
//!                         |
//!  pixels [u8] --> dense, convolution, pool --> [u8] --> ... --> dense --> logits [i32]
//!       ^                                                                      |
//!       +-- next network of a cascade <-- best logit leads by too little ------+
//!                                                                              |
//!  Prediction { class, network, logits, probabilities } <-- softmax, argmax <--+
//!
//!  Request --encode--> COBS frame + CRC-32 == any byte stream ==> FrameBuffer --decode--> Request
//! ```
//!
//! The crate uses integers only: no floating point, no heap, no input or output. The same functions
//! run on a host and on a microcontroller, and compute the same bits.
//!
//! Modules import only from the left: `fixed` < `scaling`, `weights` < `model` < `encode`,
//! `kernel` < `run` < `infer` < `link`, `answers` < `classifier`.

#![no_std]
#![cfg_attr(not(kernel_assembly), forbid(unsafe_code))]
#![cfg_attr(kernel_assembly, deny(unsafe_code))]
#![deny(clippy::float_arithmetic)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
#![cfg_attr(
    not(all(feature = "blob", feature = "encode")),
    allow(dead_code, unused_imports, reason = "builds without these features use a part of the modules")
)]

#[cfg(feature = "answers")]
mod answers;
#[cfg(feature = "blob")]
mod borrowed;
mod bytes;
#[cfg(feature = "parse")]
mod checksum;
#[cfg(feature = "link")]
mod classifier;
#[doc(hidden)]
pub mod compiled;
#[cfg(feature = "encode")]
mod encode;
mod error;
mod fixed;
#[cfg(feature = "blob")]
mod infer;
mod kernel;
#[cfg(feature = "link")]
mod link;
mod model;
#[cfg(feature = "parse")]
mod plan;
mod prediction;
#[cfg(feature = "blob")]
mod run;
mod scaling;
mod weights;

#[cfg(feature = "answers")]
pub use answers::{AnswersError, AnswersHeader, Record};
#[cfg(feature = "blob")]
pub use borrowed::BorrowedWorkspace;
#[cfg(feature = "link")]
pub use classifier::Classifier;
#[cfg(feature = "encode")]
pub use encode::{EncodeError, GoldenSource, LayerSource, ModelSource, NetworkSource};
#[cfg(feature = "parse")]
pub use error::RowError;
pub use error::{InferError, SelfTestError};
pub use fixed::{LOGIT_FRACTION_BITS, PROBABILITY_ONE, Requant};
#[cfg(feature = "blob")]
pub use infer::{HostWorkspace, Workspace, self_test};
pub use kernel::{KERNEL, argmax, softmax};
#[cfg(feature = "link")]
pub use link::{
    DeviceFault, Frame, FrameBuffer, FrameError, Hello, MAX_RESPONSE_BYTES, MESSAGE_OVERHEAD_BYTES, MemoryUse,
    ModelInfo, PROTOCOL_VERSION, Progress, Refusal, Request, Response, STAGE_BYTES, decode, decode_request, encode,
    encode_response, encoded_length_bound,
};
#[cfg(feature = "parse")]
pub use model::{BlobError, FORMAT_VERSION, Golden, MAGIC, Model, Network, Provenance, blob_length};
pub use model::{
    Feature, Layer, LayerKind, MAX_CLASSES, MAX_DECIMALS, MAX_FEATURE_NAME_BYTES, MAX_GOLDEN_VECTORS, MAX_LAYERS,
    MAX_NETWORKS, MAX_WIDTH, Matrix, ModelId, Shape, Window, WindowError,
};
pub use prediction::Prediction;
#[cfg(feature = "blob")]
pub use run::Stage;
pub use scaling::Scaling;
pub use weights::WeightOrder;

/// Passes items on if this crate has the feature `link`: generated code cannot see its features.
#[cfg(feature = "link")]
#[doc(hidden)]
#[macro_export]
macro_rules! if_link {
    ($($item:tt)*) => { $($item)* };
}

/// Drops items, since this crate does not have the feature `link`.
#[cfg(not(feature = "link"))]
#[doc(hidden)]
#[macro_export]
macro_rules! if_link {
    ($($item:tt)*) => {};
}
