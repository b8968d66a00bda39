//! The command line: parses arguments, calls the rest, says what came of it.
//!
//! Results go to standard output, progress and warnings to standard error. Exit codes: 0 done, 1 failed, 2 misused.

mod backend;
mod compare;
mod data;
mod evaluate;
mod frontier;
mod import;
mod inspect;
mod number;
mod predict;
mod recipe;
mod reorder;
mod report;
mod said;
mod show;
mod table;
mod teach;
mod train;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};
use console::{Alignment, pad_str};
use serde::Serialize;
use shared_model::Model;
use thiserror::Error;

use crate::data::{Dataset, DatasetError, Wanted};
use crate::run::{RunFile, RunFolder};
use crate::support::files::WriteError;
use crate::support::{files, interrupt, progress};
use crate::text::{percent, printable};

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
    /// Train a large network, whose answers small ones learn from: train --teacher
    ///
    /// It is a convolutional network that no device has to run. All training pictures, in all ten versions of --augment, are
    /// put to it, and its answers are written to one file. What it has learned from is all but the last training pictures
    /// (--validation), so that those stay good for judging the networks that it teaches.
    Teach(teach::Arguments),
    /// Train the lecture's five networks and compare them
    Compare(compare::Arguments),
    /// Train many networks in many ways, and tell what each answers rightly and what it costs: docs/frontier.md
    ///
    /// The list is built in: networks of 64 to 1,024 neurons, pruned, in eight bits, four and ternary; trained on a processor it
    /// takes many hours. Runs that are there already are kept, so that it goes on where it was ended, and several machines can
    /// share it: each is called with a --shard of its own, all write to one folder or to folders that are copied together
    /// afterwards, and a last call without --shard trains what is still missing and makes rows of all of it. As an array of
    /// jobs, with whatever schedules them: host-trainer frontier --teacher FILE --runs DIR --shard $INDEX/$COUNT, the index
    /// from 1.
    Frontier(frontier::Arguments),
    /// Make a model of a network that PyTorch or Keras trained
    ///
    /// It is one of dense layers with ReLU between them. The last layer gives logits; a softmax behind it changes no
    /// answer, and is left out. Layers are found by the names that PyTorch and Keras give them and by their shapes, from
    /// the pixels of the data set to its classes. Training pictures calibrate the model, test pictures evaluate it.
    /// docs/import.md has a script for each framework.
    Import(import::Arguments),
    /// Run a model over the test pictures, in fixed point, on all cores
    Evaluate(evaluate::Arguments),
    /// Run a model on one picture, in fixed point and, beside its run, in float
    Predict(predict::Arguments),
    /// Show what a model is made of and where it comes from
    Inspect(inspect::Arguments),
    /// Write a model with its weights in the order that a core is fastest with
    ///
    /// All orders run on every core and give the same answers, bit for bit. It is another file with another id, for which
    /// evaluate --answers is to be called anew.
    Reorder(reorder::Arguments),
    /// Look at the data: pictures of each class and what they are like, or one picture
    Show(show::Arguments),
    /// Write a page about one run, or about several side by side: one HTML file that needs nothing else
    Report(report::Arguments),
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
    /// Text file with the names of the classes, one a line, in the order of their labels
    ///
    /// Without it: class-names.txt in the folder of the data set, or what Fashion-MNIST calls its classes, or the
    /// labels.
    #[arg(long, value_name = "FILE")]
    class_names: Option<PathBuf>,
}

impl DataArguments {
    /// The data set that is asked for.
    fn load(&self) -> Result<Dataset, DatasetError> {
        Dataset::load(Wanted { folder: self.data.as_deref(), class_names: self.class_names.as_deref() })
    }
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
        Command::Teach(arguments) => arguments.run(),
        Command::Compare(arguments) => arguments.run(),
        Command::Frontier(arguments) => arguments.run(),
        Command::Import(arguments) => arguments.run(),
        Command::Evaluate(arguments) => arguments.run(),
        Command::Predict(arguments) => arguments.run(),
        Command::Inspect(arguments) => arguments.run(),
        Command::Reorder(arguments) => arguments.run(),
        Command::Show(arguments) => arguments.run(),
        Command::Report(arguments) => arguments.run(),
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
        Some(other) => Err(would_replace(option, output, other.as_ref(), "file")),
        None => Ok(()),
    }
}

