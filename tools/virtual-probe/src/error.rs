//! What can go wrong on the way to a running emulator.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use thiserror::Error;

/// Why the emulator did not do what it was asked.
#[derive(Debug, Error)]
pub enum EmulatorError {
    /// It has ended.
    #[error("the emulator has ended, as its {link} tells")]
    Gone {
        /// Which of its connections told.
        link: &'static str,
    },
    /// It does not answer.
    #[error("the emulator's {link} has not answered for {patience:?}; is the machine overloaded?")]
    Silent {
        /// Which of its connections.
        link: &'static str,
        /// How long was waited.
        patience: Duration,
    },
    /// It answered, but did not do it.
    #[error("the emulator's {link} answered {answer:?} to {request:?}")]
    Refused {
        /// Which of its connections.
        link: &'static str,
        /// What it was asked, shortened.
        request: String,
        /// What it said, shortened.
        answer: String,
    },
    /// A connection to it failed before, so that an answer may be to an earlier request.
    #[error("the emulator's {link} has failed before and is out of step: start the emulator anew")]
    OutOfStep {
        /// Which of its connections.
        link: &'static str,
    },
    /// A connection to it failed in another way.
    #[error("the emulator's {link} failed: {reason}")]
    Failed {
        /// Which of its connections.
        link: &'static str,
        /// How.
        reason: io::Error,
    },
}

impl EmulatorError {
    /// Whether only this request failed, and the next may succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether the connection is of no use after this, although the emulator may go on to answer on
    /// it.
    pub(crate) fn leaves_out_of_step(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::OutOfStep { .. } | Self::Failed { .. })
    }

    /// A failure of the connection `link`, on which `patience` is the time limit.
    pub(crate) fn of(link: &'static str, patience: Duration, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::Silent { link, patience },
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Self::Gone { link },
            _ => Self::Failed { link, reason: source },
        }
    }

    /// An answer that is none to `request`.
    pub(crate) fn refused(link: &'static str, request: &str, answer: &str) -> Self {
        let shortened = |text: &str| text.chars().take(60).collect();
        Self::Refused { link, request: shortened(request), answer: shortened(answer) }
    }
}

/// Has reads and writes of the connection `link` end after `patience`.
pub(crate) fn limit(stream: &UnixStream, link: &'static str, patience: Duration) -> Result<(), EmulatorError> {
    let limited = stream.set_read_timeout(Some(patience)).and_then(|()| stream.set_write_timeout(Some(patience)));
    limited.map_err(|source| EmulatorError::of(link, patience, source))
}
