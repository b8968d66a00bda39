//! The messages of the link. Every request has one response, and repeating a request is safe.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::FrameError;
use crate::error::{InferError, SelfTestError};
use crate::model::{BlobError, MAX_CLASSES, ModelId};

/// Upper bound, in bytes, for an encoded [`Response`]: an inference of [`MAX_CLASSES`] classes.
pub const MAX_RESPONSE_BYTES: usize = 6 * MAX_CLASSES + MESSAGE_OVERHEAD_BYTES;

/// Upper bound, in bytes, for a message without its pixels, logits and probabilities.
pub const MESSAGE_OVERHEAD_BYTES: usize = 128;

/// Size in bytes of one stage in [`Response::Counted`]: two little-endian `u32`.
pub const STAGE_BYTES: usize = 8;

/// A message with its number. A response has the number of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame<T> {
    /// Number chosen by the client; 0 in a response to an unreadable request.
    pub sequence: u32,
    /// The message.
    pub message: T,
}

/// A request of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Asks for the board and its model.
    Hello,
    /// Classifies one image.
    Infer {
        /// Raw pixels, row-major, one byte each.
        pixels: &'a [u8],
    },
    /// Asks for the memory in use.
    MemoryUse,
    /// Measures the ticks of the device's counter for one image.
    Measure {
        /// Raw pixels, row-major, one byte each.
        pixels: &'a [u8],
    },
    /// Measures the ticks for a loop of known length.
    Calibrate {
        /// Rounds of the loop, which has two instructions: a subtraction and a branch.
        rounds: u8,
    },
}

/// A response of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response<'a> {
    /// Answers [`Request::Hello`].
    #[serde(borrow)]
    Hello(Hello<'a>),
    /// Answers [`Request::Infer`] if the model has one network.
    Inference {
        /// Index of the largest logit.
        class: u16,
        /// Logits in Q15.16, little-endian `i32`, one for each class.
        logits: &'a [u8],
        /// Probabilities in Q1.15, little-endian `u16`, one for each class.
        probabilities: &'a [u8],
    },
    /// Answers [`Request::MemoryUse`].
    MemoryUse(MemoryUse),
    /// Answers any request that fails.
    Refused(Refusal),
    /// Answers [`Request::Measure`] and [`Request::Calibrate`].
    Counted {
        /// Little-endian `u32`.
        ///
        /// A measurement has the ticks of one inference without callbacks. Then, for each stage of
        /// another inference, [`STAGE_BYTES`] have its ticks and the number of its calls. Each
        /// layer has three stages (gather, accumulate, requantize); softmax with argmax is the
        /// last.
        ///
        /// A calibration has the frequency of the counter in hertz, the ticks of the loop, the
        /// ticks of an empty stage (the cost of one callback), and the bytes of the workspace. On a
        /// hardware board the counter's frequency is that of the core, so a tick is a cycle.
        counts: &'a [u8],
    },
    /// Answers [`Request::Infer`] if the model is a cascade.
    CascadeInference {
        /// The network that answered, from 0.
        network: u8,
        /// Like those of [`Inference`](Self::Inference).
        class: u16,
        /// Like those of [`Inference`](Self::Inference).
        logits: &'a [u8],
        /// Like those of [`Inference`](Self::Inference).
        probabilities: &'a [u8],
    },
}

/// The identity of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// Name of the board and of its folder.
    pub board: &'a str,
    /// The processor core.
    pub core: &'a str,
    /// Version of the firmware.
    pub firmware: &'a str,
    /// The model that the device runs, or the reason why it runs none.
    pub model: Result<ModelInfo, DeviceFault>,
}

/// The model that a device runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Identity of the model.
    pub id: ModelId,
    /// Length of the blob in bytes.
    pub bytes: u32,
    /// Pixels of an image.
    pub inputs: u32,
    /// Number of classes.
    pub classes: u16,
    /// Number of layers of all networks.
    pub layers: u8,
}

/// The reason why a device runs no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DeviceFault {
    /// The bytes in the device's flash are not a model.
    #[error("no usable model in the device's flash: {0}")]
    Blob(BlobError),
    /// The model is too large for the firmware's workspace.
    #[error("the model is too large for this firmware: {0}")]
    TooLarge(InferError),
    /// The model's images or answers are longer than the firmware's frames.
    #[error("the model needs frames of {needed} bytes, but this firmware has room for {available}")]
    FrameTooLong {
        /// Bytes needed.
        needed: u32,
        /// Bytes available.
        available: u32,
    },
    /// The device's outputs differ from those of the host at export.
    #[error("the device failed its self-test: {0}")]
    SelfTest(SelfTestError),
}

/// Memory use of a device, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUse {
    /// Flash of the program: vectors, code, constants, initial values. Excludes the model.
    pub flash: u32,
    /// Statics: initialised, zeroed and uninitialised.
    pub statics: u32,
    /// Largest stack size since the start.
    pub stack_used: u32,
    /// Largest stack size allowed.
    pub stack_reserved: u32,
}

/// The reason why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// The frame was damaged, or its message is unknown.
    #[error("the device could not read the request: {0}")]
    Frame(FrameError),
    /// The device runs no model.
    #[error(transparent)]
    NoModel(DeviceFault),
    /// The image cannot be inferred.
    #[error(transparent)]
    Infer(InferError),
    /// The device has no counter.
    #[error("the device has no counter to measure with; measure on a board")]
    NoCounter,
}
