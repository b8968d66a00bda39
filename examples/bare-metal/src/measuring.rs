//! Counters of time and stack, and a checksum, for programs that measure inference.

use core::arch::asm;
use core::ptr::with_exposed_provenance;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::register::msp;
use semihosting::{println, process};

/// SysTick counts down from here.
const MAX_TICKS: u32 = 0xff_ffff;

/// Instructions of the loop that is timed.
const LOOP_INSTRUCTIONS: u32 = 1000;

/// The content of unused stack.
const UNUSED: u32 = 0xdead_beef;

/// SysTick, as a counter.
pub struct Timer(SYST);

impl Timer {
    /// Starts the counter.
    pub fn start() -> Self {
        let Some(core) = cortex_m::Peripherals::take() else { process::abort() };
        let mut timer = core.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(MAX_TICKS);
        timer.enable_counter();
        Self(timer)
    }

    /// Returns the ticks of a loop of [`LOOP_INSTRUCTIONS`].
    pub fn loop_ticks(&mut self) -> u32 {
        self.ticks(|| run_loop(LOOP_INSTRUCTIONS / 2 + 1)) - self.ticks(|| run_loop(1))
    }

    /// Returns the ticks that `work` takes.
    pub fn ticks(&mut self, work: impl FnOnce()) -> u32 {
        self.0.clear_current();
        let start = SYST::get_current();
        work();
        let end = SYST::get_current();
        if self.0.has_wrapped() {
            println!("an inference takes longer than SysTick counts: {MAX_TICKS} ticks");
            process::exit(1);
        }
        start.wrapping_sub(end) & MAX_TICKS
    }
}

/// The stack below the stack pointer, filled with [`UNUSED`].
pub struct Stack {
    start: usize,
    end: usize,
}

impl Stack {
    /// Fills the stack that the caller does not use.
    #[inline(always)]
    pub fn paint() -> Self {
        unsafe extern "C" {
            // From the linker script of cortex-m-rt.
            static _stack_end: u32;
        }
        let end = (&raw const _stack_end).expose_provenance();
        // SAFETY: nothing uses the memory below the stack pointer, and no interrupt is enabled.
        unsafe {
            asm!("1:", "cmp {at}, sp", "bhs 2f", "stm {at}!, {{{unused}}}", "b 1b", "2:",
                at = inout(reg) end => _, unused = in(reg) UNUSED);
        }
        Self { start: msp::read() as usize, end }
    }

    /// Returns the bytes that were used since.
    pub fn used(&self) -> usize {
        let word = |address: &usize| {
            // SAFETY: all addresses are aligned and between the end of the stack and its start.
            unsafe { with_exposed_provenance::<u32>(*address).read_volatile() }
        };
        let lowest = (self.end..self.start).step_by(4).find(|address| word(address) != UNUSED);
        self.start - lowest.unwrap_or(self.start)
    }
}

/// FNV-1a, of 32 bits.
pub struct Checksum(pub u32);

impl Checksum {
    pub const fn new() -> Self {
        Self(0x811c_9dc5)
    }

    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
}

/// Runs a loop of two instructions, `rounds` times.
#[inline(never)]
fn run_loop(rounds: u32) {
    // SAFETY: it changes only a register and the flags.
    unsafe { asm!("2:", "subs {rounds}, #1", "bne 2b", rounds = inout(reg) rounds => _, options(nomem, nostack)) };
}
