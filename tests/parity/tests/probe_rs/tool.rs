//! The command-line tool of probe-rs: where it is, and how it is asked.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::common::TOOL;

/// The oldest version that is tried.
const OLDEST: (u32, u32) = (0, 32);

/// The emulated boards, as chips for probe-rs.
pub const CHIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/virtual-probe/targets/emulated.yaml");

/// The tool, found on the PATH.
#[derive(Clone)]
pub struct Tool(PathBuf);

impl Tool {
    /// Finds it, or says why it cannot be used.
    pub fn find() -> Result<Self, String> {
        let folders = env::var_os("PATH").unwrap_or_default();
        let path = env::split_paths(&folders)
            .map(|folder| folder.join(TOOL))
            .find(|path| path.is_file())
            .ok_or("probe-rs is not on the PATH: cargo xtask setup --probe-rs installs it")?;
        let output = Command::new(&path).arg("--version").stdin(Stdio::null()).output();
        let text = match output {
            Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
            _ => return Err(format!("{} does not run: cargo xtask setup --probe-rs installs it anew", path.display())),
        };
        match version(&text) {
            Some(found) if found >= OLDEST => Ok(Self(path)),
            _ => Err(format!(
                "{} is {}, and {}.{} or later is needed: cargo xtask setup --probe-rs installs it",
                path.display(),
                text.trim(),
                OLDEST.0,
                OLDEST.1
            )),
        }
    }

    /// One of its commands, about `chip`, by the probe `selector`.
    pub fn command(&self, command: &str, chip: &str, selector: &str) -> Command {
        let mut line = Command::new(&self.0);
        line.args([
            command,
            "--chip",
            chip,
            "--chip-description-path",
            CHIPS,
            "--protocol",
            "swd",
            "--probe",
            selector,
        ]);
        line.arg("--non-interactive");
        plain(&mut line);
        line
    }
}

/// Takes away what a person may have set for the tool, its colours, and its words about what is no
/// matter of ours.
pub fn plain(command: &mut Command) {
    let own = |name: &OsStr| name.to_string_lossy().starts_with("PROBE_RS_");
    for (name, _) in env::vars_os().filter(|(name, _)| own(name)) {
        command.env_remove(name);
    }
    command.env("PROBE_RS_COLOR", "false").env("NO_COLOR", "1").env("RUST_LOG", "error").env_remove("RUST_BACKTRACE");
}

/// Major and minor number in what `--version` prints.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(1)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
