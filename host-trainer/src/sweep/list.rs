//! The list of networks: a TOML file.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::data::{HeldOut, ValidationOrder};
use crate::network::Architecture;
use crate::network::backend::Backend;
use crate::quantize::WeightBits;
use crate::run::MAX_RECORD_BYTES;
use crate::support::bounded;
use crate::support::range::is_share;
use crate::train::{BLOCK_OUTPUTS, Recipe, Teaching, TrainConfig};

/// A list that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    path: &'static str,
    text: &'static str,
}

/// The lecture's five networks, in its order.
pub const LECTURE: Builtin =
    Builtin { path: "host-trainer/sweeps/lecture.toml", text: include_str!("../../sweeps/lecture.toml") };

/// The networks of `docs/frontier.md`.
pub const FRONTIER: Builtin =
    Builtin { path: "host-trainer/sweeps/frontier.toml", text: include_str!("../../sweeps/frontier.toml") };

/// One network of each kind, with few epochs.
pub const REDUCED: Builtin = Builtin {
    path: "host-trainer/sweeps/frontier-reduced.toml",
    text: include_str!("../../sweeps/frontier-reduced.toml"),
};

/// A network that is trained in floating point, and its rows.
///
/// Settings that are not given are the recipe's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedNetwork {
    /// Name in options and folders.
    pub name: String,
    /// Name in tables, if it is another one.
    title: Option<String>,
    /// Neurons of each hidden layer.
    hidden: Option<Vec<usize>>,
    /// All layers, instead of `hidden`.
    network: Option<Architecture>,
    /// Source of all settings that are not given here.
    #[serde(default)]
    pub recipe: Recipe,
    epochs: Option<u32>,
    batch_size: Option<usize>,
    learning_rate: Option<f64>,
    weight_decay: Option<f64>,
    augment: Option<f64>,
    stop_at_train_accuracy: Option<f64>,
    /// Number of training images to hold out.
    #[serde(default)]
    validation: usize,
    /// The choice of these images.
    #[serde(default = "by_class")]
    validation_order: ValidationOrder,
    /// Share of the loss that is measured against a teacher's answers, if the network learns from
    /// one.
    teacher_share: Option<f64>,
    /// Share of blocks of hidden layers' weights that become zero.
    #[serde(default)]
    pub sparsity: f64,
    /// Rows of the table; the 8-bit one alone if not given.
    #[serde(default = "eight_bits_alone")]
    pub rows: Vec<Precision>,
    /// Figures that the lecture reports, on Fashion-MNIST.
    pub lecture: Option<LectureFigures>,
}

/// The lecture's figures for a network: one training, with Keras, with an unknown seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LectureFigures {
    pub epochs: u32,
    /// Accuracy while training in the last epoch, 0..=1.
    pub train_accuracy: f64,
    /// Accuracy on the test split, 0..=1.
    pub test_accuracy: f64,
}

/// The weights of a row, and how they are made from the network's.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precision {
    weight_bits: RowBits,
    /// Epochs of training in integers (QAT); 0 only rounds (PTQ).
    #[serde(default)]
    qat_epochs: u32,
    /// Adam's largest learning rate in these.
    #[serde(default = "default_qat_learning_rate")]
    qat_learning_rate: f64,
}

/// Bits of a row's weights.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "u8")]
enum RowBits {
    Float,
    Integer(WeightBits),
}

/// An unusable list.
#[derive(Debug, Error)]
pub enum ListError {
    #[error("cannot read the list of networks {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a list of networks: {error}")]
    Toml { path: PathBuf, error: Box<toml::de::Error> },
    #[error("{path} has no [[network]]; add one")]
    Empty { path: PathBuf },
    #[error("{path}: network {network}: {reason}")]
    Network {
        path: PathBuf,
        /// The network's name, or its number if it has no name.
        network: String,
        /// The setting, the value found, and the values accepted.
        reason: String,
    },
    #[error(
        "{path}: two rows are named {name}; give each network its own name, and each of its rows its own weight_bits"
    )]
    Duplicate { path: PathBuf, name: String },
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    network: Vec<toml::Table>,
}

