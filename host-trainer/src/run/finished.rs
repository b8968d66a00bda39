//! Which folders hold a finished run: all of its files are there, and all are of one writing.

use shared_model::Model;

use super::{Configuration, Outcome, RecordError, RunFile, RunFolder};

impl RunFolder {
    /// What was asked for and what came of it. Writing a run takes the old model away first and
    /// puts the new one there last: where there is the model that came of the run, no other file is
    /// of another one.
    ///
    /// # Errors
    ///
    /// Where a file is missing, cannot be read, or the model is another's.
    pub fn read_finished(&self) -> Result<(Configuration, Outcome), RecordError> {
        if let Some(path) = self.files().find(|file| !file.is_file()) {
            return Err(RecordError::Missing { path, folder: self.path().to_owned() });
        }
        let outcome: Outcome = self.read(RunFile::Outcome)?;
        let bytes = self.read_bytes(RunFile::Model)?;
        let id = Model::parse(&bytes).map_err(|error| self.damaged(RunFile::Model, error))?.id().to_string();
        if id != outcome.model_id {
            let reason = format!("it is model {id}, and that of result.json is {}", outcome.model_id);
            return Err(self.damaged(RunFile::Model, reason));
        }
        Ok((self.read(RunFile::Configuration)?, outcome))
    }
}
