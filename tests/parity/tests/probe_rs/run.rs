//! A running program and its output.

use std::io::{PipeReader, Read as _, pipe};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use tempfile::TempDir;
use virtual_probe::Process;

/// Longest time of any step: far more than needed, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between two polls.
const PAUSE: Duration = Duration::from_millis(10);

/// A running program. Dropping it ends it and all processes that it started.
pub struct Run {
    process: Process,
    line: String,
    output: Arc<Mutex<Output>>,
}

/// A program's output so far, standard output and error in order.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    is_complete: bool,
}

/// An ended program.
#[derive(Debug)]
pub struct End {
    line: String,
    pub code: Option<i32>,
    pub text: String,
}

impl Run {
    /// Starts a program without input.
    pub fn start(mut command: Command) -> Result<Self, Failed> {
        let line = format!("{command:?}");
        let (reader, writer) = pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let process = Process::spawn(&mut command, TempDir::with_prefix("prenda-")?)
            .map_err(|error| format!("cannot start {line}: {error}"))?;
        // Closes our writing ends of the pipe, which the command owns.
        drop(command);
        let output = Arc::new(Mutex::new(Output::default()));
        let kept = Arc::clone(&output);
        thread::Builder::new().name("output".into()).spawn(move || collect(reader, &kept))?;
        Ok(Self { process, line, output })
    }

    /// Waits until it has printed `words`.
    pub fn wait_for(&self, words: &str) -> Result<(), Failed> {
        self.wait_within(words, PATIENCE)
    }

    /// Waits until it has printed `words`, for at most `patience`.
    pub fn wait_within(&self, words: &str, patience: Duration) -> Result<(), Failed> {
        let deadline = Instant::now() + patience;
        loop {
            // Before the output, so that all of it is read.
            let ended = self.process.wait(Duration::ZERO);
            if ended.is_some() {
                self.wait_for_last_output();
            }
            let text = self.text();
            if text.contains(words) {
                return Ok(());
            }
            if let Some(status) = ended {
                return Err(format!("{} ended ({status}) without {words:?}: {text}", self.line).into());
            }
            if Instant::now() > deadline {
                return Err(format!("{} does not print {words:?}: {text}", self.line).into());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Ends it with SIGTERM: without a terminal, probe-rs 0.32 continues after an interrupt if the
    /// firmware has an RTT down channel.
    pub fn interrupt(self) -> Result<End, Failed> {
        self.process.terminate();
        self.end()
    }

    /// Waits for its end.
    pub fn end(self) -> Result<End, Failed> {
        let Some(status) = self.process.wait(PATIENCE) else {
            return Err(format!("{} does not end: {}", self.line, self.text()).into());
        };
        self.wait_for_last_output();
        Ok(End { line: self.line.clone(), code: status.code(), text: self.text() })
    }

    /// Waits for the last output, with a limit since another process may hold the pipe.
    fn wait_for_last_output(&self) {
        let deadline = Instant::now() + Duration::from_secs(1);
        while !self.output().is_complete && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
    }

    /// Returns its output so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output().bytes).into_owned()
    }

    fn output(&self) -> std::sync::MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    /// Checks that it succeeded.
    pub fn success(self) -> Result<Self, Failed> {
        if self.code == Some(0) { Ok(self) } else { Err(format!("{} failed: {self:?}", self.line).into()) }
    }

    /// Checks that it failed by itself, with an exit code.
    pub fn failure(self) -> Result<Self, Failed> {
        match self.code {
            Some(1..) => Ok(self),
            _ => Err(format!("{} should have failed: {self:?}", self.line).into()),
        }
    }

    /// Checks that it printed all of `words`.
    pub fn prints(self, words: &[&str]) -> Result<Self, Failed> {
        match words.iter().find(|words| !self.text.contains(**words)) {
            None => Ok(self),
            Some(words) => Err(format!("{} did not print {words:?}: {}", self.line, self.text).into()),
        }
    }
}

fn collect(mut reader: PipeReader, output: &Mutex<Output>) {
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = reader.read(&mut chunk) {
        output.lock().unwrap_or_else(PoisonError::into_inner).bytes.extend_from_slice(&chunk[..count]);
    }
    output.lock().unwrap_or_else(PoisonError::into_inner).is_complete = true;
}
