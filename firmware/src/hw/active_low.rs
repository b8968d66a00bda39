//! Inverts the pin of an LED that lights when the pin is low.

use embedded_hal::digital::{ErrorType, OutputPin};

/// An inverted pin.
pub struct ActiveLow<Pin>(pub Pin);

impl<Pin: ErrorType> ErrorType for ActiveLow<Pin> {
    type Error = Pin::Error;
}

impl<Pin: OutputPin> OutputPin for ActiveLow<Pin> {
    fn set_low(&mut self) -> Result<(), Pin::Error> {
        self.0.set_high()
    }

    fn set_high(&mut self) -> Result<(), Pin::Error> {
        self.0.set_low()
    }
}
