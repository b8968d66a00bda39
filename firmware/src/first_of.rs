//! Two byte streams as one.

use embedded_io::{Error, ErrorKind, ErrorType, Read, ReadReady, Write};

/// Reads from whichever of two streams has bytes, and writes to the one that was read last: whoever asks is answered.
///
/// Where the other side begins to speak, the stream ends once, with a read of nothing, and goes on with that side: half a
/// frame of the one is no beginning of the other's.
#[derive(Debug)]
pub struct FirstOf<First, Second> {
    first: First,
    second: Second,
    side: Side,
    sleep: fn(&mut First),
}

/// Who was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    First,
    Second,
}

impl<First, Second> FirstOf<First, Second> {
    /// Both streams. `sleep` is called where neither has bytes, and returns soon enough for both.
    pub fn new(first: First, second: Second, sleep: fn(&mut First)) -> Self {
        Self { first, second, side: Side::First, sleep }
    }
}

impl<First, Second> ErrorType for FirstOf<First, Second> {
    type Error = ErrorKind;
}

impl<First: Read + ReadReady, Second: Read + ReadReady> Read for FirstOf<First, Second> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        loop {
            let first = self.first.read_ready().map_err(kind)?;
            let second = self.second.read_ready().map_err(kind)?;
            match self.side {
                Side::First if first => return self.first.read(buffer).map_err(kind),
                Side::Second if second => return self.second.read(buffer).map_err(kind),
                _ if first || second => {
                    self.side = if first { Side::First } else { Side::Second };
                    return Ok(0);
                }
                _ => (self.sleep)(&mut self.first),
            }
        }
    }
}

impl<First: Write, Second: Write> Write for FirstOf<First, Second> {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, ErrorKind> {
        match self.side {
            Side::First => self.first.write(buffer).map_err(kind),
            Side::Second => self.second.write(buffer).map_err(kind),
        }
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        match self.side {
            Side::First => self.first.flush().map_err(kind),
            Side::Second => self.second.flush().map_err(kind),
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

    /// Gives its bytes one at a time, once it is awake.
    #[derive(Default)]
    struct Stream {
        gives: Vec<u8>,
        took: Vec<u8>,
        is_awake: bool,
    }

    impl ErrorType for Stream {
        type Error = core::convert::Infallible;
    }

    impl ReadReady for Stream {
        fn read_ready(&mut self) -> Result<bool, Self::Error> {
            Ok(self.is_awake && !self.gives.is_empty())
        }
    }

    impl Read for Stream {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
            buffer[0] = self.gives.remove(0);
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

    #[test]
    fn answers_go_where_the_question_came_from() {
        let first = Stream { gives: Vec::from([1]), ..Stream::default() };
        let second = Stream { gives: Vec::from([2, 3]), is_awake: true, ..Stream::default() };
        let mut both = FirstOf::new(first, second, |first: &mut Stream| first.is_awake = true);
        let mut order = Vec::new();
        for _ in 0..5 {
            let mut byte = [0];
            if both.read(&mut byte) == Ok(1) {
                both.write_all(&[byte[0] + 10]).unwrap();
            }
            order.extend(byte);
        }
        // The first wakes up once the second has nothing more. Each change of sides is a read of nothing.
        assert_eq!(order, [0, 2, 3, 0, 1]);
        assert_eq!((both.first.took, both.second.took), (Vec::from([11]), Vec::from([12, 13])));
    }
}
