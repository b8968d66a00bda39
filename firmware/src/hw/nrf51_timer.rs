//! The nRF51's first timer (reference manual, chapter 18) as a counter: the only one that counts in
//! 32 bits.

use nrf51_hal::pac::TIMER0;

/// Starts to count the 16 MHz clock.
pub fn start(timer: &TIMER0) {
    timer.mode.write(|w| w.mode().timer());
    timer.bitmode.write(|w| w.bitmode()._32bit());
    // SAFETY: any prescaler of 0 to 9 may be set.
    timer.prescaler.write(|w| unsafe { w.bits(0) });
    // SAFETY: this register takes any value, of which 1 starts the timer.
    timer.tasks_start.write(|w| unsafe { w.bits(1) });
}

/// The count, which wraps.
pub fn ticks() -> u32 {
    // SAFETY: nothing else captures into or reads this register; `start` only writes others.
    let timer = unsafe { &*TIMER0::ptr() };
    // SAFETY: this register takes any value, of which 1 captures the count.
    timer.tasks_capture[0].write(|w| unsafe { w.bits(1) });
    timer.cc[0].read().bits()
}
