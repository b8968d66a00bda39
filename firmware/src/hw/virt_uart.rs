//! The UART of QEMU's RISC-V `virt` machine, a 16550, through uart_16550; here it also wakes the core.

use core::convert::Infallible;

use embedded_io::{ErrorType, Read, ReadReady, Write};
use uart_16550::Uart16550;
use uart_16550::backend::MmioBackend;

use super::riscv::{Clint, Plic};

/// The UART, and what ends sleep beside it.
#[derive(Debug)]
pub struct VirtUart {
    /// The driver, whose interrupt for received bytes is on.
    pub uart: Uart16550<MmioBackend>,
    /// The controller of that interrupt.
    pub plic: Plic,
    /// The timer.
    pub clint: Clint,
    /// Longest sleep, in the timer's ticks.
    pub tick: u32,
}

impl VirtUart {
    /// Sleeps until a byte comes or the longest sleep has passed. A byte that comes between the look and the sleep is
    /// pending by then, and ends it.
    pub fn sleep(&mut self) {
        self.clint.wake_in(self.tick);
        self.plic.acknowledge();
        let Ok(is_ready) = self.uart.read_ready();
        if !is_ready {
            riscv::asm::wfi();
        }
    }
}

impl ErrorType for VirtUart {
    type Error = Infallible;
}

impl ReadReady for VirtUart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        self.uart.read_ready()
    }
}

impl Read for VirtUart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        self.uart.read(buffer)
    }
}

impl Write for VirtUart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.uart.write(bytes)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Write::flush(&mut self.uart)
    }
}
