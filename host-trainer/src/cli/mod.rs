//! The command line: parses arguments, runs the command, prints its result.
//!
//! Results go to standard output, progress and warnings to standard error.
//! Exit codes: 0 success, 1 failure, 2 wrong usage, 128 plus its number after a signal.

mod backend;
mod cascade;
mod compare;
mod data;
mod evaluate;
mod export;
mod frontier;
mod import;
mod inspect;
mod manual;
mod messages;
mod model_data;
mod model_output;
mod number;
mod png;
mod predict;
mod reading;
mod recipe;
mod reorder;
mod report;
mod row;
mod search;
mod show;
mod sweep;
mod table;
mod teach;
mod train;
mod watch;

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};
use console::{Alignment, pad_str};
use host_support::{errors, terminal};
use prenda::{MAGIC, Model, Shape};
use serde::Serialize;
use thiserror::Error;

use self::reading::ReadingArguments;
use crate::data::{Dataset, DatasetError, OwnedFeature, Reading, Recorded, Wanted};
use crate::limits::MAX_MODEL_BYTES;
use crate::run::{Configuration, RunFile, RunFolder};
use crate::support::files::WriteError;
use crate::support::{bounded, files, interrupt, progress};
use crate::text::{percent, printable};

/// Trains a small classifier, quantizes it to integers, and runs it with the device's arithmetic.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, args_override_self = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Examples in the program's help.
const EXAMPLES: &str = "\
Examples:
  host-trainer data                                find or download Fashion-MNIST
  host-trainer train --run runs/first              train with the default settings
  host-trainer watch runs/first                    in another terminal, show it while it trains
  host-trainer evaluate runs/first                 measure the accuracy on the test images
  host-trainer predict runs/first --index 0        classify one test image
  host-trainer report runs/first                   write runs/first/report.html";

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network, quantize it, and write it as a model
    Train(train::TrainArguments),
    /// Train a large teacher network for train --teacher
    ///
    /// The teacher is a convolutional network and never runs on a device. Its answers for all
    /// training images, in all ten versions of --augment, are written to one file. It does not
    /// learn from some of the training images (--validation), so these stay valid for measuring the
    /// networks that it teaches.
    Teach(teach::TeachArguments),
    /// Train the lecture's five networks and compare them
    Compare(compare::CompareArguments),
    /// Train many networks in many ways, and compare accuracy and cost: docs/frontier.md
    ///
    /// The built-in list contains networks of 64 to 1,024 neurons, with weights of 8, 4 and 2 bits,
    /// and pruned ones. Training them all on a processor takes many hours. Finished runs are kept,
    /// so an interrupted command continues. Several machines can share the work: each gets its own
    /// --shard, and all write to one folder, or to folders that are copied together afterwards. A
    /// last call without --shard trains what is missing and writes the table. In a job array:
    /// host-trainer frontier --teacher FILE --runs DIR --shard $INDEX/$COUNT, with the index from
    /// 1.
    Frontier(frontier::FrontierArguments),
    /// Search for the most accurate network within budgets of model size and instructions
    ///
    /// Random dense and convolutional networks within the budgets are trained for a few epochs. The
    /// third with the best accuracy on held-out images is trained again for three times as many
    /// epochs, and so on. The test images choose nothing.
    Search(search::SearchArguments),
    /// Convert a network of PyTorch, Keras, ONNX or TensorFlow Lite to a model
    ///
    /// The network consists of dense layers with ReLU between them, or, with --network, also of
    /// convolutions and pools. The last layer returns logits; a softmax after it changes no class
    /// and is left out. Layers are found by the names that PyTorch and Keras give them and by their
    /// shapes, from the pixels of the data set to its classes. Training images calibrate the model,
    /// test images evaluate it. docs/import.md has a script for each framework.
    Import(import::ImportArguments),
    /// Combine networks in one model: a small one answers, or defers to a larger one if it is not
    /// certain
    ///
    /// A network is certain if its best logit exceeds the second by a margin. The margin is chosen
    /// so that a given share of images is deferred; all others cost only the small network's time.
    /// The new model works like any other: evaluate, predict, inspect, reorder and devices take it.
    Cascade(cascade::CascadeArguments),
    /// Run a model over the test images, in fixed point, on all cores
    Evaluate(evaluate::EvaluateArguments),
    /// Run a model on one image, in fixed point and, if its run is there, in float
    Predict(predict::PredictArguments),
    /// Show a model's layers, ranges and origin
    Inspect(inspect::InspectArguments),
    /// Write a model with its weights in the order that is fastest on a core
    ///
    /// All orders run on every core and give the same answers, bit for bit. The new file has a new
    /// id: run evaluate --answers again for it.
    Reorder(reorder::ReorderArguments),
    /// Write a model as source code for your own firmware
    ///
    /// The files contain the model, its sizes and its class names. docs/your-firmware.md shows how
    /// a firmware uses them.
    Export(export::ExportArguments),
    /// Show the data: images of each class and their statistics, or one image
    Show(show::ShowArguments),
    /// Write one self-contained HTML page about one run, or about several next to each other
    Report(report::ReportArguments),
    /// Show the curves of a training in another terminal while it runs, on a page on this computer
    ///
    /// The page's address is printed. It contains a secret: other users of this computer, and pages
    /// of other origins, cannot read it. The command ends with the training.
    Watch(watch::WatchArguments),
    /// Find the data set, download it if it is missing, and check it; or write it as IDX files
    Data(data::DataCommandArguments),
    /// Print a script that completes this program's arguments in a shell
    #[command(
        after_help = "Example: host-trainer completions bash > ~/.local/share/bash-completion/completions/host-trainer"
    )]
    Completions(manual::CompletionsArguments),
    /// Write manual pages of the program and of each command
    #[command(after_help = "Example: host-trainer man ~/.local/share/man/man1")]
    Man(manual::ManArguments),
}

