//! A command in the background, and its recorded output.

use std::io::{PipeReader, Read as _};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Background;
use crate::interrupt;

/// Time limit of every wait.
const LIMIT: Duration = Duration::from_secs(30);

/// Time limit for the rest of the output, which another process may keep open.
const REST_LIMIT: Duration = Duration::from_secs(1);

const POLL: Duration = Duration::from_millis(10);

/// A running command whose output is recorded. Dropping it ends the command.
pub struct Recording {
    name: String,
    background: Background,
    output: Arc<Mutex<Output>>,
}

/// The output so far, of standard output and standard error in order.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    is_complete: bool,
}

pub struct Recorded {
    /// Standard output and standard error, in order.
    pub text: String,
    /// `None` if a signal ended it.
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

    pub fn wait_for(&mut self, words: &str) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            // Asked before the output is read, so that nothing is missed.
            let ended = self.status()?;
            if ended.is_some() {
                self.wait_for_the_rest();
            }
            let text = self.text();
            if text.contains(words) {
                return Ok(());
            }
            if let Some(status) = ended {
                bail!("`{}` ended ({status}) without printing {words:?}: {text}", self.name);
            }
            if Instant::now() >= deadline {
                bail!("`{}` did not print {words:?} within {} s: {text}", self.name, LIMIT.as_secs());
            }
            thread::sleep(POLL);
        }
    }

    /// Asks the command to end, and waits for it.
    pub fn interrupt(mut self) -> Result<Recorded> {
        interrupt::ask_to_end(&mut self.background.0);
        self.end()
    }

    /// Waits for the end of the command, and kills it if it takes too long.
    pub fn end(mut self) -> Result<Recorded> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.status()? {
                self.wait_for_the_rest();
                return Ok(Recorded { text: self.text(), code: status.code() });
            }
            if Instant::now() >= deadline {
                // Killing fails if it has just ended.
                let _ = self.background.0.kill();
                bail!("`{}` did not end within {} s: {}", self.name, LIMIT.as_secs(), self.text());
            }
            thread::sleep(POLL);
        }
    }

    fn status(&mut self) -> Result<Option<ExitStatus>> {
        self.background.0.try_wait().with_context(|| format!("cannot wait for `{}`", self.name))
    }

    fn wait_for_the_rest(&self) {
        let deadline = Instant::now() + REST_LIMIT;
        while !self.output().is_complete && Instant::now() < deadline {
            thread::sleep(POLL);
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

#[cfg(test)]
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
    fn an_end_without_the_words_is_an_error_with_the_output() {
        let error = shell("echo other").wait_for("words").unwrap_err().to_string();
        assert!(error.contains("without printing \"words\": other"), "{error}");
    }
}
