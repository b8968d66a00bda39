//! The UART of QEMU's RISC-V `virt` machine, a 16550, through uart_16550; here it also wakes the
//! core.

use core::convert::Infallible;
use core::ptr::NonNull;

use embedded_io::{ErrorType, Read, ReadReady, Write};
use uart_16550::Uart16550;
use uart_16550::backend::Backend;

use super::riscv::{Clint, Plic};

/// The UART, and what ends sleep beside it.
#[derive(Debug)]
pub struct VirtUart {
    /// The driver, whose interrupt for received bytes is on.
    pub uart: Uart16550<Registers>,
    /// The controller of that interrupt.
    pub plic: Plic,
    /// The timer.
    pub clint: Clint,
    /// Longest sleep, in the timer's ticks.
    pub tick: u32,
}

/// The UART's registers, of a byte each. The driver's own way to them adds addresses up with a
/// check, and so can panic.
#[derive(Debug)]
pub struct Registers(pub NonNull<u8>);

impl Backend for Registers {
    /// # Safety
    ///
    /// The UART has such a register, as the trait asks.
    unsafe fn read(&mut self, register: u8) -> u8 {
        // SAFETY: the driver asks for a register, and whoever made the driver has promised that
        // they lie here.
        unsafe { self.0.add(register.into()).read_volatile() }
    }

    /// # Safety
    ///
    /// As for reading.
    unsafe fn write(&mut self, register: u8, value: u8) {
        // SAFETY: as for reading.
        unsafe { self.0.add(register.into()).write_volatile(value) };
    }
}

impl VirtUart {
    /// Sleeps until a byte comes or the longest sleep has passed. A byte that comes between the
    /// look and the sleep is pending by then, and ends it.
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
