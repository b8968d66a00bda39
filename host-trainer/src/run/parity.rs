//! `parity-DEVICE.json`: what a device made of a run's model. `cargo xtask parity` leaves it.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::folder::{MAX_RECORD_BYTES, Record, RecordError, RunFolder, parse};
use crate::support::bounded;
use crate::support::range::{first_outside, is_share};

/// A comparison of a device with the desk over the test split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceParity {
    /// Which device.
    pub device: String,
    /// The model that it held.
    pub model_id: String,
    /// Pictures compared.
    pub pictures: u64,
    /// Logits compared.
    pub logits_compared: u64,
    /// Logits that differ.
    pub logits_different: u64,
    /// Probabilities that differ.
    pub probabilities_different: u64,
    /// Classes that differ.
    pub classes_different: u64,
    /// Accuracy on the device, 0..=1.
    pub accuracy: f64,
    /// Flash that the firmware takes, without the model, where there is any.
    pub flash_bytes: Option<u64>,
    /// RAM that it takes, variables and the deepest stack that was seen, where that is known.
    pub ram_bytes: Option<u64>,
}

impl DeviceParity {
    /// Whether device and desk agreed on everything, and there was something to agree on.
    pub fn agrees(&self) -> bool {
        self.pictures > 0
            && self.logits_compared > 0
            && self.logits_different == 0
            && self.probabilities_different == 0
            && self.classes_different == 0
    }
}

impl Record for DeviceParity {
    fn outside(&self) -> Option<&'static str> {
        first_outside([("accuracy", is_share(self.accuracy))])
    }
}

impl RunFolder {
    /// Where devices' comparisons lie, by name.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be read.
    pub fn parity_files(&self) -> Result<Vec<PathBuf>, RecordError> {
        let fail = |source| RecordError::Read { path: self.path().to_owned(), source };
        let is_parity = |name: &str| name.starts_with("parity-") && name.ends_with(".json");
        let mut files = Vec::new();
        for entry in fs::read_dir(self.path()).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.file_name().to_str().is_some_and(is_parity) {
                files.push(entry.path());
            }
        }
        files.sort();
        Ok(files)
    }

    /// The comparison that one of [`parity_files`](Self::parity_files) holds.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is something else.
    pub fn read_parity(&self, path: PathBuf) -> Result<DeviceParity, RecordError> {
        match bounded::read(&path, MAX_RECORD_BYTES) {
            Ok(bytes) => parse(path, &bytes),
            Err(source) => Err(RecordError::Read { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parity() -> DeviceParity {
        DeviceParity {
            device: "loopback".to_owned(),
            model_id: "00000000".to_owned(),
            pictures: 10,
            logits_compared: 100,
            logits_different: 0,
            probabilities_different: 0,
            classes_different: 0,
            accuracy: 0.5,
            flash_bytes: None,
            ram_bytes: None,
        }
    }

    #[test]
    fn any_difference_and_an_empty_comparison_are_disagreement() {
        assert!(parity().agrees());
        assert!(!DeviceParity { logits_different: 1, ..parity() }.agrees());
        assert!(!DeviceParity { probabilities_different: u64::MAX, classes_different: 1, ..parity() }.agrees());
        assert!(!DeviceParity { pictures: 0, logits_compared: 0, ..parity() }.agrees());
    }

    #[test]
    fn comparisons_are_found_by_name_and_what_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path().to_owned());
        for (name, text) in [
            ("parity-b.json", "{}"),
            ("parity-a.json", &serde_json::to_string(&parity()).unwrap()),
            ("parity.json", ""),
            ("parity-c.txt", ""),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let files = run.parity_files().unwrap();
        assert_eq!(files, ["parity-a.json", "parity-b.json"].map(|name| folder.path().join(name)));
        assert_eq!(run.read_parity(files[0].clone()).unwrap(), parity());
        let error = run.read_parity(files[1].clone()).unwrap_err().to_string();
        assert!(error.contains("parity-b.json is damaged"), "{error}");
        assert!(RunFolder::at(folder.path().join("absent")).parity_files().is_err());
    }
}
