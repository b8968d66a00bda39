//! The status LED, through `embedded_hal`.

use embedded_hal::digital::OutputPin;

/// One LED that tells what the device does: dark while ready, lit while busy, lit for good after a
/// fault.
///
/// A pin that fails changes nothing: an LED is no reason to stop.
#[derive(Debug)]
pub struct StatusLed<Pin> {
    pin: Pin,
    faulty: bool,
}

impl<Pin: OutputPin> StatusLed<Pin> {
    /// An LED that lights when `pin` is high.
    pub fn new(pin: Pin) -> Self {
        Self { pin, faulty: false }
    }

    /// The device waits for a request: dark.
    pub fn ready(&mut self) {
        if !self.faulty {
            let _ = self.pin.set_low();
        }
    }

    /// A request is being served: lit.
    pub fn busy(&mut self) {
        let _ = self.pin.set_high();
    }

    /// There is no model to run; stays lit.
    pub fn fault(&mut self) {
        self.faulty = true;
        let _ = self.pin.set_high();
    }
}
