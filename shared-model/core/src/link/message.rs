//! The messages of the link. Every request has one response, and repeating a request is safe.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::FrameError;
use crate::error::{InferError, SelfTestError};
use crate::model::{BlobError, MAX_CLASSES, ModelId};

/// Upper bound, in bytes, for an encoded [`Response`]: an inference of [`MAX_CLASSES`] classes.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{MAX_RESPONSE_BYTES, encoded_length_bound};
///
/// // A client's buffer, for any device.
/// const FRAME: usize = encoded_length_bound(MAX_RESPONSE_BYTES);
/// assert_eq!(FRAME, 1683);
/// ```
pub const MAX_RESPONSE_BYTES: usize = 6 * MAX_CLASSES + MESSAGE_OVERHEAD_BYTES;

/// Upper bound, in bytes, for a message without its pixels, logits and probabilities.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Frame, MESSAGE_OVERHEAD_BYTES, Request, encode, encoded_length_bound};
///
/// let message = Request::Infer { pixels: &[1; 784] };
/// let mut buffer = [0; encoded_length_bound(784 + MESSAGE_OVERHEAD_BYTES)];
/// assert!(encode(&Frame { sequence: 1, message }, &mut buffer).is_ok());
/// ```
pub const MESSAGE_OVERHEAD_BYTES: usize = 128;

/// Size in bytes of one stage in [`Response::Counted`]: two little-endian `u32`.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::STAGE_BYTES;
///
/// // Three stages of each layer and softmax, after the ticks of an inference.
/// let (layers, counts) = (2, [0; 60]);
/// assert_eq!(counts[4..].chunks_exact(STAGE_BYTES).count(), 3 * layers + 1);
/// ```
pub const STAGE_BYTES: usize = 8;

/// A message with its number. A response has the number of its request.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Frame, Refusal, Request, Response};
///
/// let request = Frame { sequence: 7, message: Request::MemoryUse };
/// let refused = Response::Refused(Refusal::NoCounter);
/// let response = Frame { sequence: request.sequence, message: refused };
/// assert_eq!(response.sequence, 7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame<T> {
    /// Number chosen by the client; 0 in a response to an unreadable request.
    pub sequence: u32,
    /// The message.
    pub message: T,
}

/// A request of the host.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Frame, Request, encode};
///
/// let message = Request::Infer { pixels: &[0, 7] };
/// let mut buffer = [0; 32];
/// let sent = encode(&Frame { sequence: 5, message }, &mut buffer).unwrap();
/// assert_eq!(sent.len(), 13); // of which two are pixels
/// ```
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
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::Response;
///
/// // Returns the class, or the device's reason.
/// fn class(response: &Response<'_>) -> Result<u16, String> {
///     match response {
///         Response::Inference { class, .. } => Ok(*class),
///         Response::CascadeInference { class, .. } => Ok(*class),
///         Response::Refused(reason) => Err(reason.to_string()),
///         _ => Err("another response".to_owned()),
///     }
/// }
///
/// let (logits, probabilities) = (&[1, 0, 0, 0], &[0, 0x80]);
/// assert_eq!(class(&Response::Inference { class: 0, logits, probabilities }), Ok(0));
/// ```
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
        /// layer has three stages (gather, accumulate, requantize); softmax is the last.
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
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{BlobError, DeviceFault, Hello};
///
/// let model = Err(DeviceFault::Blob(BlobError::Magic)); // the flash is still empty
/// let hello = Hello { board: "my-board", core: "cortex-m4", firmware: "1.0.0", model };
/// let reason = hello.model.unwrap_err().to_string();
/// assert!(reason.starts_with("no usable model in the device's flash: not a model"));
/// ```
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
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::{Classifier, ModelInfo, Workspace};
///
/// let info = (&model, &mut Workspace::<360, 10>::new()).info();
/// let id = model.id();
/// assert_eq!(info, ModelInfo { id, bytes: 8655, inputs: 784, classes: 10, layers: 2 });
/// ```
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
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::DeviceFault;
///
/// let fault = DeviceFault::FrameTooLong { needed: 928, available: 512 };
/// let message = "the model needs frames of 928 bytes, but this firmware has room for 512";
/// assert_eq!(fault.to_string(), message);
/// ```
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
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::MemoryUse;
///
/// let memory = MemoryUse { stack_used: 900, stack_reserved: 2048, ..MemoryUse::default() };
/// assert_eq!(memory.stack_reserved - memory.stack_used, 1148); // bytes to spare
/// ```
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
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{InferError, Refusal};
///
/// let refusal = Refusal::Infer(InferError::InputLength { expected: 784, found: 100 });
/// assert_eq!(refusal.to_string(), "image: found 100 pixels, expected 784");
/// ```
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
