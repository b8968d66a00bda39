//! A command in the background that answers each line with a line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, Result, anyhow};

use super::{Background, Job};
use crate::interrupt;

/// A running command. Dropping it ends the command.
pub struct Conversation {
    job: Job,
    background: Background,
    /// `None` once the command has ended.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    /// Starts the command; returns it and its first line.
    pub(super) fn start(mut job: Job) -> Result<(Self, String)> {
        job.show();
        job.command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = interrupt::start_background(&mut job.command).map_err(|error| job.not_started(&error))?;
        let mut background = Background(child);
        let input = background.0.stdin.take();
        let output = background.0.stdout.take().with_context(|| format!("`{}` has no output", job.name()))?;
        let mut conversation = Self { job, background, input, output: BufReader::new(output) };
        let first = conversation.hear()?;
        Ok((conversation, first))
    }

    /// Sends `line`, without its end, and returns the answer.
    pub fn ask(&mut self, line: &[u8]) -> Result<String> {
        let sent = self.input.as_mut().map(|input| input.write_all(&[line, b"\n"].concat()));
        match sent {
            Some(Ok(())) => self.hear(),
            // The command has ended; its exit code has the reason.
            _ => Err(self.ended()),
        }
    }

    /// Closes the input and waits until the command has ended with success.
    pub fn end(mut self) -> Result<()> {
        self.input = None;
        let status = self.background.0.wait().with_context(|| self.job.not_waited())?;
        self.job.succeeded(status)
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        let count = self.output.read_line(&mut line).with_context(|| format!("cannot read `{}`", self.job.name()))?;
        if count == 0 { Err(self.ended()) } else { Ok(line) }
    }

    /// Waits for the command and returns the error for its unexpected end.
    fn ended(&mut self) -> anyhow::Error {
        self.input = None;
        match self.background.0.wait() {
            Ok(status) => self.job.succeeded(status).err().unwrap_or_else(|| self.too_early()),
            Err(error) => anyhow::Error::from(error).context(self.job.not_waited()),
        }
    }

    fn too_early(&self) -> anyhow::Error {
        anyhow!("`{}` ended before it had answered", self.job.name())
    }
}

#[cfg(test)]
mod tests {
    use crate::process::{Job, Reported};

    fn shell(script: &str) -> Job {
        Job::new("/bin/sh").args(["-c", script]).quiet().reports()
    }

    #[test]
    fn each_line_is_answered_until_the_input_is_closed() {
        let script = "echo ready; while read -r line; do echo \"$line, too\"; done";
        let (mut conversation, first) = shell(script).converse().unwrap();
        assert_eq!(first, "ready\n");
        assert_eq!(conversation.ask(b"one").unwrap(), "one, too\n");
        assert_eq!(conversation.ask(b"two").unwrap(), "two, too\n");
        conversation.end().unwrap();
    }

    #[test]
    fn an_early_end_leaves_the_exit_code() {
        let code = |error: anyhow::Error| error.downcast_ref().map(Reported::code);
        assert_eq!(shell("exit 3").converse().err().and_then(code), Some(3));
        let (mut conversation, _) = shell("echo ready; read -r line; exit 4").converse().unwrap();
        assert_eq!(conversation.ask(b"one").err().and_then(code), Some(4));
        let (mut conversation, _) = shell("echo ready; read -r line").converse().unwrap();
        let error = conversation.ask(b"one").unwrap_err().to_string();
        assert_eq!(error, "`sh` ended before it had answered");
    }
}
