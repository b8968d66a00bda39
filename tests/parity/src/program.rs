//! What the programs of this package share: signals, exit codes, and how they read and say things.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use crate::{Device, device, new_file};

/// Most bytes that are read of a file, so that an endless one comes to an end.
const MAX_BYTES: u64 = 4 << 30;

/// Runs a program: the exit code is 0 only where `work` says that all is well, and 128 and the
/// signal's number after a signal.
pub fn exit_code(work: impl FnOnce() -> anyhow::Result<bool>) -> ExitCode {
    device::stop_all_at_signals();
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody may be there to read it.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The device of that name, for a command line.
///
/// # Errors
///
/// The names that there are.
pub fn parse_device(name: &str) -> Result<Device, String> {
    boards::all().map_err(|error| error.to_string())?;
    Device::by_name(name).ok_or_else(|| {
        let names: Vec<_> = Device::all().map(Device::name).collect();
        format!("no such device; there are: {}", names.join(", "))
    })
}

/// Prints a line on standard output. A reader who has gone is no failure.
///
/// # Errors
///
/// Where it cannot be written.
pub fn print_line(line: &str) -> anyhow::Result<()> {
    match writeln!(stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Reads a file that is not larger than any model or any answers.
///
/// # Errors
///
/// Where it cannot be read, is no file, or is larger.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let metadata = path.metadata().with_context(cannot)?;
    // A pipe would be waited for, a device read without end.
    ensure!(metadata.is_file(), "cannot read {}: it is no file", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).with_context(cannot)?;
    ensure!(bytes.len() as u64 <= MAX_BYTES, "{} is larger than {} MiB", path.display(), MAX_BYTES >> 20);
    Ok(bytes)
}

/// That a file at `path` can be written.
///
/// # Errors
///
/// Where it cannot.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
    new_file(path).with_context(|| format!("cannot write {}: is its folder there?", path.display()))?;
    Ok(())
}
