//! The folder of a run: its files, and reading them.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, process, thread};

use safetensors::SafeTensorError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::{Configuration, Outcome, weights};
use crate::limits::{MAX_HEADER_BYTES, MAX_MODEL_BYTES, MAX_WEIGHT_BYTES};
use crate::network::DenseParameters;
use crate::support::bounded;
use crate::support::files::{self, WriteError};
use crate::support::range::Outside;
use crate::text::printable;

/// A record in a JSON file.
pub trait Record: DeserializeOwned {
    /// Returns the first field that is out of its range, if there is one.
    fn outside(&self) -> Option<Outside>;
}

/// Most bytes of a record. Only a history of very many epochs comes near it.
pub const MAX_RECORD_BYTES: u64 = 64 << 20;

/// Attempts to lock a folder, and the time between them: `watch` holds the lock for an instant.
const LOCK_ATTEMPTS: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Why a run cannot be recorded or read.
#[derive(Debug, Error)]
pub enum RecordError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("another host-trainer writes to {folder}; wait for it, or choose another --run")]
    Busy { folder: PathBuf },
    #[error("cannot write the run as JSON")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the weights as safetensors")]
    Weights(#[from] SafeTensorError),
    #[error("{path} is missing; `host-trainer train --run {folder}` writes it")]
    Missing { path: PathBuf, folder: PathBuf },
    #[error(
        "{folder} is the folder of a cascade, expected that of a training; name the run of one of its networks, which \
         {} lists",
        RunFile::Cascade.name()
    )]
    Cascade { folder: PathBuf },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{path} is damaged, or from another version of this program ({reason}); train again with --run, or import again"
    )]
    Content { path: PathBuf, reason: String },
}

/// A file of a run's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunFile {
    Configuration,
    History,
    Outcome,
    Evaluation,
    Quantization,
    Weights,
    HistoryPlot,
    ConfusionPlot,
    MistakesPlot,
    /// The record of a cascade, in place of the files of a training.
    Cascade,
    /// The integer network. Written last: if it exists, all others do.
    Model,
}

impl RunFile {
    /// All files that training writes, in the order in which they get their names.
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

    /// The plots.
    pub const PLOTS: [Self; 3] = [Self::HistoryPlot, Self::ConfusionPlot, Self::MistakesPlot];

    /// All files of a cascade, in the order in which they get their names.
    pub const OF_CASCADE: [Self; 5] =
        [Self::Cascade, Self::Evaluation, Self::ConfusionPlot, Self::MistakesPlot, Self::Model];

    /// Returns the file's name in the folder.
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
            Self::Cascade => "cascade.json",
            Self::Model => "model.bin",
        }
    }

    fn max_bytes(self) -> u64 {
        match self {
            Self::Weights => 4 * MAX_WEIGHT_BYTES as u64 + MAX_HEADER_BYTES,
            Self::Model => MAX_MODEL_BYTES,
            _ => MAX_RECORD_BYTES,
        }
    }
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held while a run is written: see [`RunFolder::create`].
    _lock: Option<Arc<File>>,
}

impl RunFolder {
    /// Returns the folder at `path`, without checking its content.
    pub fn at(path: PathBuf) -> Self {
        Self { path, _lock: None }
    }

