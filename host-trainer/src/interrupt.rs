//! Ctrl-C: stop at once, but not in the middle of writing a file.

use std::process;

use crate::{files, progress};

/// The exit code of a program that Ctrl-C stopped, as shells have it: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// From now on, Ctrl-C clears the progress bar, waits for a file that is being written, and ends the program.
pub fn handle() {
    // Without a handler Ctrl-C still ends the program, only less tidily.
    let _ = ctrlc::set_handler(|| {
        let _quiet = files::quiet();
        progress::abandon();
        progress::say("interrupted");
        process::exit(INTERRUPTED);
    });
}
