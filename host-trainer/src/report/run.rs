//! A run in a report: the records that could be read, and the missing files.

use std::path::{Path, PathBuf, absolute};

use host_support::parity::ModelParity;
use host_support::shell::quoted;
use prenda::{Model, WeightOrder};
use thiserror::Error;

use crate::model::Evaluation;
use crate::model::reorder::reorder;
use crate::quantize::Quantization;
use crate::report::commands;
use crate::report::missing::{Missing, MissingFiles};
use crate::run::{BENCH, BoardCost, CascadeRecord, Configuration, Outcome, RecordError, RunFile, RunFolder};
use crate::text::printable;
use crate::train::Epoch;

/// Why a folder cannot be reported on.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("cannot report on this run")]
    Folder(#[from] RecordError),
    #[error(
        "{folder} is not the folder of a run: expected {} or another of its files; `host-trainer train --run {folder}` \
         writes them",
        RunFile::ALL[0].name()
    )]
    NoRun { folder: PathBuf },
    #[error("{folder} contains runs, but is not the folder of one; name one or several of them: {runs}")]
    Parent { folder: PathBuf, runs: String },
}

/// A run: the records that could be read.
#[derive(Clone, Debug)]
pub struct Run {
    pub name: String,
    pub folder: PathBuf,
    pub configuration: Option<Configuration>,
    pub history: Option<Vec<Epoch>>,
    pub outcome: Option<Outcome>,
    /// True if the folder has a cascade, which has no training of its own.
    pub is_cascade: bool,
    pub cascade: Option<CascadeRecord>,
    pub evaluation: Option<Evaluation>,
    pub quantization: Option<Quantization>,
    pub history_plot: Option<String>,
    pub confusion_plot: Option<String>,
    pub mistakes_plot: Option<String>,
    /// The bytes of `model.bin`, which parse.
    pub model: Option<Vec<u8>>,
    pub parity: Vec<ModelParity>,
    /// The costs of its model on boards.
    pub bench: Vec<BoardCost>,
    pub missing: Vec<Missing>,
}

/// Loads the runs in `folders`, in their order, each with a distinct name.
///
/// # Errors
///
/// Returns an error if one of the folders contains no file of a run. Missing and damaged files are
/// not an error.
pub fn load(folders: &[PathBuf]) -> Result<Vec<Run>, RunError> {
    folders.iter().zip(names(folders)).map(|(folder, name)| Run::load(folder, name)).collect()
}

/// Returns the last part of each path, or the whole paths if two parts are equal.
fn names(folders: &[PathBuf]) -> Vec<String> {
    let last = |folder: &PathBuf| {
        // `.` gets the folder's real name.
        let whole = absolute(folder).unwrap_or_else(|_| folder.clone());
        whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
    };
    let short: Vec<String> = folders.iter().map(last).collect();
    let is_alone = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    if short.iter().all(is_alone) {
        short.iter().map(|name| printable(name)).collect()
    } else {
        folders.iter().map(|folder| printable(&folder.display().to_string())).collect()
    }
}

/// Names the first of `folders`, and the count of the others.
fn list(folders: &[PathBuf]) -> String {
    let (first, rest) = folders.split_at(folders.len().min(MAX_LISTED));
    let names: Vec<String> = first.iter().map(quoted).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    names.join(" ") + &rest
}

/// Most folders of runs that an error names.
const MAX_LISTED: usize = 5;

