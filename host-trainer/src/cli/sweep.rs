//! Options and training that `compare` and `frontier` share.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::backend::BackendArguments;
use super::messages::warn_of_loss;
use super::train::{check_augment, check_held_out, check_size, hold_out};
use super::{DataArguments, OutputArguments, UsageError, check_replaced, contains};
use crate::data::{Dataset, HeldOut, SoftLabels};
use crate::network::DenseParameters;
use crate::run::pipeline::{self, Finished, Sources};
use crate::run::{Configuration, Outcome, Planned, RecordError, RunFile, RunFolder};
use crate::support::{interrupt, progress};
use crate::sweep::{Found, ListedCascade, ListedNetwork, Pace, Parts, Place, Runs, Shard, SweepCascadeError, Unit};
use crate::text::percent;
use crate::train::{Epoch, TrainConfig};

#[derive(Debug, Args)]
pub struct SweepArguments {
    #[command(flatten)]
    pub data: DataArguments,
    #[command(flatten)]
    pub backend: BackendArguments,
    /// TOML file of the networks to train, instead of the built-in list; docs/frontier.md explains
    /// it
    #[arg(long, value_name = "FILE")]
    pub networks: Option<PathBuf>,
    /// Print the names of the networks, one per line, and on standard error those of the cascades;
    /// train nothing
    #[arg(long)]
    pub list: bool,
    /// Train only this network, with all its seeds and rows: one job of a scheduler
    #[arg(long, value_name = "NAME")]
    pub one: Option<String>,
    /// Train only each N-th network and seed, from the I-th on, 1..=N, with all rows: one job of N
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Replace runs and records of other settings that are in the folder
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub output: OutputArguments,
}

impl SweepArguments {
    /// Prints the names of `networks`, and logs `cascades`, which are no values of --one.
    pub fn print_names(&self, networks: &[ListedNetwork], cascades: &[ListedCascade]) -> Result<()> {
        for ListedCascade { name, networks, .. } in cascades {
            progress::log(format_args!("cascade {name}, made of {}", networks.join(", ")));
        }
        let names: Vec<&str> = networks.iter().map(|network| network.name.as_str()).collect();
        self.output.print(&names, || names.join("\n"))
    }
}

/// Returns those of `networks` that `option` names, or all if it names none.
pub fn select(networks: Vec<ListedNetwork>, option: &str, names: &[String]) -> Result<Vec<ListedNetwork>, UsageError> {
    if let Some(unknown) = names.iter().find(|name| !networks.iter().any(|network| network.name == **name)) {
        let known: Vec<_> = networks.iter().map(|network| network.name.as_str()).collect();
        return Err(UsageError(format!("{option} {unknown}: no such network; expected one of {}", known.join(", "))));
    }
    Ok(networks.into_iter().filter(|network| names.is_empty() || names.contains(&network.name)).collect())
}

