//! An LED that lights when its pin is low, as one that lights when high.

use embedded_hal::digital::{ErrorType, OutputPin};

/// The pin, upside down.
#[derive(Debug)]
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
