//! The byte stream to and from a device.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::ClientError;

/// A byte stream to a device. Reads and writes must not block for long: they fail with
/// [`ErrorKind::TimedOut`] or [`ErrorKind::WouldBlock`], and the client checks its deadline.
pub trait Stream: Read + Write + Send + Debug {}

impl<Bytes: Read + Write + Send + Debug> Stream for Bytes {}

/// A stream and the received bytes that are not consumed yet.
#[derive(Debug)]
pub struct Line {
    pub stream: Box<dyn Stream>,
    unread: VecDeque<u8>,
}

impl Line {
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, unread: VecDeque::new() }
    }

    /// Returns the next received byte, without waiting.
    pub fn next(&mut self) -> Option<u8> {
        self.unread.pop_front()
    }

    /// Waits briefly for more bytes; returns true if some arrived.
    pub fn fill(&mut self) -> Result<bool, ClientError> {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(ClientError::Gone),
            Ok(count) => {
                self.unread.extend(chunk.iter().take(count));
                Ok(true)
            }
            Err(error) if is_timeout(error.kind()) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes all of `bytes` within `patience`.
    pub fn write_all(&mut self, bytes: &[u8], patience: Duration) -> Result<(), ClientError> {
        let deadline = Instant::now() + patience;
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(ClientError::Gone),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                // The device may be waiting for its answers to be read.
                Err(error) if is_timeout(error.kind()) && Instant::now() < deadline => {
                    self.fill()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Accepts one byte after each read of what it sends.
    #[derive(Debug, Default)]
    struct Stubborn {
        was_read: bool,
    }

    impl Read for Stubborn {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.was_read = true;
            buffer[0] = 7;
            Ok(1)
        }
    }

    impl Write for Stubborn {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            if std::mem::take(&mut self.was_read) { Ok(1) } else { Err(ErrorKind::WouldBlock.into()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn two_full_buffers_do_not_deadlock() {
        let mut line = Line::new(Box::new(Stubborn::default()));
        line.write_all(&[1; 100], Duration::from_secs(60)).unwrap();
        assert_eq!(std::iter::from_fn(|| line.next()).count(), 100, "nothing received is lost");
    }
}
