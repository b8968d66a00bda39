//! The platform-level interrupt controller (RISC-V PLIC 1.0.0): one interrupt that ends sleep, for
//! hart 0 in machine mode.

use core::ptr::NonNull;

use riscv::register::mie;

/// Registers, as offsets in words, of context 0: what is enabled, the priority to exceed, and
/// claims. Priorities begin at 0.
const ENABLE: usize = 0x2000 / 4;
const THRESHOLD: usize = 0x20_0000 / 4;
const CLAIM: usize = 0x20_0004 / 4;

/// The controller, of which one interrupt is used.
#[derive(Debug)]
pub struct Plic {
    registers: NonNull<u32>,
}

impl Plic {
    /// The PLIC whose registers lie at `address`. From now on the interrupt of number `line`, below
    /// 32, ends sleep.
    ///
    /// # Safety
    ///
    /// A PLIC lies there, and nothing else uses it. Interrupts are masked, and stay so.
    #[must_use]
    pub unsafe fn new(address: NonNull<u32>, line: usize) -> Self {
        let mut plic = Self { registers: address };
        plic.write(line, 1);
        plic.write(ENABLE, 1 << line);
        plic.write(THRESHOLD, 0);
        // SAFETY: interrupts stay masked, as was promised: this one is never taken.
        unsafe { mie::set_mext() };
        plic
    }

    /// Forgets an interrupt that has come. It comes again where its cause is still there.
    pub fn acknowledge(&mut self) {
        let line = self.read(CLAIM);
        if line != 0 {
            self.write(CLAIM, line);
        }
    }

    fn read(&self, register: usize) -> u32 {
        // SAFETY: `new` was promised a PLIC's registers here, and every offset used is one of them.
        unsafe { self.registers.add(register).read_volatile() }
    }

    fn write(&mut self, register: usize, value: u32) {
        // SAFETY: as for reading; `&mut self` keeps writes apart.
        unsafe { self.registers.add(register).write_volatile(value) };
    }
}
