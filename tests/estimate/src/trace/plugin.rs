//! Builds the plugin of QEMU with the host's C compiler.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use thiserror::Error;

use super::{End, Range};

const SOURCE: &str = include_str!("plugin.c");

/// The reason why the plugin cannot be used. The execution log of QEMU is used then.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages describe the variants and their fields")]
pub enum PluginError {
    #[error("no C compiler can build it ({0})")]
    Compiler(String),
    #[error("{0} does not accept plugins")]
    Emulator(String),
}

/// The built plugin. Dropping it removes the file.
#[derive(Debug)]
pub struct Plugin {
    folder: TempDir,
}

impl Plugin {
    /// Builds the plugin with `$CC` or `cc`, and checks that `emulator` accepts plugins.
    ///
    /// # Errors
    ///
    /// Returns [`PluginError`] if no compiler can be run, or QEMU has been built without plugins.
    pub fn build(emulator: &str) -> Result<Self, PluginError> {
        // It can have arguments, as in `CC="ccache gcc"`.
        let compiler = std::env::var("CC").unwrap_or_default();
        let mut words = compiler.split_whitespace();
        let program = words.next().unwrap_or("cc");
        let failed = |reason: String| PluginError::Compiler(format!("{program}: {reason}"));
        let folder = TempDir::with_prefix("prenda-plugin-").map_err(|error| failed(error.to_string()))?;
        let source = folder.path().join("plugin.c");
        std::fs::write(&source, SOURCE).map_err(|error| failed(error.to_string()))?;
        let plugin = Self { folder };
        let mut command = Command::new(program);
        command.args(words).args(["-O2", "-shared", "-fPIC", "-o"]).arg(plugin.path()).arg(&source);
        let output = command.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            return Err(failed(message.lines().next().unwrap_or("it failed").to_owned()));
        }
        // It fails in any case: with a message about this file only if it accepts plugins.
        let absent = plugin.folder.path().join("absent.so");
        let mut command = Command::new(emulator);
        command.args(["-machine", "none", "-display", "none", "-plugin"]).arg(&absent).stdin(Stdio::null());
        let text = command.output().map(|output| output.stderr).unwrap_or_default();
        if !String::from_utf8_lossy(&text).contains("absent.so: cannot open") {
            return Err(PluginError::Emulator(emulator.to_owned()));
        }
        Ok(plugin)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("plugin.so")
    }

    /// Returns the arguments of QEMU that trace `range` into the socket at `output`.
    pub fn arguments(&self, range: Range, output: &Path) -> Vec<OsString> {
        let escaped = |path: &Path| path.display().to_string().replace(',', ",,");
        let to = match range.to {
            End::At(address) => format!("{address:x}"),
            End::Return => "return".to_owned(),
        };
        let (plugin, output) = (escaped(&self.path()), escaped(output));
        let option = format!("{plugin},out={output},from={:x},to={to}", range.from);
        vec!["-plugin".into(), option.into()]
    }
}
