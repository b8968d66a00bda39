//! The user LEDs of Arm's MPS2 boards (Arm DAI 0385, table 3-9).

use core::convert::Infallible;
use core::ptr::NonNull;

use embedded_hal::digital::{ErrorType, OutputPin};

/// The first of the two user LEDs.
pub struct Mps2Led {
    register: NonNull<u32>,
}

impl Mps2Led {
    /// Creates the LED.
    ///
    /// # Safety
    ///
    /// `address` must be that of register LED0 of the FPGA's I/O block, which nothing else writes.
    pub unsafe fn new(address: NonNull<u32>) -> Self {
        Self { register: address }
    }

    fn set(&mut self, value: u32) -> Result<(), Infallible> {
        // SAFETY: the caller of `new` guarantees the register, and it only affects the LEDs.
        unsafe { self.register.write_volatile(value) };
        Ok(())
    }
}

impl ErrorType for Mps2Led {
    type Error = Infallible;
}

impl OutputPin for Mps2Led {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set(0)
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set(1)
    }
}
