//! The command-line tool of probe-rs.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::common::TOOL;

/// Oldest supported version.
const MIN_VERSION: (u32, u32) = (0, 32);

/// The emulated boards, as chips for probe-rs.
pub const CHIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/virtual-probe/targets/emulated.yaml");

/// The tool, found on the PATH.
#[derive(Clone)]
pub struct Tool(PathBuf);

impl Tool {
    /// Finds the tool; the error is the reason why it cannot be used.
    pub fn find() -> Result<Self, String> {
        let folders = env::var_os("PATH").unwrap_or_default();
        let path = env::split_paths(&folders)
            .map(|folder| folder.join(TOOL))
            .find(|path| path.is_file())
            .ok_or("probe-rs is not on the PATH; install it with `cargo xtask setup --probe-rs`")?;
        let output = Command::new(&path).arg("--version").stdin(Stdio::null()).output();
        let text = match output {
            Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
            _ => {
                return Err(format!("cannot run {}; reinstall it with `cargo xtask setup --probe-rs`", path.display()));
            }
        };
        if version(&text).is_some_and(|found| found >= MIN_VERSION) {
            return Ok(Self(path));
        }
        let (path, text, (major, minor)) = (path.display(), text.trim(), MIN_VERSION);
        Err(format!("{path}: found {text}, expected {major}.{minor} or later; run `cargo xtask setup --probe-rs`"))
    }

    /// Returns a command for `chip` through the probe `selector`.
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

/// Removes the user's settings for the tool, colours, and unrelated log lines.
pub fn plain(command: &mut Command) {
    let own = |name: &OsStr| name.to_string_lossy().starts_with("PROBE_RS_");
    for (name, _) in env::vars_os().filter(|(name, _)| own(name)) {
        command.env_remove(name);
    }
    command.env("PROBE_RS_COLOR", "false").env("NO_COLOR", "1").env("RUST_LOG", "error").env_remove("RUST_BACKTRACE");
}

/// Parses the major and minor number from the output of `--version`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(1)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
