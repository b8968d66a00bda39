//! The core-local interruptor's timer as a wake-up (SiFive FU540-C000 manual, chapter 9), for hart
//! 0.

use core::ptr::NonNull;

use riscv::register::mie;

/// Registers, as offsets in words: the time to interrupt at, and the time, of 64 bits each.
const COMPARE: usize = 0x4000 / 4;
const TIME: usize = 0xBFF8 / 4;

/// The timer.
#[derive(Debug)]
pub struct Clint {
    registers: NonNull<u32>,
}

impl Clint {
    /// The timer of the CLINT whose registers lie at `address`. From now on it ends sleep.
    ///
    /// # Safety
    ///
    /// A CLINT lies there, and nothing else uses its timer. Interrupts are masked, and stay so.
    #[must_use]
    pub unsafe fn new(address: NonNull<u32>) -> Self {
        // SAFETY: interrupts stay masked, as was promised: the timer's is never taken.
        unsafe { mie::set_mtimer() };
        Self { registers: address }
    }

    /// Ends sleep once `ticks` have passed, and not before.
    pub fn wake_in(&mut self, ticks: u32) {
        let then = self.time().wrapping_add(ticks.into());
        // First far away, so that no half-written time is over.
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
        // SAFETY: `new` was promised a CLINT's registers here, and every offset used is one of
        // them.
        unsafe { self.registers.add(register).read_volatile() }
    }

    fn write(&mut self, register: usize, value: u32) {
        // SAFETY: as for reading; `&mut self` keeps writes apart.
        unsafe { self.registers.add(register).write_volatile(value) };
    }
}
