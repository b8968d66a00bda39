//! The status LED of a device that has none.

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType, OutputPin};

/// A pin that leads nowhere: setting it does nothing.
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
