//! The platform-level interrupt controller (RISC-V PLIC 1.0.0), with one interrupt to end sleep.

use core::ptr::NonNull;

use riscv::register::mie;

/// Registers of context 0 (hart 0, machine mode), as offsets in words. Priorities begin at 0.
const ENABLE: usize = 0x2000 / 4;
const THRESHOLD: usize = 0x20_0000 / 4;
const CLAIM: usize = 0x20_0004 / 4;

/// The controller.
pub struct Plic {
    registers: NonNull<u32>,
}

impl Plic {
    /// Enables interrupt `line` (below 32) of the PLIC at `address` to end sleep.
    ///
    /// # Safety
    ///
    /// `address` must be that of a PLIC that nothing else uses. Interrupts must stay masked.
    pub unsafe fn new(address: NonNull<u32>, line: usize) -> Self {
        let mut plic = Self { registers: address };
        plic.write(line, 1);
        plic.write(ENABLE, 1 << line);
        plic.write(THRESHOLD, 0);
        // SAFETY: interrupts stay masked, so this one is never taken.
        unsafe { mie::set_mext() };
        plic
    }

    /// Clears a pending interrupt, which returns if its cause remains.
    pub fn acknowledge(&mut self) {
        let line = self.read(CLAIM);
        if line != 0 {
            self.write(CLAIM, line);
        }
    }

    fn read(&self, register: usize) -> u32 {
        // SAFETY: the caller of `new` guarantees a PLIC here, and all offsets are its registers.
        unsafe { self.registers.add(register).read_volatile() }
    }

    fn write(&mut self, register: usize, value: u32) {
        // SAFETY: like `read`; `&mut self` makes the access exclusive.
        unsafe { self.registers.add(register).write_volatile(value) };
    }
}
