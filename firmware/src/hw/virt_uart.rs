//! Register access for the 16550 UART of QEMU's RISC-V `virt` machine.

use core::ptr::NonNull;

use uart_16550::backend::Backend;

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
