//! What desk and device must agree on: fixed-point inference, the model blob, and the link between the two.
//!
//! ```text
//!  model.bin --parse--> Model ----------------------------------+
//!                                                                   v
//!  pixels [u8; rows*columns] --> dense --> ReLU, requantize --> [u8; hidden] --> ... --> dense --> requantize
//!                                                                                                   |
//!     Prediction { class, logits: [i32; classes], probabilities: [u16; classes] } <-- softmax, argmax
//!
//!  Request --encode--> COBS frame + CRC-32 ==== any byte stream ====> FrameBuffer --decode--> Request
//! ```
//!
//! Integers only: no floating point, no heap, no input or output. The same functions run on a workstation and on a
//! microcontroller; nothing here asks which one it is.

#![no_std]
#![cfg_attr(not(kernel_assembly), forbid(unsafe_code))]
#![cfg_attr(kernel_assembly, deny(unsafe_code))]
#![deny(clippy::float_arithmetic)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod answers;
mod blob;
mod bytes;
mod checksum;
mod fixed;
mod infer;
mod kernel;
mod link;

pub use answers::{AnswersError, AnswersHeader, Record};
pub use blob::{
    BlobError, DenseLayer, EncodeError, FORMAT_VERSION, Golden, GoldenSource, LayerSource, MAGIC, MAX_CLASSES,
    MAX_GOLDEN_VECTORS, MAX_LAYERS, MAX_WIDTH, Model, ModelId, ModelSource, Provenance, blob_length,
};
pub use fixed::{LOGIT_FRACTION_BITS, PROBABILITY_ONE, Requant};
pub use infer::{HostWorkspace, InferError, Prediction, SelfTestError, Stage, Workspace, self_test};
pub use kernel::{KERNEL, WeightOrder, argmax, softmax};
pub use link::{
    DeviceFault, Frame, FrameBuffer, FrameError, Hello, MAX_RESPONSE_BYTES, MESSAGE_OVERHEAD_BYTES, MemoryUse,
    ModelInfo, PROTOCOL_VERSION, Progress, Refusal, Request, Response, STAGE_BYTES, decode, encode,
    encoded_length_bound,
};

/// The example of the README, compiled and run as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
