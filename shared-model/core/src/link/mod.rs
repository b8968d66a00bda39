//! The link between host and device: messages, and the frames that carry them over any byte stream.
//!
//! `docs/format.md` describes every byte.

mod buffer;
mod cobs;
mod frame;
mod message;

pub use buffer::{FrameBuffer, Progress};
pub use frame::{FrameError, PROTOCOL_VERSION, decode, decode_request, encode, encode_response, encoded_length_bound};
pub use message::{
    DeviceFault, Frame, Hello, MAX_RESPONSE_BYTES, MESSAGE_OVERHEAD_BYTES, MemoryUse, ModelInfo, Refusal, Request,
    Response, STAGE_BYTES,
};