/// Reads the networks in the file at `path`, or the `builtin` ones.
pub fn read(path: Option<&Path>, builtin: Builtin) -> Result<Vec<ListedNetwork>, ListError> {
    let Some(path) = path else { return parse(builtin.text, Path::new(builtin.path)) };
    let read_error = |source| ListError::Read { path: path.to_owned(), source };
    let bytes = bounded::read(path, MAX_RECORD_BYTES).map_err(read_error)?;
    let text = String::from_utf8(bytes).map_err(|error| read_error(io::Error::other(error)))?;
    parse(&text, path)
}

fn parse(text: &str, path: &Path) -> Result<Vec<ListedNetwork>, ListError> {
    let owned = || path.to_owned();
    let document: Document =
        toml::from_str(text).map_err(|error| ListError::Toml { path: owned(), error: Box::new(error) })?;
    let parse_network = |(index, table): (usize, toml::Table)| {
        let name = table.get("name").and_then(toml::Value::as_str);
        let network = name.map_or_else(|| format!("number {}", index + 1), str::to_owned);
        let parsed = table.try_into::<ListedNetwork>().map_err(|error| error.message().to_owned());
        parsed.and_then(|parsed| parsed.check().map(|()| parsed)).map_err(|reason| ListError::Network {
            path: owned(),
            network,
            reason,
        })
    };
    let networks: Vec<ListedNetwork> =
        document.network.into_iter().enumerate().map(parse_network).collect::<Result<_, _>>()?;
    if networks.is_empty() {
        return Err(ListError::Empty { path: owned() });
    }
    let mut names = BTreeSet::new();
    let rows = |network: &ListedNetwork| network.rows.iter().map(|row| network.row_name(row)).collect::<Vec<_>>();
    let mut all = networks.iter().flat_map(|network| [vec![network.name.clone()], rows(network)].concat());
    match all.find(|name| !names.insert(name.clone())) {
        Some(name) => Err(ListError::Duplicate { path: owned(), name }),
        None => Ok(networks),
    }
}

impl ListedNetwork {
    /// Returns the name in tables.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// Returns the widths of dense layers, or the title of another network, which is shorter than
    /// its layers in words.
    pub fn layers(&self, pixels: usize, classes: usize) -> String {
        let config = self.config(Backend::DEFAULT, 1, None);
        if config.network.is_some() { self.title().to_owned() } else { config.network_name(pixels, classes) }
    }

    /// Returns how often each training image is seen in floating point.
    pub fn epochs(&self) -> u32 {
        self.config(Backend::DEFAULT, 1, None).epochs
    }

    /// Returns the configuration of the float network's run. `teacher` is the SHA-256 of the
    /// teacher's answers.
    pub fn config(&self, backend: Backend, seed: u64, teacher: Option<&str>) -> TrainConfig {
        let config = self.recipe.config(backend, self.hidden.clone().unwrap_or_default(), seed);
        let teaching = |(share, sha256): (f64, &str)| Teaching { share, sha256: sha256.to_owned() };
        let config = TrainConfig {
            epochs: self.epochs.unwrap_or(config.epochs),
            batch_size: self.batch_size.unwrap_or(config.batch_size),
            learning_rate: self.learning_rate.unwrap_or(config.learning_rate),
            weight_decay: self.weight_decay.unwrap_or(config.weight_decay),
            augment: self.augment.unwrap_or(config.augment),
            stop_at_train_accuracy: self.stop_at_train_accuracy,
            teacher: self.teacher_share.zip(teacher).map(teaching),
            sparsity: self.sparsity,
            ..config
        };
        match &self.network {
            Some(network) => config.with_network(network.clone()),
            None => config,
        }
    }

    /// Returns the training images that the network's runs with `seed` hold out.
    pub fn held_out(&self, seed: u64) -> HeldOut {
        HeldOut { count: self.validation, order: self.validation_order, seed }
    }

    /// Returns the network with its own run alone.
    pub fn without_rows(self) -> Self {
        Self { rows: eight_bits_alone(), ..self }
    }

