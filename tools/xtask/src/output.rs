//! Output: results on standard output, progress on standard error.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::{Context, Result};

/// Prints a line to standard output.
pub fn print(line: impl Display) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("cannot write to standard output")
}

/// Prints a line to standard error. Errors are ignored: without a reader the work continues.
pub fn log(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Returns true if an error only means that the reader has closed the pipe, like `head`.
pub fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_distinguished_from_a_full_disk() {
        let error = |kind| anyhow::Error::from(io::Error::from(kind)).context("cannot write");
        assert!(is_closed(&error(io::ErrorKind::BrokenPipe)));
        assert!(!is_closed(&error(io::ErrorKind::StorageFull)));
        assert!(!is_closed(&anyhow::anyhow!("something else")));
    }
}
