//! Ctrl-C and other signals to end: stop at once, but not in the middle of writing a file.

use std::process;

use crate::support::{files, progress};

/// From now on, such a signal clears the progress bar, waits for a file that is being written, and
/// ends the program.
pub fn handle() {
    // Without a handler they still end the program, only less tidily.
    let _ = host_support::signals::on_end(|code| {
        let _quiet = files::quiet();
        progress::abandon();
        progress::say("interrupted");
        process::exit(code);
    });
}
