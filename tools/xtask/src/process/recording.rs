//! A command that runs beside us, and what it says.

use std::io::{PipeReader, Read as _};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Background;
use crate::interrupt;

/// How long a command may take for what is waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// How long last words may take. They end with the command, unless someone else holds its output.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often one who waits looks again.
const GLANCE: Duration = Duration::from_millis(10);

/// A running command of which all output is kept. Dropping it ends the command.
pub struct Recording {
    name: String,
    background: Background,
    output: Arc<Mutex<Output>>,
}

/// What a command has said so far, to both of its outputs, in its order.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    is_complete: bool,
}

/// What a command has said, and its exit code.
pub struct Recorded {
    /// What it has said, to both of its outputs.
    pub text: String,
    /// None where a signal ended it.
    pub code: Option<i32>,
}

impl Recording {
    pub(super) fn new(name: String, background: Background, reader: PipeReader) -> Result<Self> {
        let output = Arc::new(Mutex::new(Output::default()));
        let kept = Arc::clone(&output);
        thread::Builder::new()
            .name("output".into())
            .spawn(move || collect(reader, &kept))
            .context("cannot start a thread")?;
        Ok(Self { name, background, output })
    }

    /// Waits until it has said `words`.
    ///
    /// # Errors
    /// When it ends without them, or takes too long, with what it has said.
    pub fn wait_for(&mut self, words: &str) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            // Asked before the output, so that last words are read.
            let ended = self.status()?;
            if ended.is_some() {
                self.wait_for_the_last_words();
            }
            let text = self.text();
            if text.contains(words) {
                return Ok(());
            }
            if let Some(status) = ended {
                bail!("`{}` ended ({status}) without saying {words:?}: {text}", self.name);
            }
            if Instant::now() >= deadline {
                bail!("`{}` has not said {words:?} within {} s: {text}", self.name, LIMIT.as_secs());
            }
            thread::sleep(GLANCE);
        }
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// When it does not end.
    pub fn interrupt(mut self) -> Result<Recorded> {
        interrupt::ask_to_end(&mut self.background.0);
        self.end()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it takes too long, with what it has said; it is killed then.
    pub fn end(mut self) -> Result<Recorded> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.status()? {
                self.wait_for_the_last_words();
                return Ok(Recorded { text: self.text(), code: status.code() });
            }
            if Instant::now() >= deadline {
                // It may have ended just now; either way it is gone when we are.
                let _ = self.background.0.kill();
                bail!("`{}` did not end within {} s: {}", self.name, LIMIT.as_secs(), self.text());
            }
            thread::sleep(GLANCE);
        }
    }

    fn status(&mut self) -> Result<Option<ExitStatus>> {
        self.background.0.try_wait().with_context(|| format!("cannot wait for `{}`", self.name))
    }

    fn wait_for_the_last_words(&self) {
        let deadline = Instant::now() + LAST_WORDS;
        while !self.output().is_complete && Instant::now() < deadline {
            thread::sleep(GLANCE);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.output().bytes).into_owned()
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn collect(mut reader: PipeReader, output: &Mutex<Output>) {
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = reader.read(&mut chunk) {
        let bytes = chunk.get(..count).unwrap_or_default();
        output.lock().unwrap_or_else(PoisonError::into_inner).bytes.extend_from_slice(bytes);
    }
    output.lock().unwrap_or_else(PoisonError::into_inner).is_complete = true;
}

#[cfg(all(test, unix))]
mod tests {
    use crate::process::Job;

    fn shell(script: &str) -> super::Recording {
        Job::new("/bin/sh").args(["-c", script]).record().unwrap()
    }

    #[test]
    fn both_outputs_are_kept_in_their_order_with_the_exit_code() {
        let recorded = shell("echo one; echo two >&2; echo three; exit 3").end().unwrap();
        assert_eq!((recorded.text.as_str(), recorded.code), ("one\ntwo\nthree\n", Some(3)));
    }

    #[test]
    fn words_are_waited_for_and_the_command_is_asked_to_end() {
        let mut recording = shell("trap 'echo ends; exit 0' TERM; echo begins; while :; do sleep 0.05; done");
        recording.wait_for("begins").unwrap();
        let recorded = recording.interrupt().unwrap();
        assert_eq!((recorded.text.as_str(), recorded.code), ("begins\nends\n", Some(0)));
    }

    #[test]
    fn an_end_without_the_words_is_told_with_what_was_said() {
        let error = shell("echo other").wait_for("words").unwrap_err().to_string();
        assert!(error.contains("without saying \"words\": other"), "{error}");
    }
}
