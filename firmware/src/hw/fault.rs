//! Panic and fault reporting. `arm` and `riscv` have the handlers of the core's faults.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use super::end::end;
use super::rtt;

/// Exit code after a panic or a fault.
pub const FAILURE: i32 = 1;

/// Set by the first panic or fault. A second one, while reporting it, ends the run without a log.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Returns true after the first panic or fault, and starts the logs. Each calls this once.
pub fn is_second() -> bool {
    // Not a swap, which ARMv6-M lacks.
    let second = ENDING.load(Ordering::Relaxed);
    ENDING.store(true, Ordering::Relaxed);
    // `None` if the program has started it.
    let _started = rtt::start();
    second
}

/// Ends a program that cannot start.
pub fn refuse(why: &str) -> ! {
    if !is_second() {
        defmt::error!("{=str}", why);
    }
    end(FAILURE)
}

// Not inlined: `cargo xtask firmware` checks that programs do not contain this function.
#[panic_handler]
#[inline(never)]
fn panic(info: &PanicInfo<'_>) -> ! {
    if !is_second() {
        // Not formatted: `core::fmt` needs 2 KB of flash.
        let why = info.message().as_str().unwrap_or("see there");
        match info.location() {
            Some(place) => defmt::error!("panicked at {=str}:{=u32}: {=str}", place.file(), place.line(), why),
            None => defmt::error!("panicked: {=str}", why),
        }
    }
    end(FAILURE)
}
