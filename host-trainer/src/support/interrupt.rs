//! Handles Ctrl-C and similar signals: stops at once, but not while a file is being written.

use std::process;

use crate::support::{files, progress};

/// Installs a handler that clears the progress bar, waits for a file that is being written, and
/// ends the program.
pub fn handle() {
    // Without a handler a signal still ends the program, but may leave a temporary file.
    let _ = host_support::signals::on_end(|code| {
        let _quiet = files::quiet();
        progress::abandon();
        progress::log("interrupted");
        process::exit(code);
    });
}