impl Run {
    fn load(path: &Path, name: String) -> Result<Self, RunError> {
        let folder = RunFolder::at(path.to_owned());
        let parity_files = folder.parity_files()?;
        if !folder.files().any(|file| file.exists()) {
            let (folder, runs) = (path.to_owned(), folder.runs_inside());
            if runs.is_empty() {
                return Err(RunError::NoRun { folder });
            }
            return Err(RunError::Parent { folder, runs: list(&runs) });
        }

        let configuration: Result<Configuration, _> = folder.read(RunFile::Configuration);
        let outcome: Result<Outcome, _> = folder.read(RunFile::Outcome);
        let cascade: Result<CascadeRecord, _> = folder.read(RunFile::Cascade);
        // All files that contain a model's id must have this one.
        let id = outcome.as_ref().ok().map(|outcome| &outcome.model_id);
        let id = id.or(cascade.as_ref().ok().map(|cascade| &cascade.model_id)).cloned();
        let model = read_model(&folder, id.as_deref());
        let is_cascade = match &model {
            Ok(bytes) => is_cascade(bytes),
            Err(_) => outcome.is_err() && !matches!(cascade, Err(RecordError::Missing { .. })),
        };
        let command = match (&configuration, &cascade) {
            (Ok(configuration), _) => &configuration.command[..],
            (Err(_), Ok(cascade)) => &cascade.command,
            _ => &[],
        };
        let train = commands::repeating(command, if is_cascade { "cascade" } else { "train" }, path);
        let can_be_evaluated = (outcome.is_ok() || is_cascade) && model.is_ok();
        let evaluate =
            can_be_evaluated.then(|| commands::evaluate(&folder.file(RunFile::Model), is_cascade.then_some(path)));
        let mut missing = MissingFiles { run: name.clone(), is_cascade, train, evaluate, files: Vec::new() };
        let configuration = missing.keep(RunFile::Configuration, configuration);
        let history = missing.keep(RunFile::History, folder.read(RunFile::History));
        let outcome = missing.keep(RunFile::Outcome, outcome);
        let cascade = if is_cascade { missing.keep(RunFile::Cascade, cascade) } else { None };
        // A cascade without a record: its model decides which evaluation is its own.
        let of_cascade = model.as_ref().ok().filter(|_| is_cascade).and_then(|bytes| Model::parse(bytes).ok());
        let own_id = id.clone().or_else(|| of_cascade.map(|model| model.id().to_string()));
        let evaluation = folder.read(RunFile::Evaluation).and_then(|evaluation: Evaluation| {
            of_model(folder.file(RunFile::Evaluation), &evaluation.model_id, own_id.as_deref())?;
            Ok(evaluation)
        });
        let evaluation = missing.keep(RunFile::Evaluation, evaluation);
        let quantization = missing.keep(RunFile::Quantization, folder.read(RunFile::Quantization));
        let _ = missing.keep(RunFile::Weights, folder.read_weights(id.as_deref()));
        let mut plot = |file| missing.keep(file, read_svg(&folder, file));
        let history_plot = plot(RunFile::HistoryPlot);
        let confusion_plot = plot(RunFile::ConfusionPlot);
        let mistakes_plot = plot(RunFile::MistakesPlot);
        let model = missing.keep(RunFile::Model, model);

        let mut parity = Vec::new();
        for file in parity_files {
            match folder.read_parity(file) {
                Ok(read) => parity.push(read),
                Err(error) => missing.note(&error, "the report lacks one device's parity", commands::parity(path)),
            }
        }
        let bench = folder.read_bench().unwrap_or_else(|error| {
            missing.note(&error, "the report lacks the instructions on boards", commands::bench(path));
            Vec::new()
        });
        let vectors = model.as_deref().and_then(vectors_id);
        let is_own = |board: &BoardCost| [&own_id, &vectors].into_iter().flatten().any(|id| *id == board.model);
        let (bench, others): (Vec<_>, Vec<_>) = bench.into_iter().partition(is_own);
        if let (Some(other), Some(own)) = (others.first(), &own_id) {
            let error = of_model(path.join(BENCH), &other.model, Some(own));
            let consequence = "the report lacks the instructions of these boards";
            error.map_or_else(|error| missing.note(&error, consequence, commands::bench(path)), drop);
        }
        Ok(Self {
            name,
            folder: path.to_owned(),
            configuration,
            history,
            outcome,
            is_cascade,
            cascade,
            evaluation,
            quantization,
            history_plot,
            confusion_plot,
            mistakes_plot,
            model,
            parity,
            bench,
            missing: missing.files,
        })
    }

