//! The status LED, through `embedded_hal`.

use embedded_hal::digital::OutputPin;
use embedded_io::{ErrorType, Read, Write};

/// A byte stream with an LED that is dark while a reader waits, lit until it waits again, and lit
/// permanently after a fault.
///
/// Errors of the pin are ignored.
#[derive(Debug)]
pub struct StatusLed<Stream, Pin> {
    stream: Stream,
    pin: Pin,
    faulty: bool,
}

impl<Stream, Pin: OutputPin> StatusLed<Stream, Pin> {
    /// Turns on an LED that lights when `pin` is high.
    pub fn new(stream: Stream, mut pin: Pin) -> Self {
        let _ = pin.set_high();
        Self { stream, pin, faulty: false }
    }

    /// Keeps the LED on.
    pub fn fault(&mut self) {
        self.faulty = true;
    }
}

impl<Stream: ErrorType, Pin> ErrorType for StatusLed<Stream, Pin> {
    type Error = Stream::Error;
}

impl<Stream: Read, Pin: OutputPin> Read for StatusLed<Stream, Pin> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        if !self.faulty {
            let _ = self.pin.set_low();
        }
        let count = self.stream.read(buffer);
        let _ = self.pin.set_high();
        count
    }
}

impl<Stream: Write, Pin> Write for StatusLed<Stream, Pin> {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Self::Error> {
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.stream.flush()
    }
}
