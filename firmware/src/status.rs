//! The status LED, through `embedded_hal`.

use embedded_hal::digital::OutputPin;

/// An LED that is dark while ready, lit while busy, and lit permanently after a fault.
///
/// Errors of the pin are ignored.
#[derive(Debug)]
pub struct StatusLed<Pin> {
    pin: Pin,
    faulty: bool,
}

impl<Pin: OutputPin> StatusLed<Pin> {
    /// Creates an LED that lights when `pin` is high.
    pub fn new(pin: Pin) -> Self {
        Self { pin, faulty: false }
    }

    /// Turns the LED off, unless there was a fault.
    pub fn ready(&mut self) {
        if !self.faulty {
            let _ = self.pin.set_low();
        }
    }

    /// Turns the LED on.
    pub fn busy(&mut self) {
        let _ = self.pin.set_high();
    }

    /// Turns the LED on permanently.
    pub fn fault(&mut self) {
        self.faulty = true;
        let _ = self.pin.set_high();
    }
}