    /// Returns the folder that contains `model` if it is a run's, and the model is the run's.
    pub fn of_model(model: &Path, model_id: &str) -> Result<Option<Self>, RecordError> {
        let Some(path) = model.parent() else { return Ok(None) };
        let folder = Self::at(path.to_owned());
        match folder.read::<Outcome>(RunFile::Outcome) {
            Ok(outcome) => Ok((outcome.model_id == model_id).then_some(folder)),
            Err(RecordError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the folders of runs directly inside this one, sorted by name.
    pub fn runs_inside(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten().map(|entry| Self::at(entry.path()));
        let is_run = |folder: &Self| {
            [RunFile::Configuration, RunFile::Cascade].into_iter().any(|file| folder.file(file).exists())
        };
        let mut runs: Vec<_> = entries.filter(is_run).map(|folder| folder.path).collect();
        runs.sort();
        runs
    }

    /// Creates the folder if it does not exist, and checks that it can be written to. Until this
    /// value and its clones are dropped, no other process can create the same folder: two runs in
    /// one folder would mix their files.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be written to, or if another process writes there.
    pub fn create(path: PathBuf) -> Result<Self, RecordError> {
        files::create_folder(&path)?;
        let folder = Self { _lock: lock(&path)?.map(Arc::new), path };
        folder.files().try_for_each(|file| files::check_writable(&file))?;
        Ok(folder)
    }

    /// Returns the folder for an interrupted run of `epochs`: this one, or a new one next to it if
    /// this one contains a finished run, or an interrupted one that got further.
    ///
    /// # Errors
    ///
    /// Returns an error if the new folder cannot be written to.
    pub fn for_interrupted(&self, epochs: u32) -> Result<Self, RecordError> {
        let is_less = |old: Outcome| old.stop.is_interruption() && old.epochs <= epochs;
        if !self.file(RunFile::Model).exists() || self.read(RunFile::Outcome).is_ok_and(is_less) {
            return Ok(self.clone());
        }
        // `.` and `..` have no name.
        let whole = self.path.file_name().is_none().then(|| fs::canonicalize(&self.path).ok()).flatten();
        let own = whole.as_deref().unwrap_or(&self.path);
        let name = |number: u32| format!("{}-interrupted-{number}", own.file_name().unwrap_or_default().display());
        let path = (1..).map(|number| own.with_file_name(name(number))).find(|path| !path.exists());
        // The place of the run's folder may not be writable.
        let elsewhere = || Self::create(env::temp_dir().join(format!("prenda-interrupted-{}", process::id())));
        path.map_or_else(elsewhere, |path| Self::create(path).or_else(|_| elsewhere()))
    }

    /// Describes the run in the folder, if it is not one of `expected`; the versions of programs do
    /// not count. Files that the program would replace and did not write count as a run.
    pub fn other_run(&self, expected: &Configuration) -> Option<String> {
        if !self.path.is_dir() {
            return None;
        }
        let recorded = match self.read::<Configuration>(RunFile::Configuration) {
            Ok(recorded) => recorded,
            Err(RecordError::Missing { .. }) => {
                let file = RunFile::ALL.into_iter().find(|file| self.file(*file).exists())?;
                return Some(format!("{}, but no {}", file.name(), RunFile::Configuration.name()));
            }
            Err(_) => return Some(format!("a damaged {}", RunFile::Configuration.name())),
        };
        recorded.difference(expected).map(|difference| format!("another run ({difference})"))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, file: RunFile) -> PathBuf {
        self.path.join(file.name())
    }

    /// Returns the paths of all files that a run or a cascade can have.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        RunFile::ALL.into_iter().chain([RunFile::Cascade]).map(|file| self.file(file))
    }

    /// Reads the bytes of a file.
    pub fn read_bytes(&self, file: RunFile) -> Result<Vec<u8>, RecordError> {
        let path = self.file(file);
        bounded::read(&path, file.max_bytes()).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RecordError::Missing { path, folder: self.path.clone() },
            _ => RecordError::Read { path, source },
        })
    }

    pub fn read_text(&self, file: RunFile) -> Result<String, RecordError> {
        String::from_utf8(self.read_bytes(file)?).map_err(|error| self.damaged(file, error))
    }

    /// Reads the record in a JSON file.
    pub fn read<T: Record>(&self, file: RunFile) -> Result<T, RecordError> {
        parse(self.file(file), &self.read_bytes(file)?)
    }

    /// Reads the float network, and checks that it belongs to `model_id`, if that is given.
    pub fn read_weights(&self, model_id: Option<&str>) -> Result<Vec<DenseParameters>, RecordError> {
        let file = RunFile::Weights;
        let weights = weights::decode(&self.read_bytes(file)?);
        let weights = weights.ok_or_else(|| self.damaged(file, "expected layers of finite numbers"))?;
        match (weights.model_id, model_id) {
            (Some(found), Some(expected)) if found != expected => {
                Err(self.damaged(file, format!("it belongs to model {found}, but result.json names model {expected}")))
            }
            _ => Ok(weights.layers),
        }
    }

    /// Returns the error for a model `found` in a folder whose `record` names model `named`.
    pub fn other_model(&self, record: RunFile, found: &str, named: &str) -> RecordError {
        self.damaged(RunFile::Model, format!("it is model {found}, but {} names model {named}", record.name()))
    }

    /// Returns the error for a file with invalid content.
    pub fn damaged(&self, file: RunFile, reason: impl ToString) -> RecordError {
        RecordError::Content { path: self.file(file), reason: printable(&reason.to_string()) }
    }
}

