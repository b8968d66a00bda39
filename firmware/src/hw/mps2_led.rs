//! The user LEDs of Arm's MPS2 boards: a register of the FPGA's I/O block (Arm DAI 0385, table
//! 3-9).

use core::convert::Infallible;
use core::ptr::NonNull;

use embedded_hal::digital::{ErrorType, OutputPin};

/// The first of the two user LEDs.
#[derive(Debug)]
pub struct Mps2Led {
    register: NonNull<u32>,
}

impl Mps2Led {
    /// The LED whose register, LED0 of the FPGA's I/O block, lies at `address`.
    ///
    /// # Safety
    ///
    /// The register lies there, and nothing else writes it.
    #[must_use]
    pub unsafe fn new(address: NonNull<u32>) -> Self {
        Self { register: address }
    }

    fn set(&mut self, value: u32) -> Result<(), Infallible> {
        // SAFETY: `new` was promised the register here, and it has no effect but on the LEDs.
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
