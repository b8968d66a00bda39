//! What is said over the link. Every request has one response, and asking twice does no harm.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::FrameError;
use crate::infer::{InferError, SelfTestError};
use crate::model::{BlobError, MAX_CLASSES, ModelId};

/// Longest encoded [`Response`], in bytes: an inference of [`MAX_CLASSES`] classes, with room to spare for the rest.
pub const MAX_RESPONSE_BYTES: usize = 6 * MAX_CLASSES + MESSAGE_OVERHEAD_BYTES;

/// Bytes of a message beside pixels, logits and probabilities: an upper bound.
pub const MESSAGE_OVERHEAD_BYTES: usize = 128;

/// Bytes of [`Response::Counted`] for each stage of a measurement: two little-endian `u32`.
pub const STAGE_BYTES: usize = 8;

/// A message under its number: a response carries the number of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame<T> {
    /// Chosen by the client; 0 in a response to a request whose number could not be read.
    pub sequence: u32,
    /// The message.
    pub message: T,
}

/// What the desk asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who is there, and with which model?
    Hello,
    /// Classify one picture.
    Infer {
        /// Raw pixels, row-major.
        pixels: &'a [u8],
    },
    /// How much memory is in use?
    MemoryUse,
    /// How many ticks of its counter does the device take for one picture?
    Measure {
        /// Raw pixels, row-major.
        pixels: &'a [u8],
    },
    /// How many ticks does it take for work of known length?
    Calibrate {
        /// Rounds of a loop of two instructions: a subtraction and a branch.
        rounds: u8,
    },
}

/// What the device answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response<'a> {
    /// To [`Request::Hello`].
    #[serde(borrow)]
    Hello(Hello<'a>),
    /// To [`Request::Infer`].
    Inference {
        /// Index of the largest logit.
        class: u16,
        /// Logits in Q15.16, little-endian `i32`, one for each class.
        logits: &'a [u8],
        /// Probabilities in Q1.15, little-endian `u16`, one for each class.
        probabilities: &'a [u8],
    },
    /// To [`Request::MemoryUse`].
    MemoryUse(MemoryUse),
    /// To anything that cannot be done.
    Refused(Refusal),
    /// To [`Request::Measure`] and [`Request::Calibrate`].
    Counted {
        /// Little-endian `u32`. Of a measurement: ticks of one inference that nobody looks at; then, of one more
        /// inference, [`STAGE_BYTES`] for each stage, which are its ticks and how often it came. There are three stages
        /// for each layer (inputs gathered, products added up, requantized), and softmax with the choice of a class.
        ///
        /// Of a calibration: frequency of the counter in hertz, which on hardware is the core's, so that a tick is a
        /// cycle; ticks of the loop that was asked for; ticks of a stage in which nothing is done, which looking adds to each; bytes of the memory that
        /// inference writes, the stack not counted.
        counts: &'a [u8],
    },
}

/// Who the device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// The board's name, which is also its folder's.
    pub board: &'a str,
    /// The processor core.
    pub core: &'a str,
    /// Version of the firmware.
    pub firmware: &'a str,
    /// The model that it runs, or why it runs none.
    pub model: Result<ModelInfo, DeviceFault>,
}

/// The model that a device runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Which model.
    pub id: ModelId,
    /// Length of its blob.
    pub bytes: u32,
    /// Pixels of a picture.
    pub inputs: u32,
    /// Number of classes.
    pub classes: u16,
    /// Number of dense layers.
    pub layers: u8,
}

/// Why a device runs no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DeviceFault {
    /// What lies in its flash is not a model.
    #[error("no usable model in the device's flash: {0}")]
    Blob(BlobError),
    /// The model is larger than this firmware has room for.
    #[error("the model is too large for this firmware: {0}")]
    TooLarge(InferError),
    /// A picture of the model, or its answer, is longer than the frames that this firmware has room for.
    #[error("the model needs frames of {needed} bytes, this firmware has room for {available}")]
    FrameTooLong {
        /// Bytes needed.
        needed: u32,
        /// Bytes that the firmware has room for.
        available: u32,
    },
    /// The device computes something else than the host did at export.
    #[error("the device failed its self-test: {0}")]
    SelfTest(SelfTestError),
}

/// Memory of a device, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUse {
    /// Flash that the program takes: vectors, code, constants, initial values; the model not counted.
    pub flash: u32,
    /// Statics: initialised, zeroed and uninitialised.
    pub statics: u32,
    /// Deepest the stack has been since start.
    pub stack_used: u32,
    /// Deepest that it may be.
    pub stack_reserved: u32,
}

/// Why a request was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// The frame was damaged or not understood.
    #[error("the device could not read the request: {0}")]
    Frame(FrameError),
    /// There is no model to infer with.
    #[error(transparent)]
    NoModel(DeviceFault),
    /// The picture cannot be inferred.
    #[error(transparent)]
    Infer(InferError),
    /// The device has nothing to count with.
    #[error("the device has no counter to measure with: measure on a board")]
    NoCounter,
}
