//! `config.json`: settings, data and versions of a run.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};
use std::path::{self, Component, Path, PathBuf};
use std::{env, fs};

use photos::{Form, Span};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::folder::Record;
use crate::data::{Dataset, Framing, HeldOut, Origin, Reading, Recorded, ValidationOrder, hex};
use crate::support::date::today;
use crate::support::range::Outside;
use crate::train::TrainConfig;

/// Dependencies that affect the results, whose versions are recorded.
const RECORDED: [&str; 6] = ["burn", "burn-autodiff", "burn-flex", "burn-ndarray", "gemm", "postcard"];

/// Dependencies recorded only if the build has their feature; the lock file always lists them.
const OPTIONAL: [(&str, bool); 2] = [("burn-cuda", cfg!(feature = "cuda")), ("burn-wgpu", cfg!(feature = "wgpu"))];

/// Longest description of a difference that has both values.
const MAX_DIFFERENCE_BYTES: usize = 80;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    pub train: TrainConfig,
    /// Number of training images held out.
    pub validation: usize,
    /// The choice of these images, with the seed of the training. Older runs held out the last.
    #[serde(default)]
    pub validation_order: ValidationOrder,
    pub rows: u16,
    pub columns: u16,
    /// Older runs had only grey images.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub channels: u16,
    pub classes: Vec<String>,
    /// SHA-256 of the training images and labels.
    pub data_sha256: String,
    /// SHA-256 of the test images and labels.
    pub test_sha256: String,
    /// Name and version of everything that affects the results.
    pub versions: BTreeMap<String, String>,
    /// The data set that later commands use and expect. Older runs did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataRecord>,
    /// The arguments of the program that trained or imported the network. Older runs did not record
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The day on which the training or the import began, in UTC: `2026-11-30`. Older runs did not
    /// record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// Facts about a run's data set that do not affect the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// The folder named with `--data`, relative to the run's folder if it was named relatively.
    /// `None` for Fashion-MNIST, which has its own places, or if the path is not UTF-8.
    pub folder: Option<PathBuf>,
    /// The form that `predict --image` gives to images.
    pub form: Form,
    /// Options with which the files were read. Older runs had only IDX files.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reading: Reading,
    /// The part of an image that `predict --image` takes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub framing: Framing,
}

impl Configuration {
    /// Returns the configuration of a run with this program, without facts about its data set that
    /// do not affect the results.
    pub fn new(train: &TrainConfig, held_out: HeldOut, data: &Dataset) -> Self {
        Self {
            train: train.clone(),
            validation: held_out.count,
            validation_order: if held_out.count == 0 { ValidationOrder::Last } else { held_out.order },
            rows: data.shape.rows,
            columns: data.shape.columns,
            channels: data.shape.channels,
            classes: data.class_names.clone(),
            data_sha256: hex(&data.train_hash),
            test_sha256: hex(&data.test_hash),
            versions: versions(),
            data: None,
            command: env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect(),
            date: Some(today()),
        }
    }

    /// Returns the configuration with facts about `data`, for a run in the folder `run`.
    pub fn with_data(self, data: &Dataset, run: Option<&Path>) -> Self {
        let form = Form::measure(data.train.images(), data.shape);
        let (folder, reading, framing) = (recorded_folder(data, run), data.reading.clone(), data.framing);
        Self { data: Some(DataRecord { folder, form, reading, framing }), ..self }
    }

    /// Returns the configuration for any other folder: it names the folder of `data` absolutely.
    pub fn moved(&self, data: &Dataset) -> Self {
        let mut moved = self.clone();
        if let Some(record) = &mut moved.data {
            record.folder = recorded_folder(data, None);
        }
        moved
    }

    /// Returns the images that were held out.
    pub fn held_out(&self) -> HeldOut {
        HeldOut { count: self.validation, order: self.validation_order, seed: self.train.seed }
    }

    /// Checks that the run can have held images out of `images` and trained on others.
    ///
    /// # Errors
    ///
    /// Returns a description of the damage otherwise.
    pub fn check_held_out(&self, images: usize) -> Result<(), String> {
        let held_out = self.validation;
        let is_possible = held_out < images;
        let reason = || format!("validation is {held_out}, expected less than {images}, the training images");
        is_possible.then_some(()).ok_or_else(reason)
    }

    /// Returns the data set of the run in `run`, if the run recorded one.
    pub fn recorded_data(&self, run: &Path) -> Option<Recorded> {
        let record = self.data.as_ref()?;
        let place = record.folder.as_deref().map(|folder| data_place(&run.join(folder)));
        Some(Recorded { place, reading: record.reading.clone() })
    }

    /// Returns the name of the network: `784-128-10`, or its layers in words.
    pub fn network_name(&self) -> String {
        self.train.network_name(usize::from(self.rows) * usize::from(self.columns), self.classes.len())
    }

