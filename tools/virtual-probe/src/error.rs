//! Errors of the connections to a running emulator.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use thiserror::Error;

/// The result of a request to the emulator.
pub(crate) type Result<T = (), E = EmulatorError> = std::result::Result<T, E>;

/// The reason why the emulator did not carry out a request.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages describe the variants and their fields")]
pub enum EmulatorError {
    #[error("the emulator has ended: its {link} is closed")]
    Gone { link: &'static str },
    #[error("the emulator's {link} did not answer within {patience:?}; is the host overloaded?")]
    Silent { link: &'static str, patience: Duration },
    #[error("the emulator's {link} answered {answer:?} to {request:?}")]
    Refused { link: &'static str, request: String, answer: String },
    #[error("the emulator's {link} failed before and is out of step; start the emulator again")]
    OutOfStep { link: &'static str },
    #[error("the emulator's {link} failed: {reason}")]
    Failed { link: &'static str, reason: io::Error },
}

impl EmulatorError {
    /// Returns true if only this request failed, and the next may succeed.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Returns true if the connection cannot be used after this error: a late answer would be taken
    /// for the next one.
    pub(crate) fn leaves_out_of_step(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::OutOfStep { .. } | Self::Failed { .. })
    }

    /// Classifies an I/O error of the connection `link`, whose time limit is `patience`.
    pub(crate) fn of(link: &'static str, patience: Duration, source: io::Error) -> Self {
        match source.kind() {
            _ if is_timeout(&source) => Self::Silent { link, patience },
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Self::Gone { link },
            _ => Self::Failed { link, reason: source },
        }
    }

    /// Returns the error for an `answer` that does not fit `request`.
    pub(crate) fn refused(link: &'static str, request: &str, answer: &str) -> Self {
        let shortened = |text: &str| text.chars().take(60).collect();
        Self::Refused { link, request: shortened(request), answer: shortened(answer) }
    }
}

/// Returns true if a read or write has reached its time limit.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Sets the time limit of reads and writes on the connection `link`.
pub(crate) fn limit(stream: &UnixStream, link: &'static str, patience: Duration) -> Result {
    let limited = stream.set_read_timeout(Some(patience)).and_then(|()| stream.set_write_timeout(Some(patience)));
    limited.map_err(|source| EmulatorError::of(link, patience, source))
}
