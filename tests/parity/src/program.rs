//! Pieces that the programs share: signals, exit codes, reading and printing.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use host_support::files;

use crate::{Device, device};

/// Most bytes read from a file, since a file can be endless.
const MAX_BYTES: u64 = 4 << 30;

/// Runs a program. The exit code is 0 only if `work` returns true, and 128 plus the signal's number
/// after a signal.
pub fn exit_code(work: impl FnOnce() -> anyhow::Result<bool>) -> ExitCode {
    device::stop_all_at_signals();
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Standard error may be closed.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Parses a device's name on a command line.
///
/// # Errors
///
/// Returns a message with all names if the name is unknown.
pub fn parse_device(name: &str) -> Result<Device, String> {
    boards::all().map_err(|error| error.to_string())?;
    Device::by_name(name).ok_or_else(|| {
        let names: Vec<_> = Device::all().map(Device::name).collect();
        format!("unknown device; expected one of: {}", names.join(", "))
    })
}

/// Prints a line on standard output; a closed pipe is ignored.
///
/// # Errors
///
/// Returns an error if it cannot be written.
pub fn print_line(line: &str) -> anyhow::Result<()> {
    match writeln!(stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Reads a model or an answers file.
///
/// # Errors
///
/// Returns an error if it cannot be read, is not a regular file, or is larger than 4 GiB.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let metadata = path.metadata().with_context(cannot)?;
    // Reading a pipe could wait, and a device could be endless.
    ensure!(metadata.is_file(), "cannot read {}: it is not a file", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).with_context(cannot)?;
    ensure!(bytes.len() as u64 <= MAX_BYTES, "{} is larger than {} MiB", path.display(), MAX_BYTES >> 20);
    Ok(bytes)
}

/// Writes a file whole or not at all.
///
/// # Errors
///
/// Returns an error if it cannot be written; an old file then stays as it was.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    Ok(files::write(path, content.as_ref())?)
}

/// Checks that a file at `path` can be written.
///
/// # Errors
///
/// Returns an error if it cannot.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    Ok(files::temporary(path).map(drop)?)
}