    /// Returns true if both describe the same training, wherever its data set was and whatever
    /// command began it.
    pub fn is_same_training(&self, other: &Self) -> bool {
        let settings =
            |configuration: &Self| Self { data: None, command: Vec::new(), date: None, ..configuration.clone() };
        settings(self) == settings(other)
    }

    /// Describes the first setting in which a run differs from `expected`. The versions of programs
    /// do not count.
    pub fn difference(&self, expected: &Self) -> Option<String> {
        let [found, expected] = [self, expected].map(settings);
        let (name, value) = expected.iter().find(|(name, value)| found.get(*name) != Some(*value))?;
        let other = found.get(name).unwrap_or(&Value::Null);
        let text = format!("{name} {other}, not {value}");
        Some(if text.len() <= MAX_DIFFERENCE_BYTES { text } else { format!("of other {name}") })
    }

    /// Returns true if the run was trained and tested on `data`.
    pub fn uses(&self, data: &Dataset) -> bool {
        (self.data_sha256.as_str(), self.test_sha256.as_str()) == (&hex(&data.train_hash), &hex(&data.test_hash))
    }
}

/// Returns `path` without the run's folder and `..` in it, if possible.
fn data_place(path: &Path) -> PathBuf {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let current = env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    let short = whole.strip_prefix(&current).map(Path::to_owned).unwrap_or(whole);
    if short.as_os_str().is_empty() { ".".into() } else { short }
}

/// Returns the folder of `data` for a run in `run`, as [`DataRecord::folder`] describes it.
fn recorded_folder(data: &Dataset, run: Option<&Path>) -> Option<PathBuf> {
    let is_named = matches!(data.origin, Origin::Given | Origin::Run);
    let folder = match run {
        Some(run) if data.folder.is_relative() => relative(&data.folder, run),
        _ => path::absolute(&data.folder).ok(),
    };
    folder.filter(|folder| is_named && folder.to_str().is_some())
}

/// Returns the path that leads from the folder `from` to `path`; both must exist.
fn relative(path: &Path, from: &Path) -> Option<PathBuf> {
    let (path, from) = (fs::canonicalize(path).ok()?, fs::canonicalize(from).ok()?);
    let shared = path.components().zip(from.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    Some(up.chain(path.components().skip(shared)).collect())
}

impl Record for Configuration {
    fn outside(&self) -> Option<Outside> {
        self.train.outside().or_else(|| outside_form(&self.data.as_ref()?.form))
    }
}

fn outside_form(form: &Form) -> Option<Outside> {
    let Span { least, median, largest } = form.invalid_span()?;
    Outside::unless(false, "form", [least, median, largest], "three shares, ascending, 0..=1")
}

fn one() -> u16 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde requires")]
fn is_one(channels: &u16) -> bool {
    *channels == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Returns all settings by their names, without the versions of programs, the data's place, the
/// command and the date.
fn settings(configuration: &Configuration) -> Map<String, Value> {
    let Ok(Value::Object(mut settings)) = serde_json::to_value(configuration) else { return Map::new() };
    settings.remove("versions");
    settings.remove("data");
    settings.remove("command");
    settings.remove("date");
    if let Some(Value::Object(mut train)) = settings.remove("train") {
        settings.append(&mut train);
    }
    settings
}

/// Returns name and version of this program, the compiler, the system and [`RECORDED`].
pub fn versions() -> BTreeMap<String, String> {
    let is_recorded = |name: &str| RECORDED.contains(&name) || OPTIONAL.contains(&(name, true));
    let dependencies = built_information::DEPENDENCIES.iter().filter(|(name, _)| is_recorded(name));
    let own = [
        ("prenda", built_information::PKG_VERSION.to_owned()),
        ("rustc", built_information::RUSTC_VERSION.trim_start_matches("rustc ").to_owned()),
        ("system", format!("{OS} {ARCH}")),
    ];
    let all = dependencies.map(|(name, version)| (*name, (*version).to_owned())).chain(own);
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for (name, version) in all {
        // If two versions of a dependency are linked, both are recorded.
        versions.entry(name.to_owned()).and_modify(|all| *all += &format!(", {version}")).or_insert(version);
    }
    versions
}

/// Constants written by `build.rs`.
mod built_information {
    include!(concat!(env!("OUT_DIR"), "/built.rs"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_leads_from_one_folder_to_another() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for folder in ["data/digits", "runs/first"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        let found = relative(&path("data/digits"), &path("runs/first")).unwrap();
        assert_eq!(found, Path::new("../../data/digits"));
        assert_eq!(relative(&path("data/digits"), &path("data")).unwrap(), Path::new("digits"));
        assert_eq!(relative(&path("absent"), &path("data")), None);
    }

    #[test]
    fn versions_are_known() {
        let versions = versions();
        for name in ["prenda", "rustc", "burn", "burn-flex", "burn-ndarray", "postcard"] {
            assert!(versions[name].starts_with(|first: char| first.is_ascii_digit()), "{name}: {versions:?}");
        }
        assert_eq!(versions.contains_key("burn-wgpu"), cfg!(feature = "wgpu"));
    }
}
