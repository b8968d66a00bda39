//! `cascade.json`: the networks of a cascade, and how its margins were chosen.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::path::Path;

use prenda::{BlobError, InferError, LOGIT_FRACTION_BITS, Model};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::configuration::versions;
use super::folder::{Record, RecordError, RunFile, RunFolder, json};
use crate::data::{Dataset, Split, hex};
use crate::model::cascade::{Member, combine, margins};
use crate::model::evaluate::{describe, evaluate};
use crate::model::export::ExportError;
use crate::model::{Evaluation, NetworkResult};
use crate::plot::{self, PlotError};
use crate::support::files::{self, WriteError};
use crate::support::range::{NOT_NEGATIVE, Outside, SHARE};

/// The images that margins are chosen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChosenOn {
    /// Images that all runs held out.
    HeldOut,
    /// The training images of a data set on which no network was trained.
    Unseen,
    /// All training images.
    Training,
}

impl ChosenOn {
    /// Returns an adjective for the images.
    pub fn name(self) -> &'static str {
        match self {
            Self::HeldOut => "held-out",
            Self::Unseen => "unseen",
            Self::Training => "training",
        }
    }
}

/// The content of `cascade.json`. Without `serde(flatten)`, which cannot read the numbers that
/// serde_json keeps as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CascadeRecord {
    pub model_id: String,
    pub model_bytes: usize,
    /// The images that the margins were chosen on.
    pub chosen_on: ChosenOn,
    #[serde(rename = "chosen_on_pictures")]
    pub chosen_on_images: usize,
    pub networks: Vec<CascadeNetwork>,
    #[serde(rename = "test_pictures")]
    pub test_images: u32,
    pub test_accuracy_fixed: f64,
    /// For a test image without zero pixels.
    pub multiplications_mean: f64,
    pub multiplications_max: u64,
    /// SHA-256 of the training images and labels.
    data_sha256: String,
    /// SHA-256 of the test images and labels.
    test_sha256: String,
    versions: BTreeMap<String, String>,
    /// The arguments of the program that made it.
    pub command: Vec<String>,
}

/// The results of one network of a cascade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CascadeNetwork {
    /// The file of the network's own model.
    pub model: String,
    pub model_id: String,
    /// Accuracy of the network alone, over all test images.
    pub test_accuracy_alone: f64,
    /// Share of the images seen that it was to defer; `None` for the last network, like the three
    /// below.
    pub defer: Option<f64>,
    /// Smallest lead of the best logit with which it answers.
    pub margin: Option<f64>,
    /// Shares of the images seen that it defers, among those that the margin was chosen on and
    /// among the test images.
    pub deferred_chosen_on: Option<f64>,
    pub deferred_test: Option<f64>,
    /// Test images that it answers.
    #[serde(rename = "pictures")]
    pub images: u32,
    /// Test images that it answers correctly.
    pub correct: u32,
    /// Share of all test images that it answers.
    pub share: f64,
    /// `correct / images`; `None` if it answers no image.
    pub accuracy: Option<f64>,
    /// Its multiplications for an image without zero pixels.
    pub multiplications: u64,
}

/// A cascade, and the contents of its files.
#[derive(Debug)]
pub struct Cascade {
    pub record: CascadeRecord,
    /// The files of its folder, the model last.
    records: Vec<(RunFile, Vec<u8>)>,
}

