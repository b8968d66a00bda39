//! The nRF52's UARTE with embassy-nrf, without an executor.
//!
//! DMA writes bytes to a ring and a timer counts them, so none is lost during inference. The
//! driver's interrupt only restarts the DMA for each half of the ring.

use embassy_futures::block_on;
use embassy_nrf::buffered_uarte::{BufferedUarte, Error};
use embedded_io::{ErrorType, Read, ReadReady, Write};

/// The driver, with blocking calls.
pub struct Nrf52Uart(pub BufferedUarte<'static>);

impl Nrf52Uart {
    /// Sleeps until the next interrupt, unless bytes are ready. An interrupt between check and
    /// sleep is pending and ends the sleep; its handler runs afterwards.
    pub fn sleep(&mut self) {
        cortex_m::interrupt::free(|_| {
            if !matches!(self.read_ready(), Ok(true)) {
                cortex_m::asm::wfi();
            }
        });
    }
}

impl ErrorType for Nrf52Uart {
    type Error = Error;
}

impl ReadReady for Nrf52Uart {
    fn read_ready(&mut self) -> Result<bool, Error> {
        self.0.read_ready()
    }
}

impl Read for Nrf52Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        block_on(self.0.read(buffer))
    }
}

impl Write for Nrf52Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        block_on(self.0.write(bytes))
    }

    fn flush(&mut self) -> Result<(), Error> {
        block_on(self.0.flush())
    }
}
