//! The command-line tool of probe-rs.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process::Job;
use crate::programs::find_program;

/// Its name.
const PROGRAM: &str = "probe-rs";

/// The oldest version that reads a chip's name from an ELF and speaks to probes on the network, as tests do.
const OLDEST: (u32, u32) = (0, 32);

/// Finds it on the PATH.
///
/// # Errors
/// When it is not there, does not start or is too old, with what to do.
pub fn find() -> Result<PathBuf> {
    const INSTALL: &str = "`cargo xtask setup --probe-rs` installs it";
    let Some(path) = find_program(PROGRAM) else {
        bail!("{PROGRAM} is not on the PATH; {INSTALL}");
    };
    let output = Job::new(&path).arg("--version").probe()?;
    if !output.status.success() {
        bail!("{} does not start; {INSTALL} anew", path.display());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if version(&text).is_none_or(|found| found < OLDEST) {
        let (shown, found, (major, minor)) = (path.display(), text.trim(), OLDEST);
        bail!("{shown} is {found:?}, which is too old: {major}.{minor} or later is needed; {INSTALL}");
    }
    Ok(path)
}

/// Major and minor number in what `--version` prints.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split_whitespace().nth(1)?;
    let mut numbers = word.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        assert_eq!(version("probe-rs 0.32.0 (git commit: crates.io)\n"), Some((0, 32)));
        assert!(version("probe-rs 0.9.1") < Some(OLDEST));
        assert!(version("probe-rs 1.0.0") > Some(OLDEST));
        assert_eq!(version("something else"), None);
    }
}