/// Returns the seeds of `units`, ascending.
pub fn seeds(units: &[Unit<'_>]) -> BTreeSet<u64> {
    units.iter().map(|unit| unit.seed).collect()
}

/// Counts of runs in a sweep.
#[derive(Default)]
struct Progress {
    /// Runs that were finished before.
    kept: usize,
    /// Configurations of all others.
    missing: Vec<TrainConfig>,
    /// Runs of these that this process trained, that others finished, and that others still train.
    trained: usize,
    elsewhere: usize,
    busy: usize,
    pace: Pace,
}

/// Trains the runs that are missing.
pub struct SweepTrainer {
    pub place: Place,
    pub data: Dataset,
    /// The teacher's answers for all training images, and their file.
    pub soft_labels: Option<(SoftLabels, PathBuf)>,
    /// True if runs of other settings may be replaced.
    pub overwrite: bool,
    /// The option that names the runs' folder.
    pub folder_option: &'static str,
}

impl Progress {
    fn count(&self) -> usize {
        self.kept + self.missing.len()
    }

    fn finished(&self) -> usize {
        self.kept + self.trained + self.elsewhere
    }

    fn log_next(&self, name: &str) {
        let left = self.pace.left(self.missing.iter().skip(self.trained + self.elsewhere + self.busy));
        progress::log(format_args!("run {} of {}: {name}; {left}", self.finished() + 1, self.count()));
    }
}

impl SweepTrainer {
    /// Returns the runs of `units`.
    pub fn find<'a>(&self, units: &[Unit<'a>]) -> Vec<Runs<'a>> {
        units.iter().map(|unit| self.place.find(*unit, &self.data)).collect()
    }

    /// Trains the missing runs of `units` that no other process trains, and returns their count.
    /// `on_epoch` gets each epoch, and the plan of its run.
    pub fn train(&self, units: &[Unit<'_>], on_epoch: fn(&Epoch, &Planned)) -> Result<usize> {
        units.iter().try_for_each(|unit| self.check(*unit))?;
        let all = self.find(units);
        let mut progress = Progress::default();
        for (config, found) in all.iter().flat_map(Runs::found) {
            progress.pace.add(&config, found.outcome.train_seconds);
            progress.kept += 1;
        }
        progress.missing = all.iter().flat_map(Runs::missing).map(|(_, config)| config).collect();
        let (kept, count) = (progress.kept, progress.count());
        if kept > 0 {
            let folder = self.place.folder.display();
            progress::log(format_args!("{kept} of {count} runs are in {folder} already, and kept"));
        }
        if !self.overwrite {
            all.iter().try_for_each(|runs| self.check_replaced(runs))?;
        }
        all.iter().try_for_each(|runs| self.train_missing(runs, &mut progress, on_epoch))?;
        if progress.busy > 0 {
            progress::log(format_args!(
                "{} runs belong to other processes; after they end, the same command completes the table",
                progress.busy
            ));
        }
        Ok(progress.trained)
    }

    /// Trains the missing runs of a unit. Its rows start from its own run: if another process
    /// trains that one, they are left to it.
    fn train_missing(&self, runs: &Runs<'_>, progress: &mut Progress, on_epoch: fn(&Epoch, &Planned)) -> Result<()> {
        let unit = runs.unit;
        for (row, _) in runs.missing() {
            let name = self.place.run_name(unit, row);
            let folder = match RunFolder::create(self.place.run_folder(unit, row)) {
                Err(RecordError::Busy { .. }) => {
                    progress::log(format_args!("another process trains {name}"));
                    if row.is_none() {
                        progress.busy += runs.missing().count();
                        return Ok(());
                    }
                    progress.busy += 1;
                    continue;
                }
                folder => folder?,
            };
            // Read again while the folder is locked: another process may have trained it since.
            let now = self.place.find(unit, &self.data);
            if !now.missing().any(|(missing, _)| missing == row) {
                progress.elsewhere += 1;
                continue;
            }
            let (config, layers) = match (row, &now.base) {
                (Some(row), Some(Found { folder, outcome, .. })) => {
                    (row.config(&now.config, &outcome.model_id), Some(folder.read_weights(Some(&outcome.model_id))?))
                }
                _ => (now.config, None),
            };
            progress.log_next(&name);
            let outcome = self.run(&config, unit.held_out(), layers.as_deref(), &folder, on_epoch);
            let outcome = outcome.with_context(|| format!("run {name}"))?;
            if interrupt::code().is_some() {
                let finished = progress.finished() + usize::from(!outcome.stop.is_interruption());
                let count = progress.count();
                bail!("interrupted; {finished} of {count} runs are finished, and the same command continues");
            }
            progress.pace.add(&config, outcome.train_seconds);
            progress.trained += 1;
        }
        Ok(())
    }

    /// Fails if one of `cascades` would replace another one, for a seed of `units`.
    pub fn check_cascades(&self, cascades: &[ListedCascade], units: &[Unit<'_>]) -> Result<(), UsageError> {
        for cascade in cascades.iter().filter(|_| !self.overwrite) {
            let mut others =
                seeds(units).into_iter().filter_map(|seed| self.place.other_cascade(cascade, seed, &self.data));
            if let Some((folder, found)) = others.next() {
                return Err(contains(&folder, &found, self.folder_option));
            }
        }
        Ok(())
    }

    /// Makes those of `cascades` that are missing, for each seed of `units`.
    pub fn make_cascades(&self, cascades: &[ListedCascade], units: &[Unit<'_>]) -> Result<()> {
        let all = self.find(units);
        for cascade in cascades {
            for seed in seeds(units) {
                let Some(parts) = Parts::find(cascade, seed, &all) else { continue };
                if self.place.find_cascade(cascade, &parts, &self.data).is_some() {
                    continue;
                }
                let name = self.place.cascade_name(cascade, seed);
                let made = match self.place.make_cascade(cascade, &parts, &self.data) {
                    Err(SweepCascadeError::Record(RecordError::Busy { .. })) => {
                        progress::log(format_args!("another process makes cascade {name}"));
                        continue;
                    }
                    made => made.with_context(|| format!("cascade {name}"))?,
                };
                progress::log(format_args!(
                    "cascade {name}: test, in fixed point {}",
                    percent(made.test_accuracy_fixed)
                ));
            }
        }
        Ok(())
    }

    /// Checks that the layers of `unit` fit the images, and that it holds out images that leave
    /// others to train on and that its teacher did not see.
    fn check(&self, unit: Unit<'_>) -> Result<()> {
        let Unit { network, seed } = unit;
        let (image, classes) = (self.data.shape, self.data.class_names.len());
        let architecture = network.config(self.place.backend, seed, None).architecture(classes);
        let plan = architecture.plan(image, classes).with_context(|| format!("network {}", network.name))?;
        check_size(&format!("network {}", network.name), &plan)?;
        check_held_out(&format!("network {}: validation", network.name), unit.held_out(), &self.data.train)?;
        let augment = network.config(self.place.backend, seed, None).augment;
        check_augment(&format!("network {}", network.name), augment, &self.data)?;
        match self.soft_labels.as_ref().filter(|_| network.is_taught()) {
            Some((labels, path)) => labels
                .of_rest(unit.held_out(), &self.data, path)
                .map(drop)
                .with_context(|| format!("network {}", network.name)),
            None => Ok(()),
        }
    }

    /// Fails if the missing runs of `runs` would replace others.
    fn check_replaced(&self, runs: &Runs<'_>) -> Result<(), UsageError> {
        for (row, config) in runs.missing() {
            let mut configuration = Configuration::new(&config, runs.unit.held_out(), &self.data);
            let folder = RunFolder::at(self.place.run_folder(runs.unit, row));
            // A run that starts from another one starts from whatever that one has become.
            if let Ok(recorded) = folder.read::<Configuration>(RunFile::Configuration)
                && row.is_some()
            {
                configuration.train.from = recorded.train.from;
            }
            check_replaced(&folder, &configuration, self.folder_option)?;
        }
        Ok(())
    }

    /// Trains one run.
    fn run(
        &self,
        config: &TrainConfig,
        held_out: HeldOut,
        layers: Option<&[DenseParameters]>,
        folder: &RunFolder,
        on_epoch: fn(&Epoch, &Planned),
    ) -> Result<Outcome> {
        let soft_labels = self.soft_labels.as_ref().filter(|_| config.teacher.is_some());
        let soft_labels = soft_labels.map(|(labels, path)| labels.of_rest(held_out, &self.data, path)).transpose()?;
        let mut data = self.data.clone();
        let validation = hold_out(&mut data, held_out);
        let sources =
            Sources { data: &data, validation: validation.as_ref(), soft_labels: soft_labels.as_ref(), start: layers };
        let Finished { outcome, .. } = pipeline::run(config, sources, folder, None, on_epoch)?;
        let accuracies = [outcome.test_accuracy_float, outcome.test_accuracy_fixed].map(percent);
        progress::log(format_args!(
            "    test {}, in fixed point {}; {:.1} s",
            accuracies[0], accuracies[1], outcome.train_seconds
        ));
        // Rounding to few bits always loses much.
        if config.all_epochs() > 0 {
            warn_of_loss(&outcome);
        }
        Ok(outcome)
    }
}
