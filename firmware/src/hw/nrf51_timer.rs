//! The nRF51's only 32-bit timer (reference manual, chapter 18), as a counter.

use nrf51_hal::pac::TIMER0;

/// Starts counting the 16 MHz clock.
pub fn start(timer: &TIMER0) {
    timer.mode.write(|w| w.mode().timer());
    timer.bitmode.write(|w| w.bitmode()._32bit());
    // SAFETY: any prescaler of 0 to 9 may be set.
    timer.prescaler.write(|w| unsafe { w.bits(0) });
    // SAFETY: any value is valid, and 1 starts the timer.
    timer.tasks_start.write(|w| unsafe { w.bits(1) });
}

/// Returns the count, which wraps.
pub fn ticks() -> u32 {
    // SAFETY: nothing else uses these two registers.
    let timer = unsafe { &*TIMER0::ptr() };
    // SAFETY: any value is valid, and 1 captures the count.
    timer.tasks_capture[0].write(|w| unsafe { w.bits(1) });
    timer.cc[0].read().bits()
}
