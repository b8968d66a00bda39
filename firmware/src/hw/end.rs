//! Ends a run with an exit code by semihosting.

use super::{architecture, rtt};

/// Ends the run with `code` after an emulator or a debug probe has read the logs.
///
/// Waits for it forever: without a debugger, the semihosting call is a fault.
pub fn end(code: i32) -> ! {
    architecture::mask_interrupts();
    loop {
        if rtt::are_logs_read() {
            semihosting::process::exit(code)
        }
    }
}
