//! The end of a run: the last logs, and an exit code by semihosting.

use super::{architecture, rtt};

/// Ends the run with an exit code. Without anyone there to serve the call it stays here, which a debugger shows.
pub fn end(code: i32) -> ! {
    architecture::mask_interrupts();
    rtt::drain_logs();
    semihosting::process::exit(code)
}
