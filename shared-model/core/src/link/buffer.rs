//! Collects the bytes of a frame from a stream.

use heapless::Vec;

use super::FrameError;
use super::frame::DELIMITER;

/// A buffer that collects bytes until a frame is complete.
///
/// `N` is the length of the longest frame, in bytes without delimiters.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{FrameBuffer, Progress, Request, decode};
///
/// let mut requests = 0;
/// let mut buffer = FrameBuffer::<64>::new();
/// for byte in [0x55, 0, 3, 1, 5, 5, 0x60, 0x47, 0xf4, 0x83, 0] { // noise, then a frame
///     if let Progress::Complete(bytes) = buffer.push(byte) {
///         requests += u32::from(decode::<Request<'_>>(bytes).is_ok());
///     }
/// }
/// assert_eq!(requests, 1);
/// ```
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
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{FrameBuffer, FrameError, Progress};
///
/// let mut buffer = FrameBuffer::<2>::new();
/// assert_eq!([1, 2, 3].map(|byte| buffer.push(byte) == Progress::Incomplete), [true; 3]);
/// // The delimiter ends a frame of three bytes.
/// assert_eq!(buffer.push(0), Progress::TooLong(FrameError::TooLong { available: 2 }));
/// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{FrameBuffer, MESSAGE_OVERHEAD_BYTES, encoded_length_bound};
    ///
    /// const FRAME: usize = encoded_length_bound(784 + MESSAGE_OVERHEAD_BYTES);
    /// let buffer = FrameBuffer::<FRAME>::new(); // in a firmware: in a static
    /// assert!(size_of_val(&buffer) < 1000);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), state: State::Filling }
    }

    /// Drops the incomplete frame.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{FrameBuffer, Progress};
    ///
    /// let mut buffer = FrameBuffer::<64>::new();
    /// buffer.push(7);
    /// buffer.clear(); // the client has disconnected
    /// buffer.push(8);
    /// assert_eq!(buffer.push(0), Progress::Complete(&mut [8]));
    /// ```
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.state = State::Filling;
    }

    /// Adds the next byte of the stream. Ignores empty frames (two delimiters in a row).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{FrameBuffer, Progress};
    ///
    /// let mut buffer = FrameBuffer::<64>::new();
    /// assert_eq!(buffer.push(0), Progress::Incomplete); // an empty frame
    /// assert_eq!(buffer.push(7), Progress::Incomplete);
    /// assert_eq!(buffer.push(0), Progress::Complete(&mut [7]));
    /// ```
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
