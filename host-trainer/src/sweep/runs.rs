//! The runs of a unit: their configurations, their folders, and which of them are finished.

use std::path::PathBuf;

use serde::Serialize;

use super::list::Precision;
use super::unit::Unit;
use crate::data::{Dataset, HeldOut};
use crate::network::backend::Backend;
use crate::run::{Configuration, Outcome, RunFile, RunFolder};
use crate::train::{Epoch, TrainConfig};

/// Versions that change a result only by rounding. Runs of several machines may differ in them.
const MACHINE: [&str; 2] = ["rustc", "system"];

/// Backends of graphics cards. A build may have them in addition to the processor's.
const GRAPHICS: [&str; 2] = ["burn-cuda", "burn-wgpu"];

/// The runs of a list: where they are, and what they have in common.
#[derive(Debug)]
pub struct Place {
    pub folder: PathBuf,
    /// Part of a run's name between the network's and the seed.
    pub tag: String,
    pub backend: Backend,
    /// SHA-256 of the teacher's answers. Without it, networks with a teacher learn from labels
    /// alone.
    pub teacher: Option<String>,
}

/// A finished run.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    pub seed: u64,
    /// Accuracy while training in the last epoch, 0..=1, as Keras prints it; `None` if there was no
    /// epoch.
    pub running_train_accuracy: Option<f64>,
    #[serde(skip)]
    pub folder: RunFolder,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The runs of a unit, finished or missing.
#[derive(Debug)]
pub struct Runs<'a> {
    pub unit: Unit<'a>,
    /// Configuration of the network's own run.
    pub config: TrainConfig,
    pub base: Option<Found>,
    pub derived: Vec<(&'a Precision, Option<Found>)>,
}

impl Place {
    /// Returns the name of the run of `row` with the unit's seed, or of the network's own run.
    pub fn run_name(&self, unit: Unit<'_>, row: Option<&Precision>) -> String {
        self.seeded(&unit.network.run_name(row), unit.seed)
    }

    /// Returns the name of the folder of a run or a cascade with this `name` and `seed`.
    pub fn seeded(&self, name: &str, seed: u64) -> String {
        format!("{name}{}-seed-{seed}", self.tag)
    }

    /// Returns the folder of that run.
    pub fn run_folder(&self, unit: Unit<'_>, row: Option<&Precision>) -> PathBuf {
        self.folder.join(self.run_name(unit, row))
    }

    /// Returns the teacher of the first of `units`' runs that has one.
    pub fn recorded_teacher(&self, units: &[Unit<'_>]) -> Option<String> {
        units.iter().find_map(|unit| {
            let run = RunFolder::at(self.run_folder(*unit, None));
            let configuration: Configuration = run.read(RunFile::Configuration).ok()?;
            configuration.train.teacher.map(|teaching| teaching.sha256)
        })
    }

    /// Returns the runs of `unit`, trained on `data`.
    pub fn find<'a>(&self, unit: Unit<'a>, data: &Dataset) -> Runs<'a> {
        let config = unit.network.config(self.backend, unit.seed, self.teacher.as_deref());
        let find = |row, config: &TrainConfig| {
            Found::read(RunFolder::at(self.run_folder(unit, row)), config, unit.held_out(), data)
        };
        let base = find(None, &config);
        let find_derived = |row: &'a Precision| {
            let model = base.as_ref().map(|base| base.outcome.model_id.as_str());
            (row, model.and_then(|model| find(Some(row), &row.config(&config, model))))
        };
        let derived = unit.network.derived().map(find_derived).collect();
        Runs { unit, config, base, derived }
    }
}

impl Found {
    /// Returns the run in `folder` if it is finished, and of this configuration on this data.
    fn read(folder: RunFolder, config: &TrainConfig, held_out: HeldOut, data: &Dataset) -> Option<Self> {
        let (recorded, outcome) = folder.read_finished().ok()?;
        let is_finished = !outcome.stop.is_interruption();
        let expected = Configuration::new(config, held_out, data);
        (is_finished && is_same(recorded, expected)).then_some(())?;
        let history: Vec<Epoch> = folder.read(RunFile::History).ok()?;
        let running_train_accuracy = history.last().map(|epoch| epoch.accuracy);
        let is_whole = running_train_accuracy.is_some() || config.all_epochs() == 0;
        is_whole.then_some(Self { seed: config.seed, running_train_accuracy, folder, outcome })
    }
}

