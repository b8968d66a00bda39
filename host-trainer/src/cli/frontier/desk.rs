//! What trains the runs of the list, and finds those that are there.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cli::messages::warn_of_loss;
use crate::data::Dataset;
use crate::data::SoftLabels;
use crate::frontier::{Found, Pace, Runs, Teacher, Unit};
use crate::network::DenseParameters;
use crate::network::backend::Backend;
use crate::run::pipeline::{self, Sources};
use crate::run::{Outcome, RunFolder};
use crate::support::progress;
use crate::text::percent;
use crate::train::TrainConfig;

/// What runs are trained with.
pub struct Desk {
    pub folder: PathBuf,
    pub backend: Backend,
    pub data: Dataset,
    pub teacher: Teacher,
    pub soft_labels: Option<SoftLabels>,
}

impl Desk {
    /// The runs of `unit`.
    pub fn find(&self, unit: &Unit) -> Runs {
        Runs::find(*unit, &self.folder, self.backend, &self.teacher, &self.data)
    }

    /// Trains what `units` lack, and returns how many runs that were.
    pub fn train(&self, units: &[Unit]) -> Result<usize> {
        let mut pace = Pace::default();
        let all: Vec<Runs> = units.iter().map(|unit| self.find(unit)).collect();
        let kept: Vec<_> = all.iter().flat_map(Runs::found).collect();
        kept.iter().for_each(|(config, found)| pace.add(config, found.outcome.train_seconds));
        let missing: Vec<(String, TrainConfig)> = all.iter().flat_map(Runs::missing).collect();
        let (kept, count) = (kept.len(), kept.len() + missing.len());
        if kept > 0 {
            progress::say(format_args!("{kept} of {count} runs are in {} already, and kept", self.folder.display()));
        }
        let mut done = 0;
        for runs in all {
            let mut base = runs.base.clone();
            let gaps = runs.derived.iter().filter(|(_, found)| found.is_none()).map(|(entry, _)| Some(*entry));
            for entry in runs.base.is_none().then_some(None).into_iter().chain(gaps) {
                let name = runs.unit.family.run_name(entry, runs.unit.seed);
                let left = pace.left(missing.iter().skip(done).map(|(_, config)| config));
                progress::say(format_args!("run {} of {count}: {name}; {left}", kept + done + 1));
                let (config, layers) = match (entry, &base) {
                    (Some(entry), Some(base)) => {
                        let layers = base.folder.read_weights(Some(&base.outcome.model_id))?;
                        (entry.config(&runs.config, &base.outcome.model_id), Some(layers))
                    }
                    _ => (runs.config.clone(), None),
                };
                let folder = RunFolder::create(self.folder.join(&name))?;
                let outcome = self.run(&config, layers.as_deref(), &folder).with_context(|| format!("run {name}"))?;
                pace.add(&config, outcome.train_seconds);
                done += 1;
                if entry.is_none() {
                    base = Some(Found { seed: runs.unit.seed, folder, outcome });
                }
            }
        }
        Ok(done)
    }

    /// One run.
    fn run(&self, config: &TrainConfig, layers: Option<&[DenseParameters]>, folder: &RunFolder) -> Result<Outcome> {
        let soft_labels = self.soft_labels.as_ref().filter(|_| config.teacher.is_some());
        let sources = Sources { soft_labels, start: layers, ..Sources::of(&self.data) };
        let outcome = pipeline::run(config, sources, folder, None, |_| ())?;
        let accuracies = [outcome.test_accuracy_float, outcome.test_accuracy_fixed].map(percent);
        progress::say(format_args!(
            "    test {}, in fixed point {}; {:.1} s",
            accuracies[0], accuracies[1], outcome.train_seconds
        ));
        // What is only rounded to few bits loses much, as everybody knows.
        if config.all_epochs() > 0 {
            warn_of_loss(&outcome);
        }
        Ok(outcome)
    }
}
