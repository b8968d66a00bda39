//! The status LED of a device without an LED.

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType, OutputPin};

/// A pin whose setters do nothing.
#[derive(Debug)]
pub struct NoLed;

impl ErrorType for NoLed {
    type Error = Infallible;
}

impl OutputPin for NoLed {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
