//! Merges two byte streams into one.

use embedded_io::{Error, ErrorKind, ErrorType, Read, ReadReady, Write};

/// Number of polls that the second stream may pause within a frame: seconds, if each poll sleeps.
const MAX_PAUSE: u16 = 4000;

/// Reads from whichever of two streams has bytes, and writes to the one that was read last.
///
/// The second has priority: it is RTT, without noise, while a UART that is not connected may never
/// be quiet. Bytes that the first receives during a frame of the second are dropped.
///
/// A read returns 0 once when the streams change, so that the reader drops a partial frame.
///
/// # Examples
///
/// ```
/// use embedded_io::Read;
/// use prenda_serve::FirstOf;
///
/// let (uart, rtt): (&[u8], &[u8]) = (&[], &[3, 1, 2, 0]);
/// let mut link = FirstOf::new(uart, rtt, |_| ());
/// let mut buffer = [0; 8];
/// assert_eq!(link.read(&mut buffer), Ok(0)); // changes to the second stream
/// assert_eq!(link.read(&mut buffer), Ok(4));
/// ```
#[derive(Debug)]
pub struct FirstOf<First, Second, Sleep> {
    first: First,
    second: Second,
    side: Side,
    sleep: Sleep,
}

/// The stream that was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    First,
    /// Contains the number of polls that it may still pause, if that was within a frame.
    Second(u16),
}

impl<First, Second, Sleep: FnMut(&mut First)> FirstOf<First, Second, Sleep> {
    /// Merges both streams. `sleep` is called when neither has bytes, and returns after at most
    /// about a millisecond, so that the first stream loses none.
    ///
    /// # Examples
    ///
    /// ```
    /// use prenda_serve::FirstOf;
    ///
    /// # let (uart, rtt): (&[u8], &[u8]) = (&[], &[]);
    /// // On a Cortex-M: waits for an interrupt, `cortex_m::asm::wfi()`.
    /// let link = FirstOf::new(uart, rtt, |_uart: &mut &[u8]| std::thread::yield_now());
    /// # let _ = link;
    /// ```
    pub fn new(first: First, second: Second, sleep: Sleep) -> Self {
        Self { first, second, side: Side::First, sleep }
    }
}

impl<First, Second, Sleep> ErrorType for FirstOf<First, Second, Sleep> {
    type Error = ErrorKind;
}

impl<First, Second, Sleep> Read for FirstOf<First, Second, Sleep>
where
    First: Read + ReadReady,
    Second: Read + ReadReady,
    Sleep: FnMut(&mut First),
{
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        loop {
            let first = self.first.read_ready().map_err(kind)?;
            let second = self.second.read_ready().map_err(kind)?;
            match (self.side, second, first) {
                (Side::Second(_), true, _) => {
                    let count = self.second.read(buffer).map_err(kind)?;
                    // A zero ends a frame.
                    let is_in_frame = buffer.get(..count).and_then(<[u8]>::last).is_some_and(|byte| *byte != 0);
                    self.side = Side::Second(if is_in_frame { MAX_PAUSE } else { 0 });
                    return Ok(count);
                }
                (Side::First, true, _) => {
                    self.side = Side::Second(0);
                    return Ok(0);
                }
                (Side::First, false, true) => return self.first.read(buffer).map_err(kind),
                (Side::Second(0), false, true) => {
                    self.side = Side::First;
                    return Ok(0);
                }
                (Side::Second(pause), false, true) => {
                    self.first.read(&mut [0]).map_err(kind)?;
                    self.side = Side::Second(pause.saturating_sub(1));
                }
                (side, false, false) => {
                    (self.sleep)(&mut self.first);
                    if let Side::Second(pause) = side {
                        self.side = Side::Second(pause.saturating_sub(1));
                    }
                }
            }
        }
    }
}

impl<First: Write, Second: Write, Sleep> Write for FirstOf<First, Second, Sleep> {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, ErrorKind> {
        match self.side {
            Side::First => self.first.write(buffer).map_err(kind),
            Side::Second(_) => self.second.write(buffer).map_err(kind),
        }
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        match self.side {
            Side::First => self.first.flush().map_err(kind),
            Side::Second(_) => self.second.flush().map_err(kind),
        }
    }
}

