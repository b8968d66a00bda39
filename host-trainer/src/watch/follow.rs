//! Follows a training that another process does, by the files in its run's folder.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use thiserror::Error;

use crate::run::{Configuration, Outcome, PROGRESS, Planned, Progress, RecordError, RunFile, RunFolder};
use crate::train::Epoch;

/// Why a training cannot be followed.
#[derive(Debug, Error)]
pub enum WatchError {
    #[error("{folder} does not exist; `host-trainer train --run {folder}` in another terminal starts a run there")]
    Absent { folder: PathBuf },
    #[error("the training of {folder} is finished; `host-trainer report {folder}` shows it")]
    Finished { folder: PathBuf },
    #[error(
        "no process trains {folder}: its training ended without a result after epoch {epoch}; \
         `host-trainer train --run {folder}` starts again"
    )]
    Dead { folder: PathBuf, epoch: usize },
    #[error("no process trains {folder}; `host-trainer train --run {folder}` in another terminal starts a run there")]
    Idle { folder: PathBuf },
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// The state of a training.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Training,
    /// Its results are in the folder.
    Finished(Box<Outcome>),
    /// It ended, and its results are not in the folder.
    Ended,
}

/// Follows the training of one run.
#[derive(Debug)]
pub struct Follower {
    folder: RunFolder,
    /// Length and time of the file that was read last.
    stamp: Option<(u64, Option<SystemTime>)>,
    progress: Option<Progress>,
}

impl Follower {
    /// Follows the training of the run in `folder`.
    ///
    /// # Errors
    ///
    /// Returns an error if no process trains it.
    pub fn new(folder: PathBuf) -> Result<Self, WatchError> {
        if !folder.is_dir() {
            return Err(WatchError::Absent { folder });
        }
        let run = RunFolder::at(folder.clone());
        let is_written = run.is_being_written();
        match run.read_progress()? {
            // Without locks, only the file shows that a process trains.
            Some(_) if is_written => Ok(Self { folder: run, stamp: None, progress: None }),
            Some(progress) => Err(WatchError::Dead { folder, epoch: progress.history.len() }),
            // Before its first line.
            None if is_written => Ok(Self { folder: run, stamp: None, progress: None }),
            None if run.read_finished().is_ok() => Err(WatchError::Finished { folder }),
            None => Err(WatchError::Idle { folder }),
        }
    }

    /// Returns the plan and the epochs so far, once they are known.
    pub fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Reads what is new. Returns `None` if nothing is.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is damaged.
    pub fn look(&mut self) -> Result<Option<State>, WatchError> {
        // Asked first: what the process wrote before it ended is read below.
        let is_written = self.folder.is_being_written();
        let file = fs::metadata(self.folder.path().join(PROGRESS)).ok();
        let stamp = file.map(|file| (file.len(), file.modified().ok()));
        if stamp.is_some() && stamp == self.stamp {
            return Ok((!is_written).then_some(State::Ended));
        }
        match self.folder.read_progress()? {
            Some(progress) => {
                (self.stamp, self.progress) = (stamp, Some(progress));
                Ok(Some(if is_written { State::Training } else { State::Ended }))
            }
            // Not begun, or its file has no line yet.
            None if is_written && (self.progress.is_none() || stamp.is_some()) => Ok(None),
            None => Ok(Some(self.end())),
        }
    }

