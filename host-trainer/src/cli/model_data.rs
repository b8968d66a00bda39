//! The data set that a model is run on: the model's own, unless the user says otherwise.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;
use prenda::Model;

use super::{DataArguments, check_fit};
use crate::data::{Dataset, OwnedFeature, hex};
use crate::run::{Configuration, Outcome, RecordError, RunFile, RunFolder};
use crate::support::progress;

/// Digits of a hash that are printed.
const PRINTED_DIGITS: usize = 12;

#[derive(Debug, Args)]
pub struct ModelDataArguments {
    #[command(flatten)]
    pub data: DataArguments,
    /// Use a data set that the model was not trained on
    ///
    /// Without this option, the data set must be the one that the model records: its training
    /// images and labels, and for the model of a run also its test images and labels. A run records
    /// the folder, so --data can be left out.
    #[arg(long, help_heading = "Data")]
    pub other_data: bool,
}

/// The data set of a model, and what is known of it.
pub struct ModelData {
    pub data: Dataset,
    /// True if the model was trained on this data set; `None` if the model does not record its own.
    pub is_own: Option<bool>,
}

impl ModelDataArguments {
    /// Loads the data set for `view`, the model at `path`, of the run with this `configuration`.
    ///
    /// # Errors
    ///
    /// Returns an error if the data set cannot be loaded, does not fit the model, or is another one
    /// than the model's, without --other-data.
    pub fn load(&self, path: &Path, view: &Model<'_>, configuration: Option<&Configuration>) -> Result<ModelData> {
        let run = path.parent().unwrap_or(path);
        let recorded = configuration.and_then(|configuration| configuration.recorded_data(run));
        let data = self.data.load_or(recorded.as_ref(), &OwnedFeature::of_model(view))?;
        check_fit(view, &data)?;
        let expected = hex(&view.provenance().data_sha256);
        let is_own = match configuration {
            Some(configuration) => Some(configuration.uses(&data)),
            None => is_known(&expected).then(|| hex(&data.train_hash) == expected),
        };
        if is_own != Some(false) {
            return Ok(ModelData { data, is_own });
        }
        let (folder, named_by, path) = (data.folder.display(), data.origin.named_by(), path.display());
        if self.other_data {
            progress::log(format_args!(
                "warning: {folder} ({named_by}) is not the data set that {path} was trained on"
            ));
            return Ok(ModelData { data, is_own });
        }
        let found = hex(&data.train_hash);
        let part = if found == expected { "test" } else { "training" };
        let (found, expected) = match configuration {
            Some(configuration) if found == expected => (hex(&data.test_hash), configuration.test_sha256.clone()),
            _ => (found, expected),
        };
        let short = |hash: &str| hash.chars().take(PRINTED_DIGITS).collect::<String>();
        bail!(
            "{folder} ({named_by}) is not the data set of {path}: the SHA-256 of its {part} images and labels begins \
             with {}, expected {}; name the model's data set with --data, or add --other-data",
            short(&found),
            short(&expected)
        );
    }
}

/// Returns the configuration of the run that wrote `view`, the model at `path`, if it is in the
/// folder of a run. Warns if it cannot be read, or if another model has replaced that of the run.
pub fn configuration(path: &Path, view: &Model<'_>) -> Option<Configuration> {
    recorded(path, view).unwrap_or_else(|error| {
        progress::log(format_args!("warning: the run's data set is unknown: {error}"));
        None
    })
}

fn recorded(path: &Path, view: &Model<'_>) -> Result<Option<Configuration>, RecordError> {
    let id = view.id().to_string();
    let folder = RunFolder::at(path.parent().unwrap_or(path).to_owned());
    let Some(run) = RunFolder::of_model(path, &id)? else {
        if path == folder.file(RunFile::Model) && folder.file(RunFile::Outcome).exists() {
            let named = folder.read::<Outcome>(RunFile::Outcome)?.model_id;
            return Err(folder.other_model(RunFile::Outcome, &id, &named));
        }
        return Ok(None);
    };
    let configuration: Configuration = run.read(RunFile::Configuration)?;
    let (found, expected) = (&configuration.data_sha256, hex(&view.provenance().data_sha256));
    if is_known(&expected) && *found != expected {
        let reason = format!("data_sha256 is {found}, expected {expected}, that of {}", RunFile::Model.name());
        return Err(run.damaged(RunFile::Configuration, reason));
    }
    Ok(Some(configuration))
}

/// Returns true if `hash` is that of a data set: a model without one has zeros.
fn is_known(hash: &str) -> bool {
    hash.bytes().any(|digit| digit != b'0')
}
