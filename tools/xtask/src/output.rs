//! What is said: results on standard output, progress on standard error.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::{Context, Result};

/// Prints a line to standard output.
///
/// # Errors
/// When it is closed or full; [`is_closed`] tells which.
pub fn print(line: impl Display) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("cannot write to standard output")
}

/// Says a line on standard error. Where that is closed nobody listens, and the work goes on.
pub fn tell(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether an error only means that whoever reads has had enough, as `head` has.
pub fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_told_from_a_full_disk() {
        let error = |kind| anyhow::Error::from(io::Error::from(kind)).context("cannot write");
        assert!(is_closed(&error(io::ErrorKind::BrokenPipe)));
        assert!(!is_closed(&error(io::ErrorKind::StorageFull)));
        assert!(!is_closed(&anyhow::anyhow!("something else")));
    }
}
