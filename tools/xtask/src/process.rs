//! Running commands: prints the line, leaves progress visible, names the command that failed.

mod conversation;
mod recording;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{io, iter};

use anyhow::{Context, Result, anyhow, bail};
use host_support::shell::quoted;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::interrupt;
use crate::output::log;

pub use conversation::Conversation;
pub use recording::{Recorded, Recording};

/// A command to run. Standard error is passed through; standard output is ours unless stated.
pub struct Job {
    command: Command,
    line: String,
    name: Option<&'static str>,
    quiet: bool,
    reports: bool,
}

/// A command in the background. Dropping it ends the command and waits until it has cleaned up.
pub struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        interrupt::end_background(&mut self.0);
    }
}

/// A command failed and has printed the reason on standard error.
#[derive(Debug, Error)]
#[error("`{name}` failed with exit code {code}, see above")]
pub struct Reported {
    name: String,
    code: i32,
}

impl Reported {
    pub fn code(&self) -> u8 {
        u8::try_from(self.code).unwrap_or(1)
    }
}

impl Job {
    /// Creates a command without arguments; it inherits standard input.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let line = quoted(program.as_ref());
        Self { command: Command::new(program), line, name: None, quiet: false, reports: false }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.line.push(' ');
        self.line.push_str(&quoted(argument.as_ref()));
        self.command.arg(argument);
        self
    }

    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub fn option(self, name: &str, value: Option<impl AsRef<OsStr>>) -> Self {
        value.into_iter().fold(self, |job, value| job.arg(name).arg(value))
    }

    pub fn flag(self, name: &str, on: bool) -> Self {
        if on { self.arg(name) } else { self }
    }

    /// Sets an environment variable, and shows it in front of the line in a shell's syntax.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.line = format!("{name}={} {}", quoted(value.as_ref()), self.line);
        self.command.env(name, value);
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs the command in `folder`, which has cargo's configuration for it.
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Closes standard input, so that the command cannot wait for an answer.
    pub fn without_input(mut self) -> Self {
        self.command.stdin(Stdio::null());
        self
    }

    /// Sets the name for error messages, instead of the first words of the line.
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Declares that the command prints an `error:` line when it fails, so that we do not.
    pub fn reports(mut self) -> Self {
        self.reports = true;
        self
    }

    #[cfg(test)]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Runs the command with its output on standard error, so that our standard output stays clean.
    pub fn run(mut self) -> Result<()> {
        self.command.stdout(Stdio::from(io::stderr()));
        let status = self.status()?;
        self.succeeded(status)
    }

    /// Runs the command with its output on our standard output.
    pub fn run_to_stdout(mut self) -> Result<()> {
        let status = self.status()?;
        self.succeeded(status)
    }

    /// Like [`Job::run`], but kills the command after `limit`.
    pub fn run_within(mut self, limit: Duration) -> Result<()> {
        self.show();
        self.command.stdout(Stdio::from(io::stderr()));
        let mut child = self.start()?;
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().with_context(|| self.not_waited())? {
                interrupt::ended();
                return self.succeeded(status);
            }
            if start.elapsed() >= limit {
                // Killing fails if it has just ended; the wait covers both cases.
                let _ = child.kill();
                let _ = child.wait();
                interrupt::ended();
                bail!("`{}` did not end within {} s", self.name(), limit.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs the command and returns its standard output; standard error is shown.
    pub fn capture(mut self) -> Result<String> {
        self.show();
        self.command.stdin(Stdio::null()).stdout(Stdio::piped());
        let output = self.output()?;
        self.succeeded(output.status)?;
        String::from_utf8(output.stdout).with_context(|| format!("`{}` wrote text that is not UTF-8", self.name()))
    }

    /// Runs the command and parses its standard output as JSON.
    pub fn capture_json<T: DeserializeOwned>(self) -> Result<T> {
        let name = self.name();
        serde_json::from_str(&self.capture()?).with_context(|| format!("cannot parse the output of `{name}`"))
    }

    /// Like [`Job::run`], but passes each line of standard error to `each` instead of showing it.
    pub fn watch(mut self, mut each: impl FnMut(&str)) -> Result<()> {
        self.show();
        self.command.stdout(Stdio::from(io::stderr())).stderr(Stdio::piped());
        let mut child = self.start()?;
        if let Some(output) = child.stderr.take() {
            // A read error ends the watching, not the command.
            BufReader::new(output).split(b'\n').map_while(Result::ok).for_each(|line| {
                each(String::from_utf8_lossy(&line).trim_end());
            });
        }
        let status = child.wait();
        interrupt::ended();
        self.succeeded(status.with_context(|| self.not_waited())?)
    }

    /// Starts the command in the background and returns the first line of its standard output.
    pub fn start_in_background(mut self) -> Result<(Background, String)> {
        self.show();
        self.command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = interrupt::start_background(&mut self.command).map_err(|error| self.not_started(&error))?;
        let mut background = Background(child);
        let mut line = String::new();
        if let Some(output) = background.0.stdout.take() {
            BufReader::new(output).read_line(&mut line).with_context(|| format!("cannot read `{}`", self.name()))?;
        }
        if line.is_empty() {
            let status = background.0.wait().with_context(|| self.not_waited())?;
            return Err(self.succeeded(status).err().unwrap_or_else(|| anyhow!("`{}` ended at once", self.name())));
        }
        Ok((background, line))
    }

    /// Starts the command in the background; returns it, to be asked line by line, and the first
    /// line of its standard output.
    pub fn converse(self) -> Result<(Conversation, String)> {
        Conversation::start(self)
    }

    /// Starts the command in the background without input and records its output. Does not print
    /// the line.
    pub fn record(mut self) -> Result<Recording> {
        self.command.stdin(Stdio::null());
        let (reader, writer) = io::pipe().context("cannot make a pipe")?;
        self.command.stdout(writer.try_clone().context("cannot share a pipe")?).stderr(writer);
        let child = interrupt::start_background(&mut self.command).map_err(|error| self.not_started(&error))?;
        // Dropping the command closes our own ends of the pipe.
        Recording::new(self.name(), Background(child), reader)
    }

    /// Runs the command and returns its output, whatever the exit code. Does not print the line.
    pub fn probe(mut self) -> Result<Output> {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.output()
    }

    /// Returns the name for error messages: the first words, since the whole line has been shown.
    pub fn name(&self) -> String {
        if let Some(name) = self.name {
            return name.to_owned();
        }
        let program = Path::new(self.command.get_program()).file_stem().unwrap_or_default().to_string_lossy();
        let arguments = self.command.get_args().map(|argument| argument.to_string_lossy());
        let plain =
            |word: &Cow<str>| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && !word.starts_with('-');
        iter::once(program).chain(arguments.take_while(plain).take(2)).collect::<Vec<_>>().join(" ")
    }

    fn status(&mut self) -> Result<ExitStatus> {
        self.show();
        let status = self.start()?.wait();
        interrupt::ended();
        status.with_context(|| self.not_waited())
    }

    fn output(&mut self) -> Result<Output> {
        let output = self.start()?.wait_with_output();
        interrupt::ended();
        output.with_context(|| self.not_waited())
    }

    fn start(&mut self) -> Result<Child> {
        interrupt::start(&mut self.command).map_err(|error| self.not_started(&error))
    }

    fn show(&self) {
        if !self.quiet {
            log(format_args!("    $ {}", self.line));
        }
    }

    fn not_started(&self, error: &io::Error) -> anyhow::Error {
        let program = self.command.get_program().to_string_lossy();
        match error.kind() {
            io::ErrorKind::NotFound => anyhow!("cannot start `{program}`: no such program; is it on the PATH?"),
            _ => anyhow!("cannot start `{program}`: {error}"),
        }
    }

    fn not_waited(&self) -> String {
        format!("cannot wait for `{}`", self.name())
    }

    fn succeeded(&self, status: ExitStatus) -> Result<()> {
        let name = self.name();
        match status.code() {
            Some(0) => Ok(()),
            Some(code) if self.reports => Err(Reported { name, code }.into()),
            Some(code) => bail!("`{name}` failed with exit code {code}, see above"),
            None => bail!("`{name}` was stopped ({status})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_can_be_pasted_into_a_shell() {
        let job = Job::new("cargo").args(["build", "it's here", ""]).env("A", "b c");
        assert_eq!(job.line(), r"A='b c' cargo build 'it'\''s here' ''");
    }

    #[test]
    fn a_failure_names_the_command_and_its_exit_code() {
        let job = Job::new("/bin/sh").args(["-c", "exit 3"]).quiet();
        assert_eq!(job.run().unwrap_err().to_string(), "`sh` failed with exit code 3, see above");
        let job = Job::new("/a/b/rustup").args(["target", "add", "thumb"]);
        assert_eq!(job.name(), "rustup target add");
        assert_eq!(Job::new("parity").args(["loopback", "/model.bin", "x"]).name(), "parity loopback");
    }

    #[test]
    fn a_command_that_reports_leaves_only_its_exit_code_unless_it_was_stopped() {
        let run = |script: &str| Job::new("/bin/sh").args(["-c", script]).quiet().reports().run().unwrap_err();
        assert_eq!(run("exit 3").downcast_ref().map(Reported::code), Some(3));
        let stopped = run("kill -TERM $$");
        assert!(!stopped.is::<Reported>() && stopped.to_string().contains("`sh` was stopped"), "{stopped}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Job::new("no-such-program-of-prenda").quiet().run().unwrap_err().to_string();
        assert!(error.contains("`no-such-program-of-prenda`: no such program"), "{error}");
    }

    #[test]
    fn a_command_past_its_limit_is_killed() {
        let start = Instant::now();
        let error = Job::new("sleep").arg("60").quiet().run_within(Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_watched_command_passes_on_its_lines_and_its_failure() {
        let mut lines = Vec::new();
        let job = Job::new("/bin/sh").args(["-c", "echo one >&2; echo two >&2; exit 3"]).quiet();
        let error = job.watch(|line| lines.push(line.to_owned())).unwrap_err().to_string();
        assert_eq!(
            (lines, error),
            (vec!["one".into(), "two".into()], "`sh` failed with exit code 3, see above".into())
        );
    }

    #[test]
    fn captured_output_is_returned() {
        assert_eq!(Job::new("echo").arg("seven").quiet().capture().unwrap(), "seven\n");
    }
}