impl Runs<'_> {
    /// Returns the run that `row` shows.
    pub fn of(&self, row: &Precision) -> Option<&Found> {
        match self.derived.iter().find(|(derived, _)| *derived == row) {
            Some((_, found)) => found.as_ref(),
            None => self.base.as_ref(),
        }
    }

    /// Returns the run with this `name`, without the seed, if it is finished.
    pub fn named(&self, name: &str) -> Option<&Found> {
        let row = self.unit.network.member(name)?.row;
        row.map_or(self.base.as_ref(), |row| self.of(row))
    }

    /// Returns the finished runs, with their configurations.
    pub fn found(&self) -> impl Iterator<Item = (TrainConfig, &Found)> {
        let model = self.base.as_ref().map_or("", |base| base.outcome.model_id.as_str());
        let derived = self.derived.iter().filter_map(|(row, found)| Some((*row, found.as_ref()?)));
        let derived = derived.map(|(row, found)| (row.config(&self.config, model), found));
        self.base.iter().map(|base| (self.config.clone(), base)).chain(derived)
    }

    /// Returns the rows whose runs are missing, `None` for the network's own run, with their
    /// configurations. The model that the derived ones start from is not known yet.
    pub fn missing(&self) -> impl Iterator<Item = (Option<&Precision>, TrainConfig)> {
        let base = self.base.is_none().then(|| (None, self.config.clone()));
        let derived = self.derived.iter().filter(|(_, found)| found.is_none());
        base.into_iter().chain(derived.map(|(row, _)| (Some(*row), row.config(&self.config, ""))))
    }
}

/// Returns whether a run would be trained in the same way now.
fn is_same(mut recorded: Configuration, mut expected: Configuration) -> bool {
    for configuration in [&mut recorded, &mut expected] {
        let on_processor = configuration.train.backend.is_on_processor();
        let is_ignored = |name: &str| MACHINE.contains(&name) || (on_processor && GRAPHICS.contains(&name));
        configuration.versions.retain(|name, _| !is_ignored(name));
    }
    recorded.is_same_training(&expected)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use photos::Form;

    use super::super::list::{FRONTIER, read};
    use super::*;
    use crate::data::{Framing, Reading, ValidationOrder};
    use crate::run::DataRecord;

    fn configuration(teacher: Option<&str>) -> Configuration {
        let networks = read(None, FRONTIER).unwrap().networks;
        let network = networks.iter().find(|network| network.is_taught()).unwrap();
        let versions = [("prenda", "1"), ("rustc", "2"), ("system", "3")];
        Configuration {
            train: network.config(Backend::Flex, 1, teacher),
            validation: 0,
            validation_order: ValidationOrder::Last,
            rows: 28,
            columns: 28,
            channels: 1,
            classes: Vec::new(),
            data_sha256: String::new(),
            test_sha256: String::new(),
            versions: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).into(),
            data: None,
            command: Vec::new(),
            date: None,
        }
    }

    #[test]
    fn a_run_counts_if_it_would_be_trained_in_the_same_way() {
        let taught = |name: &str| configuration(Some(name));
        assert!(is_same(taught("a"), taught("a")) && !is_same(taught("a"), taught("b")));
        assert!(!is_same(taught("a"), configuration(None)));
        let mut other = taught("a");
        other.versions = BTreeMap::from([("prenda".to_owned(), "1".to_owned()), ("rustc".to_owned(), "9".to_owned())]);
        other.command = vec!["compare".to_owned()];
        assert!(is_same(other.clone(), taught("a")), "another machine's");
        other.versions.insert("burn-wgpu".to_owned(), "4".to_owned());
        assert!(is_same(other.clone(), taught("a")), "from a build that has a graphics backend, but did not use it");
        other.data = Some(DataRecord {
            folder: Some("elsewhere".into()),
            form: Form::FASHION_MNIST,
            reading: Reading::default(),
            framing: Framing::Subject,
        });
        assert!(is_same(other.clone(), taught("a")), "from a copy of the data set");
        other.versions.insert("prenda".to_owned(), "2".to_owned());
        assert!(!is_same(other, taught("a")), "another version's");
        let mut longer = taught("a");
        longer.train.epochs += 1;
        assert!(!is_same(longer, taught("a")));
    }
}
