//! Handles Ctrl-C and similar signals: ends the program at once, but not while a file is being
//! written, and not before work in progress is kept.

use std::process;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::support::{files, progress};

/// True while the first signal only [asks](code) for the end.
static DEFERRED: AtomicBool = AtomicBool::new(false);

/// The exit code for the signal that asked for the end, or 0.
static CODE: AtomicI32 = AtomicI32::new(0);

/// The exit code for SIGHUP.
const HANGUP: i32 = 129;

/// Lets the first signal only ask for the end, until this value is dropped.
#[derive(Debug)]
#[must_use]
pub struct Deferred(());

/// Returns a guard: while it lives, the first signal only sets [`code`].
pub fn defer() -> Deferred {
    DEFERRED.store(true, Ordering::SeqCst);
    Deferred(())
}

impl Drop for Deferred {
    fn drop(&mut self) {
        DEFERRED.store(false, Ordering::SeqCst);
    }
}

/// Returns the program's exit code if a signal has asked for its end.
pub fn code() -> Option<i32> {
    Some(CODE.load(Ordering::SeqCst)).filter(|code| *code != 0)
}

/// Installs a handler that clears the progress bar and, unless the end is [deferred](defer), waits
/// for a file that is being written and ends the program.
pub fn handle() {
    let mut seen = Vec::new();
    // Without a handler a signal still ends the program, but may leave a temporary file.
    let _ = host_support::signals::on_end(move |code| {
        // One cause may send two signals: xtask passes Ctrl-C on as SIGTERM, and both the kernel
        // and a shell send SIGHUP when a terminal is closed.
        let is_again = code != HANGUP && seen.contains(&code);
        seen.push(code);
        progress::abandon();
        if DEFERRED.load(Ordering::SeqCst) && !is_again {
            if CODE.swap(code, Ordering::SeqCst) == 0 {
                progress::log("interrupted: ending after this batch; interrupt again to end at once and lose the work");
            }
            return;
        }
        let _quiet = files::quiet();
        progress::log("interrupted");
        process::exit(code);
    });
}
