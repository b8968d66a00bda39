//! Reads finished runs: all files exist and belong together.

use prenda::Model;

use super::{Configuration, Outcome, RecordError, RunFile, RunFolder};

impl RunFolder {
    /// Returns the configuration and the results of a finished run.
    ///
    /// Writing a run removes the old model first and writes the new one last. So if the model is
    /// the one of `result.json`, all files are from the same run.
    pub fn read_finished(&self) -> Result<(Configuration, Outcome), RecordError> {
        if self.file(RunFile::Cascade).is_file() && !self.file(RunFile::Configuration).exists() {
            return Err(RecordError::Cascade { folder: self.path().to_owned() });
        }
        if let Some(path) = RunFile::ALL.map(|file| self.file(file)).into_iter().find(|file| !file.is_file()) {
            return Err(RecordError::Missing { path, folder: self.path().to_owned() });
        }
        let outcome: Outcome = self.read(RunFile::Outcome)?;
        let bytes = self.read_bytes(RunFile::Model)?;
        let id = Model::parse(&bytes).map_err(|error| self.damaged(RunFile::Model, error))?.id().to_string();
        if id != outcome.model_id {
            return Err(self.other_model(RunFile::Outcome, &id, &outcome.model_id));
        }
        Ok((self.read(RunFile::Configuration)?, outcome))
    }
}
