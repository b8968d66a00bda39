//! Why a conversation with a device failed.

use std::io::{self, ErrorKind};

use shared_model::{FrameError, ModelId, Refusal};
use thiserror::Error;

/// Why a conversation failed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nothing came for as long as an answer may take.
    #[error(
        "the device did not answer in time; that is the --patience of parity, bench and link, and a very busy machine takes more"
    )]
    Silent,
    /// The stream ended.
    #[error("the device is gone: the link was closed")]
    Gone,
    /// The stream failed.
    #[error("the link failed: {0}")]
    Stream(#[source] io::Error),
    /// A frame from the device arrived whole and cannot be read all the same.
    #[error("the device sent something unreadable: {0}")]
    Frame(#[from] FrameError),
    /// A request was sent again and again, and damaged each time.
    #[error("the link damages too much: request {sequence}, {request}, was sent {attempts} times; at last, {cause}")]
    GaveUp {
        /// Number of the request, when it was first sent.
        sequence: u32,
        /// What it asks for.
        request: &'static str,
        /// How often it was sent.
        attempts: u32,
        /// What became of it at last.
        cause: Trouble,
    },
    /// The device refuses the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The device answers something else than was asked.
    #[error("the device answered request {sequence} with a {kind}, which was not asked for")]
    Unexpected {
        /// Number of the request.
        sequence: u32,
        /// Kind of the answer.
        kind: &'static str,
    },
    /// The firmware is another board's.
    #[error("wrong firmware: it says that it is {found}'s; build that of {asked} by cargo xtask firmware {asked}")]
    WrongBoard {
        /// The board that was asked for.
        asked: &'static str,
        /// The board that the firmware is for.
        found: String,
    },
    /// The device runs another model than the host.
    #[error(
        "wrong model on the device: it runs {device} ({device_bytes} bytes), the host holds {host}: flash the host's model"
    )]
    WrongModel {
        /// The device's model.
        device: ModelId,
        /// Length of the device's model.
        device_bytes: u32,
        /// The host's model.
        host: ModelId,
    },
}

/// What a damaged frame was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// The device could not read a request.
    #[error("the device could not read it: {0}")]
    Refused(FrameError),
    /// An answer could not be read here.
    #[error("its answer could not be read: {0}")]
    Unreadable(FrameError),
    /// Neither arrived: what was asked later is answered.
    #[error("it was lost: what was asked later was answered")]
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