/// Why a cascade cannot be made.
#[derive(Debug, Error)]
pub enum MakeCascadeError {
    #[error("cannot run a network of the cascade")]
    Infer(#[from] InferError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error("cannot parse the exported model; this is a bug in host-trainer, please report it")]
    Model(#[from] BlobError),
    #[error(transparent)]
    Plot(#[from] PlotError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Cascade {
    /// Combines the networks of `members` in one model, and evaluates it over the test images of
    /// `data`. Chooses each margin so that about that share of `shares` is deferred of the images
    /// of `split` that reach the network.
    ///
    /// # Errors
    ///
    /// Returns an error if the images do not fit the models, or if the model breaks a rule of the
    /// format.
    pub fn make(
        members: &[Member<'_>],
        shares: &[f64],
        (chosen_on, split): (ChosenOn, &Split),
        data: &Dataset,
    ) -> Result<Self, MakeCascadeError> {
        let margins = margins(members, shares, split)?;
        let alone = members.iter().map(|member| Ok(evaluate(member.view, &data.test)?.predictions));
        let alone: Vec<_> = alone.collect::<Result<_, MakeCascadeError>>()?;
        let exported = combine(members, &margins, data)?;
        let view = Model::parse(&exported.bytes)?;
        let test = describe(&view, &data.test, &exported.test);
        let chosen = describe(&view, split, &evaluate(&view, split)?);

        let networks = members.iter().zip(&alone).zip(&test.networks).enumerate();
        let networks = networks.map(|(index, ((member, alone), result))| CascadeNetwork {
            model: member.name.to_owned(),
            model_id: member.view.id().to_string(),
            test_accuracy_alone: share(data.test.count_correct(alone).into(), data.test.len() as u64),
            defer: shares.get(index).copied(),
            margin: margins.get(index).map(|&margin| f64::from(margin) / f64::from(1_u32 << LOGIT_FRACTION_BITS)),
            deferred_chosen_on: margins.get(index).map(|_| deferred(&chosen, index)),
            deferred_test: margins.get(index).map(|_| deferred(&test, index)),
            images: result.images,
            correct: result.correct,
            share: result.share,
            accuracy: result.accuracy,
            multiplications: result.multiplications,
        });
        let (multiplications_mean, multiplications_max) = test.multiplications().unwrap_or_default();
        let record = CascadeRecord {
            model_id: test.model_id.clone(),
            model_bytes: exported.bytes.len(),
            chosen_on,
            chosen_on_images: split.len(),
            networks: networks.collect(),
            test_images: test.images,
            test_accuracy_fixed: test.accuracy,
            multiplications_mean,
            multiplications_max,
            data_sha256: hex(&data.train_hash),
            test_sha256: hex(&data.test_hash),
            versions: versions(),
            command: env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect(),
        };
        let confusion = plot::confusion(&test);
        let mistakes = plot::mistakes(&test, &data.test, plot::size(data.shape))?;
        let records = vec![
            (RunFile::Cascade, json(&record)?),
            (RunFile::Evaluation, json(&test)?),
            (RunFile::ConfusionPlot, confusion.into_bytes()),
            (RunFile::MistakesPlot, mistakes.into_bytes()),
            (RunFile::Model, exported.bytes.clone()),
        ];
        Ok(Self { record, records })
    }

    /// Writes all files to `folder`, and the model to `export`, if they are given. An error in one
    /// of them does not keep the other from being written.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written. All old files of the folder are then as they
    /// were, and the new ones are kept in another folder.
    pub fn write(&self, folder: Option<&RunFolder>, export: Option<&Path>) -> Result<(), WriteError> {
        let model = self.records.iter().find(|(file, _)| *file == RunFile::Model);
        let exported = export.zip(model).map_or(Ok(()), |(path, (_, bytes))| files::write(path, bytes));
        let Some(folder) = folder else { return exported };
        let files: Vec<_> = self.records.iter().map(|(file, bytes)| (folder.file(*file), bytes)).collect();
        let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice())).collect();
        WriteError::join(files::write_together(&files).map_err(|error| files::keep(&files, error)), exported)
    }
}

/// Returns the share of the images seen by network `index` that go on to the next.
fn deferred(evaluation: &Evaluation, index: usize) -> f64 {
    let images = |networks: &[NetworkResult]| networks.iter().map(|network| u64::from(network.images)).sum();
    let (_, seen) = evaluation.networks.split_at(index);
    share(images(&seen[1..]), images(seen))
}

/// Returns `part / whole`; 0 if both are 0.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A name of a network: of its model or of its run.
pub type NetworkName = fn(&CascadeNetwork) -> &str;

impl CascadeNetwork {
    /// Returns the id of its own model.
    pub fn id(&self) -> &str {
        &self.model_id
    }

    /// Returns the name of the folder of its own model, or an empty one without a folder.
    pub fn run_name(&self) -> &str {
        let folder = Path::new(&self.model).parent().and_then(Path::file_name);
        folder.and_then(OsStr::to_str).unwrap_or_default()
    }
}

impl CascadeRecord {
    /// Describes the first setting in which it differs from a cascade with `shares`, on `data`, of
    /// networks with these `names`, as `name` returns them.
    pub fn difference(&self, shares: &[f64], name: NetworkName, names: &[String], data: &Dataset) -> Option<String> {
        let found: Vec<f64> = self.networks.iter().filter_map(|network| network.defer).collect();
        if found != shares {
            return Some(format!("defer {found:?}, not {shares:?}"));
        }
        if !self.networks.iter().map(name).eq(names) {
            return Some("of other networks".to_owned());
        }
        (!self.uses(data)).then(|| "on another data set".to_owned())
    }

    /// Returns true if its margins were chosen, and it was tested, on `data`.
    pub fn uses(&self, data: &Dataset) -> bool {
        (self.data_sha256.as_str(), self.test_sha256.as_str()) == (&hex(&data.train_hash), &hex(&data.test_hash))
    }
}

impl Record for CascadeRecord {
    fn outside(&self) -> Option<Outside> {
        let all = |field, value: fn(&CascadeNetwork) -> Option<f64>| {
            SHARE.check(field, self.networks.iter().filter_map(value))
        };
        [
            SHARE.check("test_accuracy_fixed", [self.test_accuracy_fixed]),
            NOT_NEGATIVE.check("multiplications_mean", [self.multiplications_mean]),
            all("test_accuracy_alone", |network| Some(network.test_accuracy_alone)),
            all("defer", |network| network.defer),
            all("deferred_chosen_on", |network| network.deferred_chosen_on),
            all("deferred_test", |network| network.deferred_test),
            all("share", |network| Some(network.share)),
            all("accuracy", |network| network.accuracy),
        ]
        .into_iter()
        .flatten()
        .next()
    }
}

impl RunFolder {
    /// Returns the folder that contains `model`, and its record, if the model is a cascade with a
    /// folder of its own.
    pub fn of_cascade(model: &Path, model_id: &str) -> Result<Option<(Self, CascadeRecord)>, RecordError> {
        let Some(path) = model.parent() else { return Ok(None) };
        let folder = Self::at(path.to_owned());
        match folder.read::<CascadeRecord>(RunFile::Cascade) {
            Ok(record) => Ok((record.model_id == model_id).then_some((folder, record))),
            Err(RecordError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the record of the cascade in the folder, if its model is the one that it names.
    pub fn read_cascade(&self) -> Result<CascadeRecord, RecordError> {
        let record: CascadeRecord = self.read(RunFile::Cascade)?;
        let bytes = self.read_bytes(RunFile::Model)?;
        let id = Model::parse(&bytes).map_err(|error| self.damaged(RunFile::Model, error))?.id().to_string();
        if id != record.model_id {
            return Err(self.other_model(RunFile::Cascade, &id, &record.model_id));
        }
        Ok(record)
    }

    /// Returns the first file that training writes and a cascade does not have, if there is one.
    pub fn file_of_training(&self) -> Option<RunFile> {
        RunFile::ALL.into_iter().find(|file| !RunFile::OF_CASCADE.contains(file) && self.file(*file).exists())
    }

    /// Describes the cascade in the folder, if its settings [differ](CascadeRecord::difference).
    /// Files that the program would replace and did not write count as a cascade.
    pub fn other_cascade(&self, shares: &[f64], name: NetworkName, names: &[String], data: &Dataset) -> Option<String> {
        match self.read::<CascadeRecord>(RunFile::Cascade) {
            Ok(record) => {
                let difference = record.difference(shares, name, names, data)?;
                Some(format!("another cascade ({difference})"))
            }
            Err(RecordError::Missing { .. }) => {
                let file = RunFile::OF_CASCADE.into_iter().find(|file| self.file(*file).exists())?;
                Some(format!("{}, but no {}", file.name(), RunFile::Cascade.name()))
            }
            Err(_) => Some(format!("a damaged {}", RunFile::Cascade.name())),
        }
    }
}