    /// Returns whether the network learns from a teacher.
    pub fn is_taught(&self) -> bool {
        self.teacher_share.is_some()
    }

    /// Returns the rows that are runs of their own, after the network's.
    pub fn derived(&self) -> impl Iterator<Item = &Precision> {
        self.rows.iter().filter(|row| row.is_derived())
    }

    /// Returns the name of the run of `row`, or of the network's own run, without the seed.
    pub fn run_name(&self, row: Option<&Precision>) -> String {
        row.filter(|row| row.is_derived()).map_or_else(|| self.name.clone(), |row| self.row_name(row))
    }

    /// Returns a name that no other row of the list has.
    fn row_name(&self, row: &Precision) -> String {
        format!("{}-{}-{}", self.name, if row.is_fine_tuned() { "qat" } else { "ptq" }, row.weight_bits())
    }

    /// Checks that the network and its rows can be trained, and returns the reason if not.
    fn check(&self) -> Result<(), String> {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if self.name.starts_with(['.', '-']) || self.name.is_empty() || !self.name.chars().all(is_plain) {
            let name = &self.name;
            return Err(format!(
                "name is {name:?}; use ASCII letters, digits, '-', '_' and '.', a letter or digit first"
            ));
        }
        if self.hidden.is_some() == self.network.is_some() {
            let found =
                if self.hidden.is_some() { "hidden and network are both given" } else { "missing field `hidden`" };
            return Err(format!("{found}; give either hidden or network"));
        }
        if self.rows.is_empty() {
            return Err("rows is empty; add one, or leave it out".to_owned());
        }
        let config = self.config(Backend::DEFAULT, 1, Some(""));
        let derived = self.derived().map(|row| row.config(&config, ""));
        for config in [config.clone()].into_iter().chain(derived) {
            let Some(field) = config.outside() else { continue };
            let value = serde_json::to_value(&config).ok().and_then(|config| config.get(field).cloned());
            let value = value.map(|value| format!(" is {value}, which")).unwrap_or_default();
            return Err(format!("{field}{value} is out of range; see `host-trainer train --help`"));
        }
        if self.rows.iter().any(|row| row.is_float() && row.is_fine_tuned()) {
            return Err("a row has weight_bits = 32 and qat_epochs; training in integers needs 2, 4 or 8".to_owned());
        }
        if self.sparsity > 0.0 {
            self.check_pruning()?;
        }
        let figures = self.lecture.iter().flat_map(|lecture| [lecture.train_accuracy, lecture.test_accuracy]);
        match figures.into_iter().find(|accuracy| !is_share(*accuracy)) {
            Some(accuracy) => Err(format!("an accuracy of the lecture is {accuracy}, expected 0 to 1")),
            None => Ok(()),
        }
    }

    /// Checks that the network can be pruned, and returns the reason if not.
    fn check_pruning(&self) -> Result<(), String> {
        if let Some(row) = self.rows.iter().find(|row| row.weight_bits() < 8) {
            let bits = row.weight_bits();
            return Err(format!("a row has weight_bits = {bits}, but sparsity needs 8 or 32"));
        }
        let widths = self.network.as_ref().map(Architecture::prunable_widths);
        let widths = widths.or_else(|| self.hidden.clone()).unwrap_or_default();
        if let Some(width) = widths.iter().find(|width| **width < BLOCK_OUTPUTS) {
            return Err(format!("a hidden layer has {width} neurons, but sparsity needs at least {BLOCK_OUTPUTS}"));
        }
        match self.stop_at_train_accuracy {
            Some(_) => Err("sparsity needs the whole training; leave out stop_at_train_accuracy".to_owned()),
            None => Ok(()),
        }
    }
}

impl Precision {
    /// Returns the configuration of the run that derives this row from a run of `base` whose model
    /// is `model`, like `train --from`.
    pub fn config(&self, base: &TrainConfig, model: &str) -> TrainConfig {
        TrainConfig {
            epochs: 0,
            from: Some(model.to_owned()),
            teacher: base.teacher.clone().filter(|_| self.is_fine_tuned()),
            weight_bits: match self.weight_bits {
                RowBits::Float => WeightBits::Eight,
                RowBits::Integer(bits) => bits,
            },
            qat_epochs: self.qat_epochs,
            qat_learning_rate: if self.is_fine_tuned() { self.qat_learning_rate } else { 0.0 },
            ..base.clone()
        }
    }

