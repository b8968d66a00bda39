//! `parity-DEVICE.json`: the comparison of a device with the host, written by `cargo xtask parity`.

use std::fs;
use std::path::PathBuf;

use host_support::parity::ModelParity;

use super::folder::{MAX_RECORD_BYTES, Record, RecordError, RunFolder, parse};
use crate::support::bounded;
use crate::support::range::{Outside, SHARE};

impl Record for ModelParity {
    fn outside(&self) -> Option<Outside> {
        SHARE.check("accuracy", [self.record.accuracy])
    }
}

impl RunFolder {
    /// Returns the paths of the comparisons with devices, sorted by name.
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

    /// Reads one of [`parity_files`](Self::parity_files).
    pub fn read_parity(&self, path: PathBuf) -> Result<ModelParity, RecordError> {
        match bounded::read(&path, MAX_RECORD_BYTES) {
            Ok(bytes) => parse(path, &bytes),
            Err(source) => Err(RecordError::Read { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use host_support::parity::ParityRecord;

    use super::*;

    fn parity() -> ModelParity {
        let record =
            ParityRecord { device: "loopback".to_owned(), images: 10, accuracy: 0.5, ..ParityRecord::default() };
        ModelParity { model_id: "00000000".to_owned(), record }
    }

    #[test]
    fn comparisons_are_found_by_name_and_damaged_ones_are_named() {
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
