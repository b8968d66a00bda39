//! The folder: which files it has, and reading and writing them.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::SafeTensorError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::weights;
use crate::limits::MAX_HEADER_BYTES;
use crate::limits::{MAX_MODEL_BYTES, MAX_WEIGHT_BYTES};
use crate::network::{DenseParameters, join_widths};
use crate::quantize::WeightBits;
use crate::support::bounded;
use crate::support::files::{self, WriteError};
use crate::text::printable;
use crate::train::{Recipe, TrainConfig};

/// A record that is read back from JSON.
pub trait Record: DeserializeOwned {
    /// The first field whose value cannot be, if there is one.
    fn outside(&self) -> Option<&'static str>;
}

/// Bytes that a record may have: most are far smaller, but a history of all epochs that can be
/// asked for.
pub const MAX_RECORD_BYTES: u64 = 64 << 20;

/// Why a run cannot be recorded, or a record not be read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Two runs in one folder would end as a mixture of both.
    #[error("another host-trainer writes to {folder}: wait for it or choose another --run")]
    Busy {
        /// The run's folder.
        folder: PathBuf,
    },
    /// A record cannot be written as JSON.
    #[error("cannot write the run as JSON")]
    Json(#[from] serde_json::Error),
    /// The weights cannot be written as safetensors.
    #[error("cannot write the weights as safetensors")]
    Weights(#[from] SafeTensorError),
    /// A file is not there.
    #[error("{path} is missing; `host-trainer train --run {folder}` leaves it")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The run's folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file is not what its name says.
    #[error(
        "{path} is damaged, or of another version of this program ({reason}); train again with --run, or import again"
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A file of a run's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunFile {
    /// What was asked for.
    Configuration,
    /// How training went.
    History,
    /// What came of it.
    Outcome,
    /// The test split in fixed point.
    Evaluation,
    /// Ranges and error of each layer.
    Quantization,
    /// The float network.
    Weights,
    /// Accuracy and loss over the epochs.
    HistoryPlot,
    /// The confusion matrix.
    ConfusionPlot,
    /// The most confident mistakes.
    MistakesPlot,
    /// The integer network. Last: where it is, all others are.
    Model,
}

impl RunFile {
    /// All that training leaves, in the order in which they get their names.
    pub const ALL: [Self; 10] = [
        Self::Configuration,
        Self::History,
        Self::Outcome,
        Self::Evaluation,
        Self::Quantization,
        Self::Weights,
        Self::HistoryPlot,
        Self::ConfusionPlot,
        Self::MistakesPlot,
        Self::Model,
    ];

    /// Its name in the folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "config.json",
            Self::History => "history.json",
            Self::Outcome => "result.json",
            Self::Evaluation => "evaluation.json",
            Self::Quantization => "quantization.json",
            Self::Weights => "weights.safetensors",
            Self::HistoryPlot => "history.svg",
            Self::ConfusionPlot => "confusion.svg",
            Self::MistakesPlot => "mistakes.svg",
            Self::Model => "model.bin",
        }
    }

    /// Bytes that it may have.
    fn most_bytes(self) -> u64 {
        match self {
            Self::Weights => 4 * MAX_WEIGHT_BYTES as u64 + MAX_HEADER_BYTES,
            Self::Model => MAX_MODEL_BYTES,
            _ => MAX_RECORD_BYTES,
        }
    }
}

/// A folder that records a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held by whoever writes a run there: see [`RunFolder::create`].
    _lock: Option<Arc<File>>,
}