    /// Returns the bits of a weight of the hidden layers; 32 for the float network.
    pub fn weight_bits(&self) -> u8 {
        match self.weight_bits {
            RowBits::Float => 32,
            RowBits::Integer(bits) => bits.into(),
        }
    }

    /// Returns whether the row is the float network.
    pub fn is_float(&self) -> bool {
        self.weight_bits == RowBits::Float
    }

    /// Returns whether the row is trained in integers.
    pub fn is_fine_tuned(&self) -> bool {
        self.qat_epochs > 0
    }

    /// Returns whether the row needs a run of its own: the network's run has the float weights, and
    /// those rounded to 8 bits.
    fn is_derived(&self) -> bool {
        self.is_fine_tuned() || self.weight_bits() < 8
    }
}

impl TryFrom<u8> for RowBits {
    type Error = String;

    fn try_from(bits: u8) -> Result<Self, String> {
        match bits {
            32 => Ok(Self::Float),
            _ => WeightBits::try_from(bits)
                .map(Self::Integer)
                .map_err(|_| format!("weight_bits is {bits}, expected 2, 4, 8 or 32")),
        }
    }
}

/// Returns the default of `train`, which is not that of older records.
fn by_class() -> ValidationOrder {
    ValidationOrder::Class
}

fn eight_bits_alone() -> Vec<Precision> {
    let weight_bits = RowBits::Integer(WeightBits::Eight);
    vec![Precision { weight_bits, qat_epochs: 0, qat_learning_rate: default_qat_learning_rate() }]
}

