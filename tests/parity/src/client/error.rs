//! Errors of a conversation with a device.

use std::io::{self, ErrorKind};

use prenda::{FrameError, ModelId, Refusal};
use thiserror::Error;

/// The reason why a conversation failed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No answer arrived in time.
    #[error("the device did not answer in time; raise --patience if this machine is busy")]
    Silent,
    /// The stream ended.
    #[error("the device is gone: the link was closed")]
    Gone,
    /// The stream failed.
    #[error("the link failed: {0}")]
    Stream(#[source] io::Error),
    /// A frame from the device is undamaged but cannot be read.
    #[error("cannot read the device's frame: {0}")]
    Frame(#[from] FrameError),
    /// Every attempt to send a request failed.
    #[error("the link damages too much: request {sequence}, {request}, was sent {attempts} times; last, {cause}")]
    GaveUp {
        /// Number of the request's first attempt.
        sequence: u32,
        /// Name of the request.
        request: &'static str,
        /// Attempts.
        attempts: u32,
        /// The last attempt's failure.
        cause: Trouble,
    },
    /// The device refuses the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The answer is not of the kind that was asked for.
    #[error("unexpected answer to request {sequence}: {kind}")]
    Unexpected {
        /// Number of the request.
        sequence: u32,
        /// Kind of the answer.
        kind: &'static str,
    },
    /// The firmware is for another board.
    #[error("wrong firmware: found {found}, expected {asked}; build it with `cargo xtask firmware {asked}`")]
    WrongBoard {
        /// The expected board.
        asked: &'static str,
        /// The firmware's board.
        found: String,
    },
    /// Device and host have different models.
    #[error(
        "wrong model on the device: found {device} ({device_bytes} bytes), expected {host}; flash the host's model, \
         or build the firmware with it"
    )]
    WrongModel {
        /// The device's model.
        device: ModelId,
        /// Length of the device's model in bytes.
        device_bytes: u32,
        /// The host's model.
        host: ModelId,
    },
}

/// The reason why a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// The device could not read a request.
    #[error("the device could not read it: {0}")]
    Refused(FrameError),
    /// The host could not read an answer.
    #[error("its answer could not be read: {0}")]
    Unreadable(FrameError),
    /// The request or its answer was lost: a later request is answered.
    #[error("it was lost: a later request was answered")]
    Lost,
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::Silent,
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Self::Gone,
            _ => Self::Stream(error),
        }
    }
}