impl RunFolder {
    /// The folder for a run of `config`, which is the same whenever the same is trained.
    pub fn default_path(config: &TrainConfig) -> PathBuf {
        let (hidden, backend) = (join_widths(&config.hidden, "-"), config.backend.name());
        let recipe = match config.recipe {
            Recipe::Lecture => "",
            Recipe::Best => "best-",
        };
        let mut name = match &config.from {
            Some(model) => format!("{hidden}-from-{model}-"),
            None => format!("{hidden}-{}-epochs-{recipe}", config.epochs),
        };
        if config.teacher.is_some() {
            name += "taught-";
        }
        if config.sparsity > 0.0 {
            name += &format!("sparse-{}-", config.sparsity);
        }
        if config.weight_bits != WeightBits::Eight {
            name += &format!("{}-bits-", u8::from(config.weight_bits));
        }
        if config.qat_epochs > 0 {
            name += &format!("qat-{}-", config.qat_epochs);
        }
        Path::new("runs").join(format!("{name}{backend}-seed-{}", config.seed))
    }

    /// The folder at `path`, whatever it holds.
    pub fn at(path: PathBuf) -> Self {
        Self { path, _lock: None }
    }

    /// The folder that `model` lies in, if that is a run's and the model is the one that came of
    /// it.
    ///
    /// # Errors
    ///
    /// Where the folder does not tell, as what came of its run cannot be read.
    pub fn of_model(model: &Path, model_id: &str) -> Result<Option<Self>, RecordError> {
        let Some(path) = model.parent() else { return Ok(None) };
        let folder = Self::at(path.to_owned());
        match folder.read::<super::Outcome>(RunFile::Outcome) {
            Ok(outcome) => Ok((outcome.model_id == model_id).then_some(folder)),
            Err(RecordError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates the folder where there is none yet, and checks that it can be written to. Until this
    /// value and its clones are dropped no other process can do the same.
    ///
    /// # Errors
    ///
    /// Where it cannot, or another process writes there.
    pub fn create(path: PathBuf) -> Result<Self, RecordError> {
        files::create_folder(&path)?;
        let folder = Self { _lock: lock(&path)?.map(Arc::new), path };
        folder.files().try_for_each(|file| files::check_writable(&file))?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where one of its files is.
    pub fn file(&self, file: RunFile) -> PathBuf {
        self.path.join(file.name())
    }

    /// Where all of its files are.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        RunFile::ALL.into_iter().map(|file| self.file(file))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// Where there is none, or it cannot be read.
    pub fn read_bytes(&self, file: RunFile) -> Result<Vec<u8>, RecordError> {
        let path = self.file(file);
        bounded::read(&path, file.most_bytes()).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RecordError::Missing { path, folder: self.path.clone() },
            _ => RecordError::Read { path, source },
        })
    }

    /// A file that is text.
    ///
    /// # Errors
    ///
    /// As [`read_bytes`](Self::read_bytes), and where it is no text.
    pub fn read_text(&self, file: RunFile) -> Result<String, RecordError> {
        String::from_utf8(self.read_bytes(file)?).map_err(|error| self.damaged(file, error))
    }

    /// The record that a JSON file holds.
    ///
    /// # Errors
    ///
    /// As [`read_bytes`](Self::read_bytes), and where it is another record.
    pub fn read<T: Record>(&self, file: RunFile) -> Result<T, RecordError> {
        parse(self.file(file), &self.read_bytes(file)?)
    }

    /// The float network that the run's model came of, which is `model_id`, if that is known.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and where another model came of it.
    pub fn read_weights(&self, model_id: Option<&str>) -> Result<Vec<DenseParameters>, RecordError> {
        let file = RunFile::Weights;
        let weights = weights::decode(&self.read_bytes(file)?);
        let weights = weights.ok_or_else(|| self.damaged(file, "no network of dense layers"))?;
        match (weights.model_id, model_id) {
            (Some(found), Some(expected)) if found != expected => {
                Err(self.damaged(file, format!("it is of model {found}, and that of result.json is {expected}")))
            }
            _ => Ok(weights.layers),
        }
    }

    /// That one of its files is not what its name says.
    pub fn damaged(&self, file: RunFile, reason: impl ToString) -> RecordError {
        RecordError::Content { path: self.file(file), reason: printable(&reason.to_string()) }
    }
}

/// The lock of the folder at `path`, which leaves nothing behind; none where the system or its disk
/// locks no folders.
fn lock(path: &Path) -> Result<Option<File>, RecordError> {
    let Ok(folder) = File::open(path) else { return Ok(None) };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Err(RecordError::Busy { folder: path.to_owned() }),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// The record that the `bytes` of the file at `path` are.
pub fn parse<T: Record>(path: PathBuf, bytes: &[u8]) -> Result<T, RecordError> {
    let reason = match serde_json::from_slice::<T>(bytes) {
        Ok(record) => match record.outside() {
            Some(field) => format!("{field} is out of its range"),
            None => return Ok(record),
        },
        Err(error) => printable(&error.to_string()),
    };
    Err(RecordError::Content { path, reason })
}

/// A record as a file's bytes.
///
/// # Errors
///
/// Where it cannot be JSON.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, RecordError> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::super::{Configuration, Outcome};
    use super::*;
    use crate::train::Stop;
    use crate::train::tests::config;

    #[test]
    fn the_default_path_says_what_was_trained() {
        let mut config = TrainConfig { hidden: vec![512, 256], seed: 7, ..config() };
        assert_eq!(RunFolder::default_path(&config), Path::new("runs/512-256-6-epochs-flex-seed-7"));
        config.seed = 8;
        assert_eq!(RunFolder::default_path(&config), Path::new("runs/512-256-6-epochs-flex-seed-8"));
        config.recipe = Recipe::Best;
        assert_eq!(RunFolder::default_path(&config), Path::new("runs/512-256-6-epochs-best-flex-seed-8"));
    }

    #[test]
    fn records_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path().to_owned());
        let config = TrainConfig { learning_rate: 1e-7, stop_at_train_accuracy: Some(0.1 + 0.2), ..config() };
        let configuration = Configuration {
            train: config,
            validation: 3,
            rows: 6,
            columns: 5,
            classes: vec!["<b>\u{e9}\u{0}".to_owned()],
            data_sha256: String::new(),
            test_sha256: String::new(),
            versions: BTreeMap::new(),
        };
        fs::write(run.file(RunFile::Configuration), json(&configuration).unwrap()).unwrap();
        assert_eq!(run.read::<Configuration>(RunFile::Configuration).unwrap(), configuration);
        let stop = Stop::TrainAccuracy { threshold: 1.0, accuracy: 1.0 / 3.0 };
        let outcome = Outcome {
            model_id: String::new(),
            model_bytes: 0,
            parameters: 0,
            epochs: 1,
            kept_epoch: 1,
            stop,
            train_accuracy_float: 0.1 + 0.2,
            test_accuracy_float: 0.0,
            test_accuracy_fixed: 1.0,
            predictions_changed: 0,
            train_seconds: 0.5,
        };
        fs::write(run.file(RunFile::Outcome), json(&outcome).unwrap()).unwrap();
        assert_eq!(run.read::<Outcome>(RunFile::Outcome).unwrap(), outcome);
        for bad in [1e308, -5.0, -f64::MIN_POSITIVE] {
            let bad = Outcome { test_accuracy_fixed: bad, ..outcome.clone() };
            fs::write(run.file(RunFile::Outcome), json(&bad).unwrap()).unwrap();
            let error = run.read::<Outcome>(RunFile::Outcome).unwrap_err().to_string();
            assert!(
                error.contains("result.json is damaged") && error.contains("test_accuracy_fixed is out"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_there_or_not_what_it_should_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().join("run")).unwrap();
        let message = |run: &RunFolder| run.read::<Outcome>(RunFile::Outcome).unwrap_err().to_string();
        assert!(message(&run).contains("result.json is missing"), "{}", message(&run));
        fs::write(run.file(RunFile::Outcome), "{}").unwrap();
        assert!(message(&run).contains("result.json is damaged"), "{}", message(&run));
        fs::write(run.file(RunFile::Weights), "x").unwrap();
        assert!(matches!(run.read_weights(None), Err(RecordError::Content { .. })));
    }
}
