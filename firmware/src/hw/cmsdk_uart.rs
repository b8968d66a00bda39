//! The CMSDK APB UART of Arm's MPS2 boards (Arm DDI 0479, chapter 4.3).

use core::convert::Infallible;
use core::ptr::NonNull;

use cortex_m::peripheral::NVIC;
use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::arm::tick;

/// Registers, as offsets in words.
const DATA: usize = 0;
const STATE: usize = 1;
const CONTROL: usize = 2;
const INTERRUPT_CLEAR: usize = 3;
const BAUD_DIVIDER: usize = 4;

const STATE_TRANSMIT_FULL: u32 = 1 << 0;
const STATE_RECEIVE_FULL: u32 = 1 << 1;
const CONTROL_TRANSMIT: u32 = 1 << 0;
const CONTROL_RECEIVE: u32 = 1 << 1;
const CONTROL_RECEIVE_INTERRUPT: u32 = 1 << 3;
const INTERRUPT_RECEIVE: u32 = 1 << 1;

#[derive(Clone, Copy)]
struct Line(u16);

// SAFETY: the number never changes, and the caller of `CmsdkUart::new`, the only place that creates
// a `Line`, guarantees that it is an interrupt's.
unsafe impl cortex_m::interrupt::InterruptNumber for Line {
    fn number(self) -> u16 {
        self.0
    }
}

/// A UART with a buffer of one byte in each direction.
pub struct CmsdkUart {
    registers: NonNull<u32>,
    receive_line: Line,
}

impl CmsdkUart {
    /// Starts the UART at `address` with `clock_hz / divider` baud. `divider` is at least 16.
    ///
    /// # Safety
    ///
    /// `address` must be that of a CMSDK UART, `receive_line` its receive interrupt. Nothing else
    /// may use them. Interrupts must stay masked: this one only ends sleep.
    pub unsafe fn new(address: NonNull<u32>, receive_line: u16, divider: u32) -> Self {
        let receive_line = Line(receive_line);
        let mut uart = Self { registers: address, receive_line };
        uart.write_register(BAUD_DIVIDER, divider);
        uart.write_register(CONTROL, CONTROL_TRANSMIT | CONTROL_RECEIVE | CONTROL_RECEIVE_INTERRUPT);
        // Drops earlier input. Also makes QEMU check for input: enabling the receiver does not.
        uart.read_register(DATA);
        // SAFETY: interrupts stay masked, so this cannot break a critical section.
        unsafe { NVIC::unmask(receive_line) };
        uart
    }

    fn read_register(&self, register: usize) -> u32 {
        // SAFETY: the caller of `new` guarantees a UART here, and all offsets are its registers.
        unsafe { self.registers.add(register).read_volatile() }
    }

    fn write_register(&mut self, register: usize, value: u32) {
        // SAFETY: like `read_register`; `&mut self` makes the access exclusive.
        unsafe { self.registers.add(register).write_volatile(value) };
    }

    /// Sleeps until a byte arrives, for at most a millisecond. A byte between check and sleep is
    /// pending and ends the sleep.
    pub fn sleep(&mut self) {
        self.write_register(INTERRUPT_CLEAR, INTERRUPT_RECEIVE);
        NVIC::unpend(self.receive_line);
        if !self.has_received() {
            tick::sleep();
        }
    }

    fn has_received(&self) -> bool {
        self.read_register(STATE) & STATE_RECEIVE_FULL != 0
    }
}

impl ErrorType for CmsdkUart {
    type Error = Infallible;
}

impl ReadReady for CmsdkUart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.has_received())
    }
}

impl Read for CmsdkUart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.has_received() {
            self.sleep();
        }
        let mut count = 0_usize;
        for place in buffer {
            if !self.has_received() {
                break;
            }
            *place = self.read_register(DATA) as u8;
            count = count.wrapping_add(1);
        }
        Ok(count)
    }
}

impl Write for CmsdkUart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        for &byte in buffer {
            while self.read_register(STATE) & STATE_TRANSMIT_FULL != 0 {}
            self.write_register(DATA, byte.into());
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while self.read_register(STATE) & STATE_TRANSMIT_FULL != 0 {}
        Ok(())
    }
}