fn default_qat_learning_rate() -> f64 {
    1e-3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of all runs of a built-in list, with their settings that are not the
    /// recipe's.
    fn expand(builtin: Builtin) -> Vec<String> {
        let lines = |network: &ListedNetwork| -> Vec<String> {
            let own = network.config(Backend::Flex, 1, Some("t"));
            let derived = network.derived().map(|row| (network.run_name(Some(row)), row.config(&own, "m")));
            let all = [(network.run_name(None), own.clone())].into_iter().chain(derived);
            all.map(|(name, config)| format!("{name}: {}", settings(&config))).collect()
        };
        read(None, builtin).unwrap().iter().flat_map(lines).collect()
    }

    fn settings(config: &TrainConfig) -> String {
        let recipe = serde_json::to_value(config.recipe.config(config.backend, config.hidden.clone(), 1)).unwrap();
        let config_value = serde_json::to_value(config).unwrap();
        let changed = config_value.as_object().unwrap().iter().filter(|(key, value)| recipe[*key] != **value);
        let changed: String = changed.map(|(key, value)| format!(" {key}={value}")).collect();
        format!("{} {:?}{}", config.recipe.name(), config.hidden, changed.replace('"', ""))
    }

    #[test]
    fn the_lecture_has_five_networks() {
        let expected = [
            "128-5-epochs: lecture [128]",
            "128-50-epochs: lecture [128] epochs=50",
            "1024-5-epochs: lecture [1024]",
            "512-256-5-epochs: lecture [512, 256]",
            "128-stop-above-90: lecture [128] epochs=50 stop_at_train_accuracy=0.9",
        ];
        assert_eq!(expand(LECTURE), expected);
        let networks = read(None, LECTURE).unwrap();
        let titles: Vec<_> = networks.iter().map(ListedNetwork::title).collect();
        let expected =
            ["128, 5 epochs", "128, 50 epochs", "1024, 5 epochs", "512 + 256, 5 epochs", "128, stop above 90 %"];
        assert_eq!(titles, expected);
        let figures = |network: &ListedNetwork| {
            network.lecture.map(|figures| (figures.epochs, figures.train_accuracy, figures.test_accuracy))
        };
        let figures: Vec<_> = networks.iter().map(figures).collect();
        let expected = [
            Some((5, 0.8990, 0.877)),
            Some((50, 0.9652, 0.8855)),
            Some((5, 0.8966, 0.8751)),
            None,
            Some((6, 0.9021, 0.8830)),
        ];
        assert_eq!(figures, expected);
    }

    #[test]
    fn the_frontier_expands_to_the_runs_of_its_page() {
        const SHARE: &str = "teacher={sha256:t,share:0.7}";
        let expected = [
            "128-lecture: lecture [128]",
            "128-best: best [128]",
            "128-taught: best [128] epochs=150 TEACHER",
            "128-taught-qat-8: best [128] epochs=0 from=m qat_epochs=20 qat_learning_rate=0.001 TEACHER",
            "128-taught-ptq-4: best [128] epochs=0 from=m weight_bits=4",
            "128-taught-qat-4: best [128] epochs=0 from=m qat_epochs=30 qat_learning_rate=0.001 TEACHER weight_bits=4",
            "128-taught-ptq-2: best [128] epochs=0 from=m weight_bits=2",
            "128-taught-qat-2: best [128] epochs=0 from=m qat_epochs=60 qat_learning_rate=0.001 TEACHER weight_bits=2",
            "96-pruned-82.5: best [96] augment=0.3 epochs=250 sparsity=0.825 TEACHER weight_decay=0.03",
            "64-pruned-89.8: best [64] augment=0.25 epochs=250 sparsity=0.898 TEACHER weight_decay=0.01",
            "256-pruned-76: best [256] epochs=150 sparsity=0.76 TEACHER",
            "128-pruned-75: best [128] epochs=150 sparsity=0.75 TEACHER",
            "128-pruned-90: best [128] epochs=150 sparsity=0.9 TEACHER",
            "128-pruned-95: best [128] epochs=150 sparsity=0.95 TEACHER",
            "64-taught: best [64] epochs=150 TEACHER",
            "48-pruned-88: best [48] augment=0.25 epochs=250 sparsity=0.88 TEACHER weight_decay=0.01",
            "512-256-taught: best [512, 256] epochs=60 TEACHER",
            "512-256-taught-qat-4: best [512, 256] epochs=0 from=m qat_epochs=20 qat_learning_rate=0.001 TEACHER \
             weight_bits=4",
            "256-pruned-90: best [256] epochs=150 sparsity=0.9 TEACHER",
            "256-taught: best [256] epochs=150 TEACHER",
            "128-pruned-50: best [128] epochs=150 sparsity=0.5 TEACHER",
            "1024-taught: best [1024] epochs=40 TEACHER",
            "1024-taught-qat-4: best [1024] epochs=0 from=m qat_epochs=15 qat_learning_rate=0.001 TEACHER \
             weight_bits=4",
        ];
        assert_eq!(expand(FRONTIER), expected.map(|line| line.replace("TEACHER", SHARE)));
        let expected = [
            "128-lecture: lecture [128] epochs=1",
            "128-taught: best [128] epochs=4 TEACHER",
            "128-taught-qat-4: best [128] epochs=0 from=m qat_epochs=2 qat_learning_rate=0.001 TEACHER weight_bits=4",
            "128-taught-ptq-2: best [128] epochs=0 from=m weight_bits=2",
            "128-taught-qat-2: best [128] epochs=0 from=m qat_epochs=2 qat_learning_rate=0.001 TEACHER weight_bits=2",
            "128-pruned-90: best [128] epochs=6 sparsity=0.9 TEACHER",
        ];
        assert_eq!(expand(REDUCED), expected.map(|line| line.replace("TEACHER", SHARE)));
    }

    #[test]
    fn rows_keep_their_order() {
        let networks = read(None, FRONTIER).unwrap();
        let bits = |name: &str| -> Vec<(u8, bool)> {
            let network = networks.iter().find(|network| network.name == name).unwrap();
            network.rows.iter().map(|row| (row.weight_bits(), row.is_fine_tuned())).collect()
        };
        let expected = [(32, false), (8, false), (8, true), (4, false), (4, true), (2, false), (2, true)];
        assert_eq!(bits("128-taught"), expected);
        assert_eq!(bits("512-256-taught"), [(32, false), (8, false), (4, true)]);
        assert_eq!(bits("64-taught"), [(8, false)]);
    }

    #[test]
    fn without_a_teacher_networks_learn_from_labels_alone() {
        let networks = read(None, FRONTIER).unwrap();
        let taught = networks.iter().find(|network| network.is_taught()).unwrap();
        assert_eq!(taught.config(Backend::Flex, 7, None).teacher, None);
    }

    #[test]
    fn malformed_lists_are_refused_by_file_and_network() {
        let fine = "name = 'a'\nhidden = [16]\n";
        for (network, parts) in [
            ("hidden = [16]", &["number 1", "missing field `name`"][..]),
            ("name = 'a'", &["network a", "missing field `hidden`", "network"]),
            ("name = 'a'\nhidden = [16]\nnetwork = 'dense 2'", &["network a", "hidden and network"]),
            ("name = 'a'\nnetwork = 'conv 8'", &["network a", "layer 1: found no window"]),
            ("name = 'a'\nnetwork = 'conv 8 3x3; softmax'", &["network a", "layer 2: found \"softmax\""]),
            (&format!("{fine}validation = -1"), &["network a", "-1"]),
            (&format!("{fine}validation = 5\nvalidation_order = 'first'"), &["network a", "unknown variant `first`"]),
            ("name = 'a'\nhidden = 16", &["network a", "invalid type"]),
            ("name = 'a'\nhidden = [0]", &["network a", "hidden is [0]"]),
            ("name = '../a'\nhidden = [16]", &["../a", "letters"]),
            (&format!("{fine}epoch = 5"), &["network a", "unknown field `epoch`", "`epochs`"]),
            (&format!("{fine}epochs = 0"), &["network a", "epochs is 0"]),
            (&format!("{fine}sparsity = 1.0"), &["network a", "sparsity is 1.0"]),
            (&format!("{fine}teacher_share = 2"), &["network a", "teacher"]),
            (&format!("{fine}rows = []"), &["network a", "rows is empty"]),
            (&format!("{fine}rows = [{{ weight_bits = 3 }}]"), &["network a", "weight_bits is 3", "2, 4, 8 or 32"]),
            (&format!("{fine}rows = [{{ bits = 8 }}]"), &["network a", "unknown field `bits`"]),
            (&format!("{fine}rows = [{{ weight_bits = 32, qat_epochs = 1 }}]"), &["network a", "32 and qat_epochs"]),
            (&format!("{fine}sparsity = 0.5\nrows = [{{ weight_bits = 4 }}]"), &["network a", "weight_bits = 4"]),
            ("name = 'a'\nhidden = [4]\nsparsity = 0.5", &["network a", "4 neurons"]),
            (&format!("{fine}sparsity = 0.5\nstop_at_train_accuracy = 0.9"), &["network a", "whole training"]),
            (
                &format!("{fine}lecture = {{ epochs = 1, train_accuracy = 90, test_accuracy = 1 }}"),
                &["network a", "90"],
            ),
            (&format!("{fine}rows = [{{ weight_bits = 4 }}, {{ weight_bits = 4 }}]"), &["two rows are named a-ptq-4"]),
            (&format!("{fine}[[network]]\n{fine}"), &["two rows are named a;"]),
            (&format!("{fine}[[networks]]\n{fine}"), &["unknown field `networks`"]),
        ] {
            let error = parse(&format!("[[network]]\n{network}\n"), Path::new("own.toml")).unwrap_err().to_string();
            let is_named = ["own.toml"].iter().chain(parts).all(|part| error.contains(part));
            assert!(is_named, "{network}\n{error}");
        }
        for (text, part) in [("", "no [[network]]"), ("[[network]\n", "line 1"), ("network = 1\n", "line 1")] {
            let error = parse(text, Path::new("own.toml")).unwrap_err().to_string();
            assert!(error.contains("own.toml") && error.contains(part), "{error}");
        }
        parse(&format!("[[network]]\n{fine}"), Path::new("own.toml")).unwrap();
    }
}