/// The data set to read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
struct DataArguments {
    /// The data set: a folder with MNIST's four IDX files, with a folder of images for each class
    /// or with CIFAR-10's files, an NPZ archive, or a CSV file
    ///
    /// Images are PNG, JPEG, BMP or WebP files in train/CLASS and test/CLASS, or in CLASS with
    /// --test-share. A CSV file has a label and the pixels of an image in each row, or features
    /// with --features; a folder may have one for training and one for testing. IDX and CSV files
    /// may be gzipped. Without this option, the first of these that exists: the folder named by
    /// FASHION_MNIST_DIR, the user's cache, the folder of Debian's dataset-fashion-mnist; otherwise
    /// a download of 30 MB into the cache. There it must be Fashion-MNIST.
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingArguments,
    /// Text file with the names of the classes, one per line, in the order of their labels
    ///
    /// Without this option: class-names.txt in the folder of the data set, otherwise the names of
    /// its folders, Fashion-MNIST's names if it is that data set, or the labels.
    #[arg(long, value_name = "FILE")]
    class_names: Option<PathBuf>,
}

impl DataArguments {
    /// Loads the data set that the options name.
    fn load(&self) -> Result<Dataset> {
        self.load_or(None, &[])
    }

    /// Loads the data set that the options name; without them, the one that a run `recorded`. Its
    /// way of reading is used if no option gives another. Rows are scaled by `features`, those of a
    /// model, if there are any.
    fn load_or(&self, recorded: Option<&Recorded>, features: &[OwnedFeature]) -> Result<Dataset> {
        let reading = Reading::from(&self.reading);
        let wanted = Wanted {
            folder: self.data.as_deref(),
            recorded,
            reading: (reading != Reading::default()).then_some(&reading),
            features,
            class_names: self.class_names.as_deref(),
        };
        Dataset::load(wanted).map_err(|error| match error {
            DatasetError::Option { .. } => UsageError(error.to_string()).into(),
            other => other.into(),
        })
    }
}

/// The format of the results.
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

/// Parses the program's arguments, runs the command, and logs its error if it fails.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    interrupt::handle();
    let result = match cli.command {
        Command::Train(arguments) => arguments.run(),
        Command::Teach(arguments) => arguments.run(),
        Command::Compare(arguments) => arguments.run(),
        Command::Frontier(arguments) => arguments.run(),
        Command::Search(arguments) => arguments.run(),
        Command::Import(arguments) => arguments.run(),
        Command::Cascade(arguments) => arguments.run(),
        Command::Evaluate(arguments) => arguments.run(),
        Command::Predict(arguments) => arguments.run(),
        Command::Inspect(arguments) => arguments.run(),
        Command::Reorder(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run(),
        Command::Show(arguments) => arguments.run(),
        Command::Report(arguments) => arguments.run(),
        Command::Watch(arguments) => arguments.run(),
        Command::Data(arguments) => arguments.run(),
        Command::Completions(arguments) => arguments.run(),
        Command::Man(arguments) => arguments.run(),
    };
    let interrupted = interrupt::code().and_then(|code| u8::try_from(code).ok()).map(ExitCode::from);
    let Err(error) = result else { return interrupted.unwrap_or(ExitCode::SUCCESS) };
    let is_closed_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref().is_some_and(is_closed_pipe) {
        // The reader of the pipe has ended, like `head`.
        return ExitCode::SUCCESS;
    }
    progress::log(format_args!("error: {}", errors::chain(error.as_ref())));
    interrupted.unwrap_or(if error.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE })
}

impl OutputArguments {
    /// Prints `result` as JSON, or as the text that `text` returns.
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

/// Fails if writing `output`, the value of `option`, would overwrite one of `others`.
fn check_apart(
    option: &str,
    output: &Path,
    others: impl IntoIterator<Item = impl AsRef<Path>>,
) -> Result<(), UsageError> {
    match others.into_iter().find(|other| is_same(output, other.as_ref())) {
        Some(other) => Err(overwrites(option, output, other.as_ref(), "file")),
        None => Ok(()),
    }
}

/// Fails if one of `files`, in the `folder` that `option` names, would overwrite one of `others`.
fn check_folder_apart(
    option: &str,
    folder: &Path,
    files: impl IntoIterator<Item = PathBuf>,
    others: &[PathBuf],
) -> Result<(), UsageError> {
    let mut files = files.into_iter();
    match files.find_map(|file| others.iter().find(|other| is_same(&file, other))) {
        Some(other) => Err(overwrites(option, folder, other, "folder")),
        None => Ok(()),
    }
}

/// Returns true if both paths lead to the same file. Compares lengths first: a data set may have
/// many files.
fn is_same(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).ok().map(|file| file.len());
    length(one) == length(other) && files::is_same(one, other)
}

