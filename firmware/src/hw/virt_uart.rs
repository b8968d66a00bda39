//! The 16550 UART of QEMU's RISC-V `virt` machine, with interrupts that end sleep.

use core::convert::Infallible;
use core::ptr::NonNull;

use embedded_io::{ErrorType, Read, ReadReady, Write};
use uart_16550::Uart16550;
use uart_16550::backend::Backend;

use super::riscv::{Clint, Plic};

/// The UART with the peripherals that end sleep.
#[derive(Debug)]
pub struct VirtUart {
    /// The driver, with its receive interrupt enabled.
    pub uart: Uart16550<Registers>,
    /// The interrupt controller.
    pub plic: Plic,
    /// The timer.
    pub clint: Clint,
    /// Maximum duration of sleep, in ticks of the timer.
    pub tick: u32,
}

/// The UART's registers, one byte each. The driver's own type checks addresses, so it can panic.
#[derive(Debug)]
pub struct Registers(pub NonNull<u8>);

impl Backend for Registers {
    /// # Safety
    ///
    /// `register` must be a register of the UART.
    unsafe fn read(&mut self, register: u8) -> u8 {
        // SAFETY: the driver's creator guarantees that the UART's registers are here.
        unsafe { self.0.add(register.into()).read_volatile() }
    }

    /// # Safety
    ///
    /// Same as `read`.
    unsafe fn write(&mut self, register: u8, value: u8) {
        // SAFETY: like `read`.
        unsafe { self.0.add(register.into()).write_volatile(value) };
    }
}

impl VirtUart {
    /// Sleeps until a byte arrives, for at most `tick`. A byte between check and sleep is pending
    /// and ends the sleep.
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
