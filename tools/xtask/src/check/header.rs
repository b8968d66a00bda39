//! `cargo xtask check header`: writes `prenda.h` with cbindgen.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use crc::{CRC_32_ISO_HDLC, Crc};
use host_support::files;

use crate::output::log;
use crate::process::Job;
use crate::programs::find_program;
use crate::workspace::{Workspace, shown};

const MISSING: &str =
    "cbindgen is not installed; `cargo install cbindgen --version 0.29.4 --locked` builds it in two minutes";

/// The files that the header depends on. The test `header` of prenda-c has the same list, and
/// compares their checksum, so that it needs no cbindgen.
const SOURCES: [&str; 4] = ["cbindgen.toml", "src/interface.rs", "src/model.rs", "src/status.rs"];

/// Writes the header, or with `is_check` compares it.
pub fn command(workspace: &Workspace, is_check: bool) -> Result<()> {
    if find_program("cbindgen").is_none() {
        bail!(MISSING);
    }
    let folder = workspace.root.join("shared-model/c");
    let job = Job::new("cbindgen").arg("--quiet").arg("--config").arg(folder.join("cbindgen.toml"));
    let job = job.args(["--crate", "prenda-c"]).arg("--lockfile").arg(workspace.root.join("Cargo.lock")).arg(&folder);
    let header = sealed(&without_safety(&job.capture()?), &folder)?;
    let path = folder.join("include/prenda.h");
    if fs::read_to_string(&path).is_ok_and(|found| found == header) {
        log(format_args!("{} is up to date", shown(&path)));
        return Ok(());
    }
    if is_check {
        bail!("{} would change; run `cargo xtask check header`", shown(&path));
    }
    files::write(&path, header.as_bytes())?;
    log(format_args!("wrote {}", shown(&path)));
    Ok(())
}

/// Removes the sections on safety, which are for callers in Rust: the header's start has the rules
/// for C.
fn without_safety(header: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut is_inside = false;
    for line in header.lines() {
        is_inside = (is_inside || line == " * # Safety") && line != " */";
        // The empty line before the section goes too.
        if line == " */" && kept.last() == Some(&" *") {
            kept.pop();
        }
        if !is_inside {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

/// Adds a line with the checksum of the sources and of the header itself.
fn sealed(header: &str, folder: &Path) -> Result<String> {
    let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    for name in SOURCES {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        digest.update(text.replace('\r', "").as_bytes());
    }
    digest.update(header.as_bytes());
    Ok(format!("{header}/* sources: {:08x} */\n", digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_on_safety_are_removed() {
        let header = "/**\n * Does it.\n *\n * # Safety\n *\n * Like another.\n */\nvoid f(void);\n/**\n * Two.\n */\n";
        assert_eq!(without_safety(header), "/**\n * Does it.\n */\nvoid f(void);\n/**\n * Two.\n */\n");
    }
}
