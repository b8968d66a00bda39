//! A program that runs, and what it says.

use std::io::{PipeReader, Read as _, pipe};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use tempfile::TempDir;
use virtual_probe::Process;

/// How long anything may take. Far more than it does, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often one who waits looks again.
const GLANCE: Duration = Duration::from_millis(10);

/// A running program. Dropping it ends it, and all that it has started.
pub struct Run {
    process: Process,
    line: String,
    output: Arc<Mutex<Output>>,
}

/// What a program has said so far, to both of its outputs, in its order.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    is_complete: bool,
}

/// How a program has ended.
#[derive(Debug)]
pub struct End {
    line: String,
    pub code: Option<i32>,
    pub text: String,
}

impl Run {
    /// Starts a program with nothing to read.
    pub fn start(mut command: Command) -> Result<Self, Failed> {
        let line = format!("{command:?}");
        let (reader, writer) = pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let process = Process::spawn(&mut command, TempDir::with_prefix("prenda-")?)
            .map_err(|error| format!("{line} does not start: {error}"))?;
        // Our own ends of the pipe are the command's.
        drop(command);
        let output = Arc::new(Mutex::new(Output::default()));
        let kept = Arc::clone(&output);
        thread::Builder::new().name("output".into()).spawn(move || collect(reader, &kept))?;
        Ok(Self { process, line, output })
    }

    /// Waits until it has said `words`.
    pub fn wait_for(&self, words: &str) -> Result<(), Failed> {
        self.wait_within(words, PATIENCE)
    }

    /// Waits until it has said `words`, for at most `patience`.
    pub fn wait_within(&self, words: &str, patience: Duration) -> Result<(), Failed> {
        let deadline = Instant::now() + patience;
        loop {
            // Asked before the output, so that last words are read.
            let ended = self.process.wait(Duration::ZERO);
            if ended.is_some() {
                self.wait_for_the_last_words();
            }
            let text = self.text();
            if text.contains(words) {
                return Ok(());
            }
            if let Some(status) = ended {
                return Err(format!("{} ended ({status}) without {words:?}: {text}", self.line).into());
            }
            if Instant::now() > deadline {
                return Err(format!("{} does not say {words:?}: {text}", self.line).into());
            }
            thread::sleep(GLANCE);
        }
    }

    /// Asks it to end, and waits for that.
    ///
    /// By SIGTERM: without a terminal, probe-rs 0.32 notices an interrupt, says so, and goes on
    /// where the firmware has an RTT channel to write to.
    pub fn interrupt(self) -> Result<End, Failed> {
        self.process.terminate();
        self.end()
    }

    /// Waits for its end.
    pub fn end(self) -> Result<End, Failed> {
        let Some(status) = self.process.wait(PATIENCE) else {
            return Err(format!("{} does not end: {}", self.line, self.text()).into());
        };
        self.wait_for_the_last_words();
        Ok(End { line: self.line.clone(), code: status.code(), text: self.text() })
    }

    /// They end with the program, unless someone else holds its output.
    fn wait_for_the_last_words(&self) {
        let deadline = Instant::now() + Duration::from_secs(1);
        while !self.output().is_complete && Instant::now() < deadline {
            thread::sleep(GLANCE);
        }
    }

    /// What it has said so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output().bytes).into_owned()
    }

    fn output(&self) -> std::sync::MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    /// Holds that it has succeeded.
    pub fn well(self) -> Result<Self, Failed> {
        if self.code == Some(0) { Ok(self) } else { Err(format!("{} failed: {self:?}", self.line).into()) }
    }

    /// Holds that it has failed by itself, with an exit code.
    pub fn badly(self) -> Result<Self, Failed> {
        match self.code {
            Some(1..) => Ok(self),
            _ => Err(format!("{} did not fail as it should: {self:?}", self.line).into()),
        }
    }

    /// Holds that it has said all of `words`.
    pub fn says(self, words: &[&str]) -> Result<Self, Failed> {
        match words.iter().find(|words| !self.text.contains(**words)) {
            None => Ok(self),
            Some(words) => Err(format!("{} does not say {words:?}: {}", self.line, self.text).into()),
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
