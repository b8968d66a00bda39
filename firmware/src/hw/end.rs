//! The end of a run: the last logs, and an exit code by semihosting.

use super::{architecture, rtt};

/// Ends the run with an exit code, once someone has read the logs, who also serves semihosting
/// calls: an emulator, or a debug probe, which may come later. Until then the core stays here:
/// without a debugger such a call is a fault.
pub fn end(code: i32) -> ! {
    architecture::mask_interrupts();
    loop {
        if rtt::are_logs_read() {
            semihosting::process::exit(code)
        }
    }
}