    /// Returns the run's model, if it could be read.
    pub fn parsed(&self) -> Option<Model<'_>> {
        Model::parse(self.model.as_deref()?).ok()
    }

    /// Returns the id of the run's model, if it is known.
    pub fn model_id(&self) -> Option<String> {
        let of_model = || Some(self.parsed()?.id().to_string());
        self.outcome.as_ref().map(|outcome| outcome.model_id.clone()).or_else(of_model)
    }

    /// Returns the size of the run's model, if it is known.
    pub fn model_bytes(&self) -> Option<usize> {
        self.outcome.as_ref().map(|outcome| outcome.model_bytes).or_else(|| self.model.as_ref().map(Vec::len))
    }

    /// Returns the command that trained or combined the networks, if it is recorded.
    pub fn command(&self) -> Option<String> {
        let of_cascade = || Some(self.cascade.as_ref()?.command.as_slice());
        let command =
            self.configuration.as_ref().map(|configuration| configuration.command.as_slice()).or_else(of_cascade)?;
        (!command.is_empty()).then(|| commands::trainer(command))
    }
}

/// Reads a plot, and checks that both ends of the file are those of an SVG.
fn read_svg(folder: &RunFolder, file: RunFile) -> Result<String, RecordError> {
    let text = folder.read_text(file)?;
    let is_whole = text.trim_start().starts_with('<') && text.contains("<svg") && text.trim_end().ends_with("</svg>");
    if is_whole { Ok(text) } else { Err(content(folder.file(file), "expected a complete SVG")) }
}

/// Reads the model, and checks that it is the one with this `id`.
fn read_model(folder: &RunFolder, id: Option<&str>) -> Result<Vec<u8>, RecordError> {
    let bytes = folder.read_bytes(RunFile::Model)?;
    let path = folder.file(RunFile::Model);
    let found = Model::parse(&bytes).map(|model| model.id().to_string());
    of_model(path.clone(), &found.map_err(|error| content(path, error))?, id)?;
    Ok(bytes)
}

/// Returns the id of the same model with its weights in vectors, which the Cortex-M55 runs.
fn vectors_id(model: &[u8]) -> Option<String> {
    let (bytes, _) = reorder(&Model::parse(model).ok()?, Some(WeightOrder::Vectors), None).ok()?;
    Some(Model::parse(&bytes).ok()?.id().to_string())
}

fn is_cascade(model: &[u8]) -> bool {
    Model::parse(model).is_ok_and(|model| model.networks().len() > 1)
}

/// Checks that a file that names the model `found` belongs to the run's model.
fn of_model(path: PathBuf, found: &str, expected: Option<&str>) -> Result<(), RecordError> {
    match expected {
        Some(expected) if expected != found => {
            Err(content(path, format!("it belongs to model {found}, but the run's model is {expected}")))
        }
        _ => Ok(()),
    }
}

fn content(path: PathBuf, reason: impl ToString) -> RecordError {
    RecordError::Content { path, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_distinct() {
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(names(&paths(&["runs/a/", "b"])), ["a", "b"]);
        assert_eq!(names(&paths(&["x/run", "y/run", "z"])), ["x/run", "y/run", "z"]);
        assert_eq!(names(&paths(&["/"])), ["/"]);
        assert_ne!(names(&paths(&["."])), ["."]);
    }

    #[test]
    fn a_folder_without_a_run_is_refused_and_an_incomplete_run_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = [folder.path().to_owned()];
        std::fs::write(folder.path().join("other"), "x").unwrap();
        assert!(matches!(load(&path), Err(RunError::NoRun { .. })));
        for index in 0..7 {
            let run = folder.path().join(format!("run-{index}"));
            std::fs::create_dir(&run).unwrap();
            std::fs::write(run.join("config.json"), "x").unwrap();
        }
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("run-0") && error.contains("run-4 and 2 more"), "{error}");
        assert!(!error.contains("run-5") && !error.contains("--run"), "{error}");
        assert!(matches!(load(&[folder.path().join("absent")]), Err(RunError::Folder(_))));
        std::fs::write(folder.path().join("history.json"), "[]").unwrap();
        std::fs::write(folder.path().join("history.svg"), "<svg>").unwrap();
        std::fs::write(folder.path().join("parity-x.json"), "{").unwrap();
        let runs = load(&path).unwrap();
        assert_eq!(runs[0].history, Some(vec![]));
        // All files except the history, plus the damaged comparison.
        assert_eq!(runs[0].missing.len(), RunFile::ALL.len());
        assert!(
            runs[0]
                .missing
                .iter()
                .any(|missing| missing.file.ends_with("history.svg") && missing.problem.contains("SVG"))
        );
    }
}
