//! Collects the bytes of a frame from a stream.

use heapless::Vec;

use super::FrameError;
use super::frame::DELIMITER;

/// A buffer that collects bytes until a frame is complete.
///
/// `N` is the length of the longest frame, in bytes without delimiters.
#[derive(Clone, Debug, Default)]
pub struct FrameBuffer<const N: usize> {
    bytes: Vec<u8, N>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Filling,
    /// The last byte ended a frame.
    Complete,
    /// The frame is longer than the buffer; drops bytes up to the next delimiter.
    Overflowed,
}

/// The state of a [`FrameBuffer`] after a byte.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress<'b> {
    /// The frame is incomplete.
    Incomplete,
    /// The frame is complete; [`decode`](crate::decode) takes these bytes.
    Complete(&'b mut [u8]),
    /// A frame was dropped because it was longer than the buffer.
    TooLong(FrameError),
}

impl<const N: usize> FrameBuffer<N> {
    /// Returns an empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), state: State::Filling }
    }

    /// Drops the incomplete frame.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.state = State::Filling;
    }

    /// Adds the next byte of the stream. Ignores empty frames (two delimiters in a row).
    pub fn push(&mut self, byte: u8) -> Progress<'_> {
        if self.state == State::Complete {
            self.clear();
        }
        match (byte, self.state) {
            (DELIMITER, State::Overflowed) => {
                self.clear();
                Progress::TooLong(FrameError::TooLong { available: N as u32 })
            }
            (DELIMITER, _) if self.bytes.is_empty() => Progress::Incomplete,
            (DELIMITER, _) => {
                self.state = State::Complete;
                Progress::Complete(&mut self.bytes)
            }
            (_, State::Overflowed) => Progress::Incomplete,
            _ => {
                if self.bytes.push(byte).is_err() {
                    self.state = State::Overflowed;
                }
                Progress::Incomplete
            }
        }
    }
}