fn overwrites(option: &str, named: &Path, other: &Path, kind: &str) -> UsageError {
    UsageError(format!("{option} {} would overwrite {}; name another {kind}", named.display(), other.display()))
}

/// Fails if writing `output`, the value of `option`, would overwrite one of `inputs` or a file of a
/// run, which only the run's own commands may replace.
fn check_output(
    option: &str,
    output: &Path,
    inputs: impl IntoIterator<Item = impl AsRef<Path>>,
) -> Result<(), UsageError> {
    let folder = output.parent().map(|folder| RunFolder::at(folder.to_owned()));
    let is_run =
        |folder: &RunFolder| [RunFile::Outcome, RunFile::Cascade].into_iter().any(|file| folder.file(file).exists());
    let run = folder.filter(is_run);
    check_apart(option, output, run.iter().flat_map(RunFolder::files))?;
    check_apart(option, output, inputs)
}

/// Checks that a model can be written to `export` without overwriting an input or a file of `run`.
fn check_export(export: &Path, run: Option<&Path>, inputs: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<()> {
    check_output("--export", export, inputs)?;
    // Unreadable files are found by the checks below.
    if bounded::read(export, MAX_MODEL_BYTES).is_ok_and(|bytes| !bytes.is_empty() && !bytes.starts_with(&MAGIC)) {
        let export = export.display();
        return Err(UsageError(format!("--export {export} exists and is not a model; name another file")).into());
    }
    let Some(run) = run else { return Ok(files::check_writable(export)?) };
    check_apart("--export", export, RunFolder::at(run.to_owned()).files().chain([run.to_owned()]))?;
    match files::check_writable(export) {
        // Writing the run creates the folder.
        Err(WriteError::NoFolder { folder, .. }) if files::is_within(run, &folder) => Ok(()),
        checked => Ok(checked?),
    }
}

/// Fails if a run of `configuration` would replace another run in `folder`, which `option` names.
fn check_replaced(folder: &RunFolder, configuration: &Configuration, option: &str) -> Result<(), UsageError> {
    folder.other_run(configuration).map_or(Ok(()), |found| Err(contains(folder, &found, option)))
}

/// Returns the error for a `folder`, which `option` names, that contains `found`.
fn contains(folder: &RunFolder, found: &str, option: &str) -> UsageError {
    let folder = folder.path().display();
    UsageError(format!(
        "{folder} contains {found}; add --overwrite to replace it, or name another folder with {option}"
    ))
}

/// Checks that the model accepts the images of `data` and has its number of classes.
fn check_fit(view: &Model<'_>, data: &Dataset) -> Result<()> {
    let folder = data.folder.display();
    match (view.features().next(), data.features.first()) {
        (Some(_), None) => bail!("{folder}: found images, but the model takes rows of features; add --features"),
        (None, Some(_)) => bail!("{folder}: found rows of features, but the model takes images; leave out --features"),
        _ => {}
    }
    if data.shape != view.image() {
        bail!(
            "{}: the images have {} pixels, the model expects {}; name a data set that fits with --data",
            data.folder.display(),
            pixels(data.shape),
            pixels(view.image())
        );
    }
    if data.class_names.len() != view.classes() {
        bail!(
            "{}: the data set has {} classes, the model {}; name a data set that fits with --data",
            data.folder.display(),
            data.class_names.len(),
            view.classes()
        );
    }
    Ok(())
}

/// Describes the size of an image in words.
fn describe(Shape { rows, columns, channels }: Shape) -> String {
    let channels = if channels == 1 { String::new() } else { format!(", {channels} channels") };
    format!("{rows} rows, {columns} columns{channels}")
}

/// Describes the pixels of an image: `28 x 28`, or `32 x 32 x 3` with three channels.
fn pixels(shape: Shape) -> String {
    let channels = if shape.channels == 1 { String::new() } else { format!(" x {}", shape.channels) };
    format!("{} x {}{channels}", shape.rows, shape.columns)
}

/// Checks that `path`, the value of `option`, ends in the `extension` of the format that is
/// written.
fn check_extension(option: &str, path: &Path, extension: &str) -> Result<(), UsageError> {
    if path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
        return Ok(());
    }
    let path = path.display();
    Err(UsageError(format!(
        "{option} {path}: the file is written as {}; choose a name that ends in .{extension}",
        extension.to_uppercase()
    )))
}

/// Draws an image for standard output.
fn drawn(pixels: &[u8], shape: Shape) -> String {
    terminal::image(pixels, shape.columns.into(), shape.channels.into(), terminal::has_colours())
}

/// Formats a line of text output: a name and its value.
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