/// That none of `files` of `folder`, which `option` names, is one of `others`: it would replace it.
fn check_folder_apart(
    option: &str,
    folder: &Path,
    files: impl IntoIterator<Item = PathBuf>,
    others: &[PathBuf],
) -> Result<(), UsageError> {
    let mut files = files.into_iter();
    match files.find_map(|file| others.iter().find(|other| files::is_same(&file, other))) {
        Some(other) => Err(would_replace(option, folder, other, "folder")),
        None => Ok(()),
    }
}

fn would_replace(option: &str, named: &Path, other: &Path, kind: &str) -> UsageError {
    UsageError(format!("{option} {} would replace {}; name another {kind}", named.display(), other.display()))
}

/// That `output`, which `option` names, is none of `inputs`, and no file of a run either: each has a command of its own to replace it.
fn check_output(
    option: &str,
    output: &Path,
    inputs: impl IntoIterator<Item = impl AsRef<Path>>,
) -> Result<(), UsageError> {
    let folder = output.parent().map(|folder| RunFolder::at(folder.to_owned()));
    let run = folder.filter(|folder| folder.file(RunFile::Outcome).exists());
    check_apart(option, output, run.iter().flat_map(RunFolder::files))?;
    check_apart(option, output, inputs)
}

/// That a model can be written to `export`, besides what a run leaves in its folder.
fn check_export(export: &Path, run: Option<&Path>, inputs: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<()> {
    check_output("--export", export, inputs)?;
    let Some(run) = run else { return Ok(files::check_writable(export)?) };
    check_apart("--export", export, RunFolder::at(run.to_owned()).files().chain([run.to_owned()]))?;
    match files::check_writable(export) {
        // It comes with the run's.
        Err(WriteError::NoFolder { folder, .. }) if files::is_within(run, &folder) => Ok(()),
        checked => Ok(checked?),
    }
}

/// That `view` is a model for the pictures of `data`.
fn check_fit(view: &Model<'_>, data: &Dataset) -> Result<()> {
    let (found, expected) = ((data.rows.into(), data.columns.into()), (view.rows(), view.columns()));
    if found != expected {
        bail!(
            "the pictures in {} have {} rows and {} columns, the model takes {} and {}; name another data set by --data",
            data.folder.display(),
            found.0,
            found.1,
            expected.0,
            expected.1
        );
    }
    if data.class_names.len() != view.classes() {
        bail!(
            "the data set in {} has {} classes, the model {}; name another data set by --data",
            data.folder.display(),
            data.class_names.len(),
            view.classes()
        );
    }
    Ok(())
}

/// That the file `path`, which `option` names, is named as what is written to it.
fn check_extension(option: &str, path: &Path, extension: &str) -> Result<(), UsageError> {
    if path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
        return Ok(());
    }
    let path = path.display();
    Err(UsageError(format!(
        "{option} {path} would be a {} file; let its name end in .{extension}",
        extension.to_uppercase()
    )))
}

/// A line of a report: what, and how much.
fn line(name: &str, value: impl Display) -> String {
    let name = printable(name);
    format!("{} {}\n", pad_str(&name, 23, Alignment::Left, None), printable(&value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(line("\u{4e5d}", 1), format!("\u{4e5d}{}1\n", " ".repeat(22)));
        assert_eq!(line(&"x".repeat(30), 1), format!("{} 1\n", "x".repeat(30)));
        assert_eq!(line("\x1b[2J", "a\nb\u{9b}"), "\\u{1b}[2J               a\\nb\\u{9b}\n");
    }
}
