//! The timer of the core-local interruptor (SiFive FU540-C000 manual, chapter 9), to end sleep.

use core::ptr::NonNull;

use riscv::register::mie;

/// Registers of hart 0, as offsets in words. Both have 64 bits.
const COMPARE: usize = 0x4000 / 4;
const TIME: usize = 0xBFF8 / 4;

/// The timer.
pub struct Clint {
    registers: NonNull<u32>,
}

impl Clint {
    /// Enables the timer of the CLINT at `address` to end sleep.
    ///
    /// # Safety
    ///
    /// `address` must be that of a CLINT, with a timer for this alone. Interrupts must stay masked.
    pub unsafe fn new(address: NonNull<u32>) -> Self {
        // SAFETY: interrupts stay masked, so the timer's is never taken.
        unsafe { mie::set_mtimer() };
        Self { registers: address }
    }

    /// Ends sleep after `ticks`.
    pub fn wake_in(&mut self, ticks: u32) {
        let then = self.time().wrapping_add(ticks.into());
        // First to the far future, so that a half-written time has not passed.
        self.write(COMPARE + 1, u32::MAX);
        self.write(COMPARE, then as u32);
        self.write(COMPARE + 1, (then >> 32) as u32);
    }

    fn time(&self) -> u64 {
        loop {
            let high = self.read(TIME + 1);
            let low = self.read(TIME);
            if high == self.read(TIME + 1) {
                return u64::from(high) << 32 | u64::from(low);
            }
        }
    }

    fn read(&self, register: usize) -> u32 {
        // SAFETY: the caller of `new` guarantees a CLINT here, and all offsets are its registers.
        unsafe { self.registers.add(register).read_volatile() }
    }

    fn write(&mut self, register: usize, value: u32) {
        // SAFETY: like `read`; `&mut self` makes the access exclusive.
        unsafe { self.registers.add(register).write_volatile(value) };
    }
}
