//! The command-line tool of probe-rs.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process::Job;
use crate::programs::find_program;

const PROGRAM: &str = "probe-rs";

/// The oldest version that reads the chip from an ELF file and connects to probes over the network.
const MIN_VERSION: (u32, u32) = (0, 32);

/// Finds it on the PATH.
pub fn find() -> Result<PathBuf> {
    const INSTALL: &str = "`cargo xtask setup --probe-rs` installs it";
    let Some(path) = find_program(PROGRAM) else {
        bail!("{PROGRAM} is not on the PATH; {INSTALL}");
    };
    let output = Job::new(&path).arg("--version").probe()?;
    if !output.status.success() {
        bail!("{} does not start; {INSTALL} again", path.display());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if version(&text).is_none_or(|found| found < MIN_VERSION) {
        let (shown, found, (major, minor)) = (path.display(), text.trim(), MIN_VERSION);
        bail!("{shown} is {found:?}, but {major}.{minor} or later is needed; {INSTALL}");
    }
    Ok(path)
}

/// Reads the major and minor number from the output of `--version`.
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
        assert!(version("probe-rs 0.9.1") < Some(MIN_VERSION));
        assert!(version("probe-rs 1.0.0") > Some(MIN_VERSION));
        assert_eq!(version("something else"), None);
    }
}