    /// Returns the end of a training whose file is removed, and takes its last epochs.
    fn end(&mut self) -> State {
        let history: Result<Vec<Epoch>, _> = self.folder.read(RunFile::History);
        let outcome: Result<Outcome, _> = self.folder.read(RunFile::Outcome);
        let (Ok(history), Ok(outcome)) = (history, outcome) else { return State::Ended };
        match &mut self.progress {
            // An interrupted training replaces no finished run: then this is another one.
            Some(seen) if !history.starts_with(&seen.history) => return State::Ended,
            Some(seen) => seen.history = history,
            // It ended before its first line was read.
            None => {
                let configuration: Result<Configuration, _> = self.folder.read(RunFile::Configuration);
                self.progress = configuration.ok().map(|configuration| {
                    let network = configuration.network_name();
                    Progress { planned: Planned { network, epochs: outcome.epochs, images: 0 }, history }
                });
            }
        }
        State::Finished(Box::new(outcome))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{ProgressFile, json};
    use crate::train::tests::config;

    fn epoch(epoch: u32) -> Epoch {
        Epoch { epoch, loss: 0.5, accuracy: 0.75, validation_loss: None, validation_accuracy: None, seconds: 1.0 }
    }

    fn outcome() -> Outcome {
        let outcome = serde_json::json!({
            "model_id": "01234567", "model_bytes": 1, "parameters": 1, "epochs": 2, "kept_epoch": 2, "stop": "epochs",
            "train_accuracy_float": 1.0, "test_accuracy_float": 0.5, "test_accuracy_fixed": 0.5,
            "predictions_changed": 0, "train_seconds": 1.0
        });
        serde_json::from_value(outcome).unwrap()
    }

    fn planned() -> Planned {
        Planned { network: "net".to_owned(), epochs: 2, images: 10 }
    }

    /// Looks until something is new.
    fn look(follower: &mut Follower) -> State {
        loop {
            if let Some(state) = follower.look().unwrap() {
                return state;
            }
        }
    }

    #[test]
    fn epochs_are_seen_up_to_the_result() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().to_owned()).unwrap();
        let mut follower = Follower::new(folder.path().to_owned()).unwrap();
        assert_eq!(follower.look().unwrap(), None);
        let mut file = ProgressFile::create(&run, &planned());
        assert_eq!(look(&mut follower), State::Training);
        assert_eq!(follower.look().unwrap(), None);
        file.append(&epoch(1));
        assert_eq!(look(&mut follower), State::Training);
        assert_eq!(follower.progress().unwrap().history, [epoch(1)]);
        // The last epoch is not seen before the file is removed.
        let history = vec![epoch(1), epoch(2)];
        fs::write(run.file(RunFile::History), json(&history).unwrap()).unwrap();
        fs::write(run.file(RunFile::Outcome), json(&outcome()).unwrap()).unwrap();
        drop(file);
        assert_eq!(look(&mut follower), State::Finished(Box::new(outcome())));
        assert_eq!(follower.progress().unwrap().history, history);
    }

    #[test]
    fn a_training_that_ends_before_its_first_line_is_read_has_its_curves() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().to_owned()).unwrap();
        let mut follower = Follower::new(folder.path().to_owned()).unwrap();
        assert_eq!(follower.look().unwrap(), None);
        let history = vec![epoch(1), epoch(2)];
        let configuration = serde_json::json!({
            "train": config(), "validation": 1, "rows": 2, "columns": 3, "classes": ["a", "b"], "data_sha256": "",
            "test_sha256": "", "versions": {}
        });
        fs::write(run.file(RunFile::History), json(&history).unwrap()).unwrap();
        fs::write(run.file(RunFile::Outcome), json(&outcome()).unwrap()).unwrap();
        fs::write(run.file(RunFile::Configuration), json(&configuration).unwrap()).unwrap();
        drop(run);
        assert_eq!(look(&mut follower), State::Finished(Box::new(outcome())));
        let seen = follower.progress().unwrap();
        assert_eq!((&seen.history, seen.planned.network.as_str()), (&history, "6-4-2"));
    }

    #[test]
    fn a_killed_or_diverted_training_ends() {
        let folder = tempfile::tempdir().unwrap();
        let begin = || {
            let run = RunFolder::create(folder.path().to_owned()).unwrap();
            let mut file = ProgressFile::create(&run, &planned());
            file.append(&epoch(1));
            (Follower::new(folder.path().to_owned()).unwrap(), run, file)
        };
        let (mut follower, run, file) = begin();
        assert_eq!(look(&mut follower), State::Training);
        // A killed process drops its lock, and leaves the file.
        drop(run);
        assert_eq!(look(&mut follower), State::Ended);
        drop(file);
        let (mut follower, run, file) = begin();
        assert_eq!(look(&mut follower), State::Training);
        // The results of another training.
        let other = vec![Epoch { loss: 0.25, ..epoch(1) }];
        fs::write(run.file(RunFile::History), json(&other).unwrap()).unwrap();
        fs::write(run.file(RunFile::Outcome), json(&outcome()).unwrap()).unwrap();
        drop(file);
        assert_eq!(look(&mut follower), State::Ended);
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: PathBuf| Follower::new(path).unwrap_err();
        assert!(matches!(refused(folder.path().join("absent")), WatchError::Absent { .. }));
        assert!(matches!(refused(folder.path().to_owned()), WatchError::Idle { .. }));
        let path = folder.path().join(PROGRESS);
        let lines = [serde_json::to_string(&planned()).unwrap(), serde_json::to_string(&epoch(1)).unwrap()];
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        assert!(matches!(refused(folder.path().to_owned()), WatchError::Dead { epoch: 1, .. }));
        fs::write(&path, "x\n").unwrap();
        assert!(matches!(refused(folder.path().to_owned()), WatchError::Record(_)));
    }
}