fn kind(error: impl Error) -> ErrorKind {
    error.kind()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use embedded_io::{ErrorType, Read, ReadReady, Write};

    use super::FirstOf;

    /// A stream of single bytes, followed by endless noise if it has any.
    #[derive(Default)]
    struct Stream {
        gives: Vec<u8>,
        noise: Option<u8>,
        took: Vec<u8>,
        is_awake: bool,
        /// Number of times that it reports not ready although it is.
        pauses: u32,
    }

    impl ErrorType for Stream {
        type Error = core::convert::Infallible;
    }

    impl ReadReady for Stream {
        fn read_ready(&mut self) -> Result<bool, Self::Error> {
            if self.pauses > 0 {
                self.pauses -= 1;
                return Ok(false);
            }
            Ok(self.is_awake && (self.noise.is_some() || !self.gives.is_empty()))
        }
    }

    impl Read for Stream {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
            buffer[0] = if self.gives.is_empty() { self.noise.unwrap() } else { self.gives.remove(0) };
            Ok(1)
        }
    }

    impl Write for Stream {
        fn write(&mut self, buffer: &[u8]) -> Result<usize, Self::Error> {
            self.took.extend(buffer);
            Ok(buffer.len())
        }

        fn flush(&mut self) -> Result<(), Self::Error> {
            Ok(())
        }
    }

    fn wake(first: &mut Stream) {
        first.is_awake = true;
    }

    /// Reads single bytes; `None` marks a change of streams.
    fn read(both: &mut FirstOf<Stream, Stream, fn(&mut Stream)>, count: usize) -> Vec<Option<u8>> {
        let mut byte = [0];
        (0..count).map(|_| (both.read(&mut byte) == Ok(1)).then_some(byte[0])).collect()
    }

    #[test]
    fn the_stream_that_asked_gets_the_answer() {
        let first = Stream { gives: Vec::from([1]), ..Stream::default() };
        let second = Stream { gives: Vec::from([2, 0]), is_awake: true, ..Stream::default() };
        let mut both = FirstOf::new(first, second, wake as fn(&mut Stream));
        for asked in [None, Some(2), Some(0), None, Some(1)] {
            assert_eq!(read(&mut both, 1), [asked]);
            if let Some(byte) = asked {
                both.write_all(&[byte + 10]).unwrap();
            }
        }
        assert_eq!((both.first.took, both.second.took), (Vec::from([11]), Vec::from([12, 10])));
    }

    #[test]
    fn noise_on_the_first_neither_delays_nor_cuts_frames_of_the_second() {
        for noise in [0, 0x55, 0xFF] {
            let first = Stream { noise: Some(noise), is_awake: true, ..Stream::default() };
            let mut both = FirstOf::new(first, Stream::default(), wake as fn(&mut Stream));
            assert_eq!(read(&mut both, 100), [Some(noise); 100]);
            both.second = Stream { gives: Vec::from([0, 1, 2]), is_awake: true, ..Stream::default() };
            assert_eq!(read(&mut both, 4), [None, Some(0), Some(1), Some(2)]);
            // A pause within a frame, with noise.
            (both.second.gives, both.second.pauses) = (Vec::from([3, 0]), 100);
            assert_eq!(read(&mut both, 2), [Some(3), Some(0)]);
            assert_eq!(read(&mut both, 2), [None, Some(noise)]);
        }
    }

    #[test]
    fn a_partial_frame_of_the_second_times_out() {
        let first = Stream { noise: Some(0x55), ..Stream::default() };
        let second = Stream { gives: Vec::from([0, 1]), is_awake: true, ..Stream::default() };
        let mut both = FirstOf::new(first, second, wake as fn(&mut Stream));
        assert_eq!(read(&mut both, 3), [None, Some(0), Some(1)]);
        assert_eq!(read(&mut both, 2), [None, Some(0x55)]);
    }
}
