//! How a run ends that must not go on: it says why, and leaves with a failing exit code. Faults of
//! the core are told by `arm` and `riscv`.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use super::end::end;
use super::rtt;

/// Exit code after a panic or a fault.
pub const FAILURE: i32 = 1;

/// Whether a first panic or fault is being told: a second one, met in telling it, ends the run
/// without a word.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether this is not the first panic or fault. To be asked once by each. Where it is, it can be
/// told of afterwards, also where it came before the program had logs.
pub fn is_second() -> bool {
    // Load and store, since ARMv6-M has no swap; interrupts play no part in an end.
    let second = ENDING.load(Ordering::Relaxed);
    ENDING.store(true, Ordering::Relaxed);
    // Nothing where it is started already.
    let _started = rtt::start();
    second
}

/// Ends a program that cannot begin.
pub fn refuse(why: &str) -> ! {
    if !is_second() {
        defmt::error!("{=str}", why);
    }
    end(FAILURE)
}

// Not inlined: a program without this function cannot panic, which `cargo xtask firmware` makes
// sure of.
#[panic_handler]
#[inline(never)]
fn panic(info: &PanicInfo<'_>) -> ! {
    if !is_second() {
        // Without what `core::fmt` would make of it, which takes 2 KB of flash.
        let why = info.message().as_str().unwrap_or("see there");
        match info.location() {
            Some(place) => defmt::error!("panicked at {=str}:{=u32}: {=str}", place.file(), place.line(), why),
            None => defmt::error!("panicked: {=str}", why),
        }
    }
    end(FAILURE)
}
