//! Two byte streams as one.

use embedded_io::{Error, ErrorKind, ErrorType, Read, ReadReady, Write};

/// Reads from whichever of two streams has bytes, and writes to the one that was read last: whoever asks is answered.
#[derive(Debug)]
pub struct FirstOf<First, Second> {
    first: First,
    second: Second,
    answers_second: bool,
    sleep: fn(&mut First),
}

impl<First, Second> FirstOf<First, Second> {
    /// Both streams. `sleep` is called where neither has bytes, and returns soon enough for both.
    pub fn new(first: First, second: Second, sleep: fn(&mut First)) -> Self {
        Self { first, second, answers_second: false, sleep }
    }
}

impl<First, Second> ErrorType for FirstOf<First, Second> {
    type Error = ErrorKind;
}

impl<First: Read + ReadReady, Second: Read + ReadReady> Read for FirstOf<First, Second> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        loop {
            if self.first.read_ready().map_err(kind)? {
                self.answers_second = false;
                return self.first.read(buffer).map_err(kind);
            }
            if self.second.read_ready().map_err(kind)? {
                self.answers_second = true;
                return self.second.read(buffer).map_err(kind);
            }
            (self.sleep)(&mut self.first);
        }
    }
}

impl<First: Write, Second: Write> Write for FirstOf<First, Second> {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, ErrorKind> {
        if self.answers_second {
            self.second.write(buffer).map_err(kind)
        } else {
            self.first.write(buffer).map_err(kind)
        }
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        if self.answers_second { self.second.flush().map_err(kind) } else { self.first.flush().map_err(kind) }
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
        for _ in 0..3 {
            let mut byte = [0];
            assert_eq!(both.read(&mut byte), Ok(1));
            both.write_all(&[byte[0] + 10]).unwrap();
            order.extend(byte);
        }
        // The first wakes up once the second has nothing more.
        assert_eq!(order, [2, 3, 1]);
        assert_eq!((both.first.took, both.second.took), (Vec::from([11]), Vec::from([12, 13])));
    }
}
