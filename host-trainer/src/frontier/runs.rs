//! The runs of a unit: how each is trained, where it lies, and whether it is there.

use std::path::Path;

use super::families::Entry;
use super::unit::Unit;
use crate::data::Dataset;
use crate::network::backend::Backend;
use crate::run::{Configuration, Outcome, RunFile, RunFolder};
use crate::train::TrainConfig;

/// What has no part in the result but by rounding, so that runs of several machines go together.
const MACHINE: [&str; 2] = ["rustc", "system"];

/// Backends of graphics cards, which a build may have beside the processor's.
const GRAPHICS: [&str; 2] = ["burn-cuda", "burn-wgpu"];

/// Who teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Teacher {
    /// Nobody: networks that would be taught learn from labels alone.
    Absent,
    /// The one whose answers have this SHA-256.
    Known(String),
}

impl Teacher {
    /// That of the first of `units`' runs in `folder` that has one: its runs go together, and no others go with them.
    pub fn recorded(folder: &Path, units: &[Unit]) -> Self {
        let of = |unit: &Unit| {
            let run = RunFolder::at(folder.join(unit.family.run_name(None, unit.seed)));
            let configuration: Configuration = run.read(RunFile::Configuration).ok()?;
            configuration.train.teacher.map(|teaching| Self::Known(teaching.sha256))
        };
        units.iter().find_map(of).unwrap_or(Self::Absent)
    }

    /// What a configuration says of it.
    pub fn sha256(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Known(sha256) => Some(sha256.clone()),
        }
    }
}

/// A run that is there.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where every random choice came from.
    pub seed: u64,
    /// Where it lies.
    pub folder: RunFolder,
    /// What came of it.
    pub outcome: Outcome,
}

/// The runs of a unit that are there.
#[derive(Debug)]
pub struct Runs {
    /// The unit.
    pub unit: Unit,
    /// How the family's own run is trained.
    pub config: TrainConfig,
    /// The family's own run.
    pub base: Option<Found>,
    /// Those that are derived from it.
    pub derived: Vec<(&'static Entry, Option<Found>)>,
}

impl Runs {
    /// Those of `unit` in `folder`.
    pub fn find(unit: Unit, folder: &Path, backend: Backend, teacher: &Teacher, data: &Dataset) -> Self {
        let config = unit.family.config(backend, unit.seed, teacher);
        let at = |entry| RunFolder::at(folder.join(unit.family.run_name(entry, unit.seed)));
        let base = find(at(None), &config, data);
        let find_derived = |entry: &'static Entry| {
            let model = base.as_ref().map(|base| base.outcome.model_id.as_str());
            (entry, model.and_then(|model| find(at(Some(entry)), &entry.config(&config, model), data)))
        };
        let derived = unit.family.derived().map(find_derived).collect();
        Self { unit, config, base, derived }
    }

    /// The run that `entry` is a row of.
    pub fn of(&self, entry: &Entry) -> Option<&Found> {
        match self.derived.iter().find(|(derived, _)| *derived == entry) {
            Some((_, found)) => found.as_ref(),
            None => self.base.as_ref(),
        }
    }

    /// Those that are there, and how each was trained.
    pub fn found(&self) -> impl Iterator<Item = (TrainConfig, &Found)> {
        let model = self.base.as_ref().map_or("", |base| base.outcome.model_id.as_str());
        let derived = self.derived.iter().filter_map(|(entry, found)| Some((*entry, found.as_ref()?)));
        let derived = derived.map(|(entry, found)| (entry.config(&self.config, model), found));
        self.base.iter().map(|base| (self.config.clone(), base)).chain(derived)
    }

    /// How those are trained that are not there; what the derived ones begin with is not known yet.
    pub fn missing(&self) -> impl Iterator<Item = (String, TrainConfig)> {
        let Unit { family, seed } = self.unit;
        let base = self.base.is_none().then(|| (family.run_name(None, seed), self.config.clone()));
        let derived = self.derived.iter().filter(|(_, found)| found.is_none());
        base.into_iter()
            .chain(derived.map(move |(entry, _)| (family.run_name(Some(entry), seed), entry.config(&self.config, ""))))
    }
}

/// The run in `folder`, if it is finished and of just this configuration on just this data.
fn find(folder: RunFolder, config: &TrainConfig, data: &Dataset) -> Option<Found> {
    let (recorded, outcome) = folder.read_finished().ok()?;
    is_same(recorded, Configuration::new(config, 0, data)).then_some(())?;
    Some(Found { seed: config.seed, folder, outcome })
}

/// Whether a run is as it would be trained now.
fn is_same(mut recorded: Configuration, mut expected: Configuration) -> bool {
    for configuration in [&mut recorded, &mut expected] {
        let on_processor = configuration.train.backend.is_on_processor();
        let has_no_part = |name: &str| MACHINE.contains(&name) || (on_processor && GRAPHICS.contains(&name));
        configuration.versions.retain(|name, _| !has_no_part(name));
    }
    recorded == expected
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::families::FAMILIES;
    use super::*;

    fn configuration(teacher: &Teacher) -> Configuration {
        let family = FAMILIES.iter().find(|family| family.is_taught()).unwrap();
        let versions = [("prenda", "1"), ("rustc", "2"), ("system", "3")];
        Configuration {
            train: family.config(Backend::Flex, 1, teacher),
            validation: 0,
            rows: 28,
            columns: 28,
            classes: Vec::new(),
            data_sha256: String::new(),
            test_sha256: String::new(),
            versions: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).into(),
        }
    }

    #[test]
    fn a_run_counts_where_it_would_be_trained_in_the_same_way() {
        let known = |name: &str| configuration(&Teacher::Known(name.to_owned()));
        assert!(is_same(known("a"), known("a")) && !is_same(known("a"), known("b")));
        assert!(!is_same(known("a"), configuration(&Teacher::Absent)));
        let mut other = known("a");
        other.versions = BTreeMap::from([("prenda".to_owned(), "1".to_owned()), ("rustc".to_owned(), "9".to_owned())]);
        assert!(is_same(other.clone(), known("a")), "another machine's");
        other.versions.insert("burn-wgpu".to_owned(), "4".to_owned());
        assert!(
            is_same(other.clone(), known("a")),
            "a build's that could have trained on a graphics card, and did not"
        );
        other.versions.insert("prenda".to_owned(), "2".to_owned());
        assert!(!is_same(other, known("a")), "another version's");
        let mut longer = known("a");
        longer.train.epochs += 1;
        assert!(!is_same(longer, known("a")));
    }
}
