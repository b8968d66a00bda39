//! A network of a list.

use serde::{Deserialize, Serialize};

use super::precision::{Precision, eight_bits_alone};
use crate::data::{HeldOut, ValidationOrder};
use crate::network::Architecture;
use crate::network::backend::Backend;
use crate::quantize::BLOCK_OUTPUTS;
use crate::support::range::SHARE;
use crate::train::{Recipe, Teaching, TrainConfig};

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
    activation_penalty: Option<f64>,
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
    /// True to add a row of the class alone, without softmax, after each row but the float one.
    #[serde(default)]
    pub class_only: bool,
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

/// A network of a cascade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedMember<'a> {
    pub network: &'a ListedNetwork,
    /// The row whose run it is, if it is not the network's own.
    pub row: Option<&'a Precision>,
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
        if self.is_convolutional() { self.title().to_owned() } else { config.network_name(pixels, classes) }
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
            activation_penalty: self.activation_penalty.unwrap_or(config.activation_penalty),
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

    /// Returns the names of all its runs, without the seed.
    pub fn run_names(&self) -> Vec<String> {
        [None].into_iter().chain(self.derived().map(Some)).map(|row| self.run_name(row)).collect()
    }

    /// Returns the part of a cascade whose run has this `name`, if it is one of this network's.
    pub fn member(&self, name: &str) -> Option<ListedMember<'_>> {
        let row = [None].into_iter().chain(self.derived().map(Some)).find(|row| self.run_name(*row) == name)?;
        Some(ListedMember { network: self, row })
    }

    /// Returns whether some layer is not dense.
    pub fn is_convolutional(&self) -> bool {
        self.config(Backend::DEFAULT, 1, None).network.is_some()
    }

    /// Returns a name that no other row of the list has.
    pub fn row_name(&self, row: &Precision) -> String {
        format!("{}-{}-{}", self.name, if row.is_fine_tuned() { "qat" } else { "ptq" }, row.weight_bits())
    }

    /// Checks that the network and its rows can be trained, and returns the reason if not.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
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
            if let Some(outside) = config.outside() {
                return Err(format!("{outside}; see `host-trainer train --help`"));
            }
        }
        if self.rows.iter().any(|row| row.is_float() && row.is_fine_tuned()) {
            return Err("a row has weight_bits = 32 and qat_epochs; training in integers needs 2, 4 or 8".to_owned());
        }
        if self.sparsity > 0.0 {
            self.check_pruning()?;
        }
        let figures = self.lecture.iter().flat_map(|lecture| [lecture.train_accuracy, lecture.test_accuracy]);
        match figures.into_iter().find(|accuracy| !SHARE.contains(*accuracy)) {
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
        let widest = widths.iter().max().copied().unwrap_or_default();
        if widest < BLOCK_OUTPUTS {
            return Err(format!("the widest layer has {widest} outputs, but sparsity needs at least {BLOCK_OUTPUTS}"));
        }
        match self.stop_at_train_accuracy {
            Some(_) => Err("sparsity needs the whole training; leave out stop_at_train_accuracy".to_owned()),
            None => Ok(()),
        }
    }
}

/// Checks that `name` can name a folder, and returns the reason if not.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(format!("name is {name:?}; use ASCII letters, digits, '-', '_' and '.', a letter or digit first"))
}

/// Returns the default of `train`, which is not that of older records.
fn by_class() -> ValidationOrder {
    ValidationOrder::Class
}
