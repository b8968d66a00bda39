//! Signals that ask a program to end: Ctrl-C, a closed terminal, a `kill`.

use std::io;

/// Calls `end` with the program's exit code whenever SIGINT, SIGTERM or SIGHUP arrives: 128 plus
/// the signal's number, like shells. The signals no longer end the program themselves.
///
/// Signals that the program was started to ignore (`nohup`, a shell's `&`) stay ignored on Linux.
/// On systems without these signals `end` is never called.
///
/// # Errors
///
/// Returns an error if no handler can be installed; the signals then end the program as before.
pub fn on_end(end: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    listen(end)
}

#[cfg(unix)]
fn listen(mut end: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    let mut signals =
        Signals::new([SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| ignored & 1 << (signal - 1) == 0))?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        signals.forever().for_each(|signal| end(128 + signal));
    })?;
    Ok(())
}

#[cfg(not(unix))]
fn listen(_: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// Returns the mask of ignored signals in the `status` file of a Linux process: bit 0 is signal 1.
#[cfg(unix)]
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        assert_eq!(ignored("SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"), 0x1001);
        assert_eq!((ignored(""), ignored("SigIgn:\tnone")), (0, 0));
    }
}
