//! The cascades of a list, made of its runs.

use prenda::Model;
use thiserror::Error;

use super::list::ListedCascade;
use super::runs::{Found, Place, Runs};
use crate::data::{Dataset, HeldOut};
use crate::model::cascade::{self, CascadeError, Member};
use crate::run::model_file::{self, ModelFileError};
use crate::run::{Cascade, CascadeNetwork, CascadeRecord, ChosenOn, MakeCascadeError, RecordError, RunFile, RunFolder};
use crate::support::files::WriteError;

/// A cascade that was made.
#[derive(Debug)]
pub struct FoundCascade {
    pub seed: u64,
    pub folder: RunFolder,
    pub record: CascadeRecord,
}

/// The runs that a cascade is made of, in its order.
#[derive(Debug)]
pub struct Parts<'a> {
    pub seed: u64,
    runs: Vec<&'a Found>,
    held_out: Vec<HeldOut>,
}

/// Why a cascade of runs cannot be made.
#[derive(Debug, Error)]
pub enum SweepCascadeError {
    #[error(
        "{} contains {}, a file of a training; move it, or rename the cascade",
        .folder.path().display(),
        .file.name()
    )]
    Training { folder: RunFolder, file: RunFile },
    #[error(transparent)]
    Model(#[from] ModelFileError),
    #[error(transparent)]
    Cascade(#[from] CascadeError),
    #[error(transparent)]
    Make(#[from] MakeCascadeError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl<'a> Parts<'a> {
    /// Returns the runs with `seed` among `all` that `cascade` is made of, or `None` if one is
    /// missing.
    pub fn find(cascade: &ListedCascade, seed: u64, all: &'a [Runs<'_>]) -> Option<Self> {
        let part = |name: &String| {
            let mut runs = all.iter().filter(|runs| runs.unit.seed == seed);
            runs.find_map(|runs| Some((runs.named(name)?, runs.unit.held_out())))
        };
        let parts: Vec<_> = cascade.networks.iter().map(part).collect::<Option<_>>()?;
        let (runs, held_out) = parts.into_iter().unzip();
        Some(Self { seed, runs, held_out })
    }

    fn ids(&self) -> Vec<String> {
        self.runs.iter().map(|found| found.outcome.model_id.clone()).collect()
    }
}

impl Place {
    /// Returns the name of the folder of `cascade` with `seed`.
    pub fn cascade_name(&self, cascade: &ListedCascade, seed: u64) -> String {
        self.seeded(&cascade.name, seed)
    }

    fn cascade_folder(&self, cascade: &ListedCascade, seed: u64) -> RunFolder {
        RunFolder::at(self.folder.join(self.cascade_name(cascade, seed)))
    }

    /// Returns `cascade` if it was made of `parts`, on `data`.
    pub fn find_cascade(&self, cascade: &ListedCascade, parts: &Parts<'_>, data: &Dataset) -> Option<FoundCascade> {
        let folder = self.cascade_folder(cascade, parts.seed);
        let record = folder.read_cascade().ok()?;
        let difference = record.difference(&cascade.shares(), CascadeNetwork::id, &parts.ids(), data);
        difference.is_none().then_some(FoundCascade { seed: parts.seed, folder, record })
    }

    /// Returns the folder of `cascade` with `seed` and describes the cascade in it, if it has other
    /// shares, networks or data. Their models do not count: a run may have been trained again.
    pub fn other_cascade(&self, cascade: &ListedCascade, seed: u64, data: &Dataset) -> Option<(RunFolder, String)> {
        let folder = self.cascade_folder(cascade, seed);
        let names = cascade.networks.iter().map(|name| self.seeded(name, seed));
        let names: Vec<String> = names.collect();
        let found = folder.other_cascade(&cascade.shares(), CascadeNetwork::run_name, &names, data)?;
        Some((folder, found))
    }

    /// Makes `cascade` of `parts`, with margins chosen on the images of `data` that all of them
    /// held out, and writes it.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder has a training, or if a model cannot be read or the cascade
    /// not be written.
    pub fn make_cascade(
        &self,
        cascade: &ListedCascade,
        parts: &Parts<'_>,
        data: &Dataset,
    ) -> Result<CascadeRecord, SweepCascadeError> {
        let folder = self.cascade_folder(cascade, parts.seed);
        if let Some(file) = folder.file_of_training() {
            return Err(SweepCascadeError::Training { folder, file });
        }
        let paths: Vec<_> = parts.runs.iter().map(|found| found.folder.file(RunFile::Model)).collect();
        let models = paths.iter().map(|path| model_file::read(path)).collect::<Result<Vec<_>, _>>()?;
        let views = paths.iter().zip(&models).map(|(path, bytes)| model_file::load(path, bytes));
        let views: Vec<Model<'_>> = views.collect::<Result<_, _>>()?;
        let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        let members: Vec<_> = names.iter().zip(&views).map(|(name, view)| Member { name, view }).collect();
        cascade::check(&members)?;
        let indices = HeldOut::choose_common(parts.held_out.iter().copied(), &data.train.labels);
        let split = data.train.clone().take(&indices);
        let made = Cascade::make(&members, &cascade.shares(), (ChosenOn::HeldOut, &split), data)?;
        made.write(Some(&RunFolder::create(folder.path().to_owned())?), None)?;
        Ok(made.record)
    }
}
