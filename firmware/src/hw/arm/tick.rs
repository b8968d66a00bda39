//! SysTick, which limits sleep to a millisecond.

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};

/// Wake-ups per second.
const RATE_HZ: u32 = 1000;

/// Starts the wake-ups. Interrupts are masked during sleep, so they end it without being taken.
pub fn start(syst: &mut SYST, clock_hz: u32) {
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload((clock_hz / RATE_HZ).wrapping_sub(1));
    syst.clear_current();
    syst.enable_interrupt();
    syst.enable_counter();
}

/// Sleeps until the next wake-up or another interrupt.
pub fn sleep() {
    cortex_m::asm::wfi();
    SCB::clear_pendst();
}