/// File that is locked if the folder itself cannot be, as on NFS.
pub(super) const LOCK_FILE: &str = "run.lock";

/// Locks the folder at `path` until the returned file is closed, which the system does when the
/// process ends. Returns `None` if the file system has no locks.
fn lock(path: &Path) -> Result<Option<File>, RecordError> {
    for _ in 0..LOCK_ATTEMPTS {
        let locked = match File::open(path).map(try_lock) {
            Ok(Err(TryLockError::Error(_))) | Err(_) => lock_file(path),
            Ok(locked) => Ok(locked),
        };
        match locked {
            Ok(Ok(locked)) => return Ok(Some(locked)),
            Ok(Err(TryLockError::WouldBlock)) => thread::sleep(LOCK_PAUSE),
            Ok(Err(TryLockError::Error(_))) | Err(_) => return Ok(None),
        }
    }
    Err(RecordError::Busy { folder: path.to_owned() })
}

/// Locks a file in the folder instead: NFS locks only what is open for writing.
fn lock_file(folder: &Path) -> io::Result<Result<File, TryLockError>> {
    File::options().write(true).create(true).truncate(false).open(folder.join(LOCK_FILE)).map(try_lock)
}

fn try_lock(file: File) -> Result<File, TryLockError> {
    file.try_lock().map(|()| file)
}

/// Parses the record in `bytes`, the content of the file at `path`.
pub fn parse<T: Record>(path: PathBuf, bytes: &[u8]) -> Result<T, RecordError> {
    let reason = match serde_json::from_slice::<T>(bytes) {
        Ok(record) => match record.outside() {
            Some(outside) => outside.to_string(),
            None => return Ok(record),
        },
        Err(error) => printable(&error.to_string()),
    };
    Err(RecordError::Content { path, reason })
}

/// Encodes a record as JSON.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, RecordError> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use photos::Form;

    use super::super::DataRecord;
    use super::*;
    use crate::data::{Framing, Reading, ValidationOrder};
    use crate::train::tests::config;
    use crate::train::{Stop, TrainConfig};

    #[test]
    fn records_survive_the_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path().to_owned());
        let config = TrainConfig { learning_rate: 1e-7, stop_at_train_accuracy: Some(0.1 + 0.2), ..config() };
        let configuration = Configuration {
            train: config,
            validation: 3,
            validation_order: ValidationOrder::Class,
            rows: 6,
            columns: 5,
            channels: 1,
            classes: vec!["<b>\u{e9}\u{0}".to_owned()],
            data_sha256: String::new(),
            test_sha256: String::new(),
            versions: BTreeMap::new(),
            data: Some(DataRecord {
                folder: Some("/data".into()),
                form: Form::FASHION_MNIST,
                reading: Reading::default(),
                framing: Framing::Subject,
            }),
            command: vec!["train".to_owned()],
            date: Some("2026-11-30".to_owned()),
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
            test_accuracy_before_qat: None,
            predictions_changed: 0,
            train_seconds: 0.5,
        };
        fs::write(run.file(RunFile::Outcome), json(&outcome).unwrap()).unwrap();
        assert_eq!(run.read::<Outcome>(RunFile::Outcome).unwrap(), outcome);
        for bad in [1e308, -5.0, -f64::MIN_POSITIVE] {
            let changed = Outcome { test_accuracy_fixed: bad, ..outcome.clone() };
            fs::write(run.file(RunFile::Outcome), json(&changed).unwrap()).unwrap();
            let error = run.read::<Outcome>(RunFile::Outcome).unwrap_err().to_string();
            assert!(
                error.contains("result.json is damaged")
                    && error.contains(&format!("test_accuracy_fixed is {bad:?}, expected 0..=1")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_lock_ends_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let own = lock(folder.path()).unwrap();
        assert!(own.is_some());
        assert!(matches!(lock(folder.path()), Err(RecordError::Busy { .. })));
        drop(own);
        let file = lock_file(folder.path()).unwrap();
        assert!(file.is_ok());
        assert!(matches!(lock_file(folder.path()).unwrap(), Err(TryLockError::WouldBlock)));
        drop(file);
        assert!(lock_file(folder.path()).unwrap().is_ok());
    }

    #[test]
    fn missing_and_damaged_files_are_named() {
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
