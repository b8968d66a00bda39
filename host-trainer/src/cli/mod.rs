//! The command line: parses arguments, calls the rest, says what came of it.
//!
//! Results go to standard output, progress and warnings to standard error. Exit codes: 0 done, 1 failed, 2 misused.

mod backend;
mod compare;
mod data;
mod evaluate;
mod inspect;
mod predict;
mod train;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use thiserror::Error;

use crate::terminal::printable;
use crate::{files, interrupt, progress};

/// Trains a small dense classifier, quantizes it to integers, and runs it with the same arithmetic as a device.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network, quantize it, write it as a model
    Train(train::Arguments),
    /// Train the lecture's five networks and compare them
    Compare(compare::Arguments),
    /// Run a model over the test pictures, in fixed point, on all cores
    Evaluate(evaluate::Arguments),
    /// Run a model on one picture, in fixed point
    Predict(predict::Arguments),
    /// Show what a model is made of and where it comes from
    Inspect(inspect::Arguments),
    /// Find the data set, download it where there is none, and check it
    Data(data::Arguments),
}

/// Where the data set is.
#[derive(Debug, Args)]
struct DataArguments {
    /// Folder of the data set: four IDX files, gzipped or not, named as MNIST's
    ///
    /// Without it: the folder that FASHION_MNIST_DIR names, the user's cache, the folder of Debian's
    /// dataset-fashion-mnist, or a download of 30 MB into the cache; there it must be Fashion-MNIST. A folder given
    /// here may hold any data set of that form.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Args)]
struct OutputArguments {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Arguments that do not fit the data set or the model.
#[derive(Debug, Error)]
#[error("{0}\n\nFor more information, try '--help'.")]
struct UsageError(String);

/// Runs the command that the program's arguments name, and says what went wrong where something does.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    interrupt::handle();
    let result = match cli.command {
        Command::Train(arguments) => arguments.run(),
        Command::Compare(arguments) => arguments.run(),
        Command::Evaluate(arguments) => arguments.run(),
        Command::Predict(arguments) => arguments.run(),
        Command::Inspect(arguments) => arguments.run(),
        Command::Data(arguments) => arguments.run(),
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    let is_closed_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref().is_some_and(is_closed_pipe) {
        // Whoever reads has had enough, as `head` has.
        return ExitCode::SUCCESS;
    }
    progress::say(format_args!("error: {error:#}"));
    if error.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

impl OutputArguments {
    /// Prints `result` as JSON, or as the lines that `text` makes.
    fn print(self, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let mut output = if self.json { serde_json::to_string(result)? } else { text() };
        if !output.ends_with('\n') {
            output.push('\n');
        }
        let mut target = io::stdout().lock();
        target.write_all(output.as_bytes())?;
        target.flush()?;
        Ok(())
    }
}

/// That `output`, which `option` names, is none of `others`: it would replace it.
fn check_apart(
    option: &str,
    output: &Path,
    others: impl IntoIterator<Item = impl AsRef<Path>>,
) -> Result<(), UsageError> {
    match others.into_iter().find(|other| files::is_same(output, other.as_ref())) {
        Some(other) => Err(UsageError(format!(
            "{option} {} would replace {}; name another file",
            output.display(),
            other.as_ref().display()
        ))),
        None => Ok(()),
    }
}

/// A line of a report: what, and how much.
fn line(name: &str, value: impl Display) -> String {
    format!("{:<24}{}\n", printable(name), printable(&value.to_string()))
}

/// A share of 0..=1 in percent.
fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// `count` of `all` as a share, 0..=1.
fn share(count: u32, all: u32) -> f64 {
    if all == 0 { 0.0 } else { f64::from(count) / f64::from(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(line("\x1b[2J", "a\nb\u{9b}"), "\\u{1b}[2J               a\\nb\\u{9b}\n");
    }
}
