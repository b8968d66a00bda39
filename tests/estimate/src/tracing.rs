//! Runs a trace: prepares the emulator's arguments, and reads what it writes on a thread.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, anyhow, ensure};
use tempfile::TempDir;

use crate::decode::Set;
use crate::elf::Program;
use crate::trace::{Plugin, Range, Sink, TraceError, log_arguments, read, read_log};

/// The source of a trace.
#[derive(Debug)]
pub enum Method {
    Plugin(Plugin),
    /// QEMU's execution log.
    Log,
}

impl Method {
    /// Chooses the plugin if it can be built, otherwise the log, with the reason.
    pub fn choose(emulator: &str) -> (Self, Option<String>) {
        match Plugin::build(emulator) {
            Ok(plugin) => (Self::Plugin(plugin), None),
            Err(error) => {
                let note = format!("without a plugin of QEMU ({error}); its execution log gives the same, but slower");
                (Self::Log, Some(note))
            }
        }
    }
}

/// A trace that is being read.
pub struct Tracing<S> {
    folder: TempDir,
    is_log: bool,
    arguments: Vec<OsString>,
    thread: JoinHandle<(S, Result<(), TraceError>)>,
}

impl<S: Sink + Send + 'static> Tracing<S> {
    /// Starts to wait for a trace.
    ///
    /// # Errors
    ///
    /// Returns an error if no socket or pipe can be created.
    pub fn start(method: &Method, range: Range, set: Set, program: &Arc<Program>, mut sink: S) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("prenda-trace-").context("cannot create a temporary folder")?;
        let path = folder.path().join("trace");
        match method {
            Method::Plugin(plugin) => {
                let listener = UnixListener::bind(&path).context("cannot create a socket for the trace")?;
                let thread = thread::spawn(move || {
                    let result = listener.accept().map_err(TraceError::from);
                    let result = result.and_then(|(mut stream, _)| read(&mut stream, set, &mut sink));
                    (sink, result)
                });
                Ok(Self { arguments: plugin.arguments(range, &path), folder, is_log: false, thread })
            }
            Method::Log => {
                let made = Command::new("mkfifo").arg(&path).status().context("cannot run mkfifo")?;
                ensure!(made.success(), "cannot create a pipe for the trace");
                let (program, pipe) = (Arc::clone(program), path.clone());
                let thread = thread::spawn(move || {
                    let result = File::open(pipe).map_err(TraceError::from);
                    let result = result.and_then(|pipe| read_log(pipe, range, set, &program, &mut sink));
                    (sink, result)
                });
                Ok(Self { arguments: log_arguments(&path), folder, is_log: true, thread })
            }
        }
    }

    /// Returns the arguments of QEMU.
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Returns true if nothing more is read: at the end, or after an error.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until all is read, and returns the sink. The emulator must have ended, or the thread
    /// be finished.
    ///
    /// # Errors
    ///
    /// Returns [`TraceError`] if the trace cannot be used.
    pub fn finish(self) -> anyhow::Result<S> {
        let path: PathBuf = self.folder.path().join("trace");
        if !self.thread.is_finished() {
            // If the emulator never opened it, the thread still waits for somebody who does.
            match self.is_log {
                true => drop(OpenOptions::new().write(true).open(&path)),
                false => drop(UnixStream::connect(&path)),
            }
        }
        let (sink, result) = self.thread.join().map_err(|_| anyhow!("the thread that reads the trace failed"))?;
        result?;
        Ok(sink)
    }
}
