//! `progress.jsonl`: a training in progress, for other processes: first its plan, then a line for
//! each epoch. It is removed when the run is written; a program that is killed leaves it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder::{LOCK_FILE, MAX_RECORD_BYTES, Record, RecordError, RunFolder};
use crate::support::bounded;
use crate::text::{count, duration, printable};
use crate::train::Epoch;

/// The file in the folder of a run.
pub const PROGRESS: &str = "progress.jsonl";

/// The first line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The name of the network in plots.
    pub network: String,
    /// The most epochs.
    pub epochs: u32,
    /// Training images of an epoch; 0 if unknown.
    pub images: usize,
}

impl Planned {
    /// Describes the speed of `epoch`, and the time that the epochs after it would take at that
    /// speed, unless the images are unknown.
    pub fn pace(&self, epoch: &Epoch) -> String {
        if self.images == 0 {
            return "speed unknown".to_owned();
        }
        let speed = count((self.images as f64 / epoch.seconds.max(1e-9)) as u64);
        let left = f64::from(self.epochs.saturating_sub(epoch.epoch)) * epoch.seconds;
        let left = if left > 0.0 { format!(", {} left", duration(left)) } else { String::new() };
        format!("{speed} images/s{left}")
    }
}

/// A training in progress.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub planned: Planned,
    pub history: Vec<Epoch>,
}

/// Writes the file, and removes it when it is dropped.
#[derive(Debug)]
pub struct ProgressFile {
    path: PathBuf,
    /// `None` after an error: the file is for spectators, and training goes on without it.
    file: Option<File>,
}

impl ProgressFile {
    /// Creates the file in `folder`, in place of one that an earlier training left.
    pub fn create(folder: &RunFolder, planned: &Planned) -> Self {
        let path = folder.path().join(PROGRESS);
        // Not a file that a link leads to.
        let _ = fs::remove_file(&path);
        let file = OpenOptions::new().append(true).create_new(true).open(&path).ok();
        let mut progress = Self { path, file };
        progress.append(planned);
        progress
    }

    /// Adds a line. One call writes it, so that few readers see a part of it.
    pub fn append(&mut self, line: &impl Serialize) {
        let Ok(mut bytes) = serde_json::to_vec(line) else { return };
        bytes.push(b'\n');
        if self.file.as_mut().is_some_and(|file| file.write_all(&bytes).is_err()) {
            self.file = None;
        }
    }
}

impl Drop for ProgressFile {
    fn drop(&mut self) {
        // Windows removes no open file.
        self.file = None;
        let _ = fs::remove_file(&self.path);
    }
}

impl RunFolder {
    /// Reads the training in progress; `None` before the first line of the file is complete.
    pub fn read_progress(&self) -> Result<Option<Progress>, RecordError> {
        let path = self.path().join(PROGRESS);
        let bytes = match bounded::read(&path, MAX_RECORD_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RecordError::Read { path, source }),
        };
        parse(&bytes).map_err(|reason| RecordError::Content { path, reason })
    }

    /// Returns true if a process writes this run, or if locks cannot be read.
    pub fn is_being_written(&self) -> bool {
        // Held for an instant only; `RunFolder::create` waits for it.
        let is_held = |path: &Path| File::open(path).is_ok_and(|file| file.try_lock_shared().is_err());
        is_held(self.path()) || is_held(&self.path().join(LOCK_FILE))
    }
}

/// Parses the complete lines.
fn parse(bytes: &[u8]) -> Result<Option<Progress>, String> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let mut lines = bytes[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let describe = |error: serde_json::Error| printable(&error.to_string());
    let Some(first) = lines.next() else { return Ok(None) };
    let planned = serde_json::from_slice(first).map_err(describe)?;
    let history: Vec<Epoch> = lines.map(serde_json::from_slice).collect::<Result<_, _>>().map_err(describe)?;
    match history.outside() {
        Some(outside) => Err(outside.to_string()),
        None => Ok(Some(Progress { planned, history })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: u32) -> Epoch {
        Epoch { epoch, loss: 0.5, accuracy: 0.75, validation_loss: None, validation_accuracy: None, seconds: 1.0 }
    }

    #[test]
    fn lines_are_read_while_others_are_added_and_then_the_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().to_owned()).unwrap();
        assert_eq!(run.read_progress().unwrap(), None);
        let planned = Planned { network: "<a>\n".to_owned(), epochs: 3, images: 100 };
        let mut file = ProgressFile::create(&run, &planned);
        for count in 0..3 {
            let read = run.read_progress().unwrap().unwrap();
            assert_eq!((read.planned, read.history.len()), (planned.clone(), count));
            file.append(&epoch(count as u32 + 1));
        }
        drop(file);
        assert_eq!(run.read_progress().unwrap(), None);
    }

    #[test]
    fn an_incomplete_line_is_not_read_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path().to_owned());
        let planned = r#"{"network":"a","epochs":2,"images":7}"#;
        let one = serde_json::to_string(&epoch(1)).unwrap();
        let read = |text: String| {
            fs::write(folder.path().join(PROGRESS), text).unwrap();
            run.read_progress()
        };
        for (text, count) in [
            (String::new(), None),
            (planned.to_owned(), None),
            (format!("{planned}\n"), Some(0)),
            (format!("{planned}\n{one}\n{}", &one[..9]), Some(1)),
        ] {
            assert_eq!(read(text).unwrap().map(|progress| progress.history.len()), count);
        }
        for damaged in [format!("{planned}\nx\n"), format!("{planned}\n{}\n", one.replace("0.75", "7.5"))] {
            let error = read(damaged).unwrap_err().to_string();
            assert!(error.contains("progress.jsonl is damaged"), "{error}");
        }
    }

    #[test]
    fn the_pace_of_an_epoch_gives_the_time_left() {
        let planned = Planned { network: String::new(), epochs: 5, images: 60_000 };
        assert_eq!(planned.pace(&Epoch { seconds: 1.5, ..epoch(3) }), "40,000 images/s, 3 s left");
        assert_eq!(planned.pace(&Epoch { seconds: 2.0, ..epoch(5) }), "30,000 images/s");
    }

    #[test]
    fn a_run_is_being_written_while_its_folder_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let reader = RunFolder::at(folder.path().to_owned());
        assert!(!reader.is_being_written());
        let writer = RunFolder::create(folder.path().to_owned()).unwrap();
        assert!(reader.is_being_written());
        drop(writer);
        assert!(!reader.is_being_written());
    }
}
