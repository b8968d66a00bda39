//! The files of a run that cannot be read, and the commands that restore them.

use std::error::Error;

use serde::Serialize;

use crate::run::{RecordError, RunFile};
use crate::text::printable;

/// A file that is missing or damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    pub run: String,
    /// The file, with its folder.
    pub file: String,
    pub problem: String,
    pub consequence: &'static str,
    pub remedy: String,
}

/// Collects the files that cannot be read.
pub struct MissingFiles {
    pub run: String,
    /// True if the model is a cascade: its folder has no files of a training.
    pub is_cascade: bool,
    /// The command that writes the whole run.
    pub train: String,
    /// The command that writes the evaluation, if the model can be evaluated.
    pub evaluate: Option<String>,
    pub files: Vec<Missing>,
}

impl MissingFiles {
    /// Returns the value that was read; if reading failed, notes the file as missing.
    pub fn keep<T>(&mut self, file: RunFile, read: Result<T, RecordError>) -> Option<T> {
        let is_of_evaluation = matches!(file, RunFile::Evaluation | RunFile::ConfusionPlot | RunFile::MistakesPlot);
        let is_needed = is_of_evaluation || file == RunFile::Model;
        if self.is_cascade && !is_needed && matches!(read, Err(RecordError::Missing { .. })) {
            return None;
        }
        read.map_err(|error| self.note(&error, consequence(file), self.remedy(file))).ok()
    }

    fn remedy(&self, file: RunFile) -> String {
        let evaluate = match file {
            RunFile::Evaluation | RunFile::ConfusionPlot | RunFile::MistakesPlot => self.evaluate.as_ref(),
            _ => None,
        };
        evaluate.unwrap_or(&self.train).clone()
    }

    /// Notes the file that `error` is about.
    pub fn note(&mut self, error: &RecordError, consequence: &'static str, remedy: String) {
        let (path, problem) = match error {
            RecordError::Missing { path, .. } => (path.display().to_string(), "is missing".to_owned()),
            RecordError::Read { path, source } => (path.display().to_string(), format!("cannot be read ({source})")),
            RecordError::Content { path, reason } => {
                (path.display().to_string(), format!("is damaged, or from another version of this program ({reason})"))
            }
            other => (String::new(), other.source().map_or_else(|| other.to_string(), ToString::to_string)),
        };
        let (file, problem, remedy) = (printable(&path), printable(&problem), printable(&remedy));
        self.files.push(Missing { run: self.run.clone(), file, problem, consequence, remedy });
    }
}

/// Returns the effect of a missing `file` on the report.
fn consequence(file: RunFile) -> &'static str {
    match file {
        RunFile::Configuration => "the report lacks the configuration and the versions",
        RunFile::History => "the report lacks the table of the epochs",
        RunFile::Outcome => "the report lacks the results of training",
        RunFile::Evaluation => "the report lacks the sample images and the results of each class",
        RunFile::Quantization => "the report lacks the ranges and errors of the layers",
        RunFile::Weights => "the report is complete, but the float network cannot be used again",
        RunFile::Cascade => "the report lacks the images that the margins were chosen on",
        RunFile::HistoryPlot => "the report draws the curves from history.json, if it can be read",
        RunFile::ConfusionPlot => "the report draws the matrix from evaluation.json, if it can be read",
        RunFile::MistakesPlot => "the report shows the images of evaluation.json, if it contains them",
        RunFile::Model => {
            "no device can run the network; if training was interrupted while writing, other files may be from \
             another run"
        }
    }
}
