//! Training settings, which a run's `config.json` records, and the recipes that give defaults.

use burn::optim::LearningRate;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use prenda::{MAX_LAYERS, MAX_WIDTH};

use super::schedule::Schedule;
use crate::network::backend::Backend;
use crate::network::{Architecture, Pixels, join_widths};
use crate::quantize::WeightBits;
use crate::support::range::{BETA, LEARNING_RATE, Outside, SHARE, SHARE_BELOW_ONE, STRENGTH};

/// Most epochs in floating point, and most in integers.
pub const MAX_EPOCHS: u32 = 100_000;

/// Largest batch.
pub const MAX_BATCH_SIZE: usize = 65_536;

/// A named set of training options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// The lecture's: Adam, constant learning rate, no augmentation
    #[default]
    Lecture,
    /// More epochs, decaying learning rate and augmentation: a more accurate network of the same
    /// size
    Best,
}

/// Training settings. Older runs, which lack some fields, were trained with the lecture's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    pub backend: Backend,
    /// Neurons of each hidden layer, if all layers are dense.
    pub hidden: Vec<usize>,
    /// The network, if some layer is not dense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Architecture>,
    /// Epochs in floating point.
    pub epochs: u32,
    /// Images in a batch, 1 or more.
    pub batch_size: usize,
    /// Adam's largest learning rate, above 0.
    pub learning_rate: LearningRate,
    /// The seed of every random choice.
    pub seed: u64,
    /// Training ends after the first epoch with a training accuracy above this, 0 to 1.
    pub stop_at_train_accuracy: Option<f64>,
    /// Training ends after this many epochs, 1 or more, without a lower loss on held-out images.
    /// The network of the epoch with the lowest loss is kept.
    pub patience: Option<u32>,
    /// The recipe that gave the defaults.
    #[serde(default)]
    pub recipe: Recipe,
    /// The learning rate after the warm-up.
    #[serde(default)]
    pub schedule: Schedule,
    /// Share of all steps in which the learning rate rises from zero, 0 to 1.
    #[serde(default)]
    pub warm_up: f64,
    /// Adam's beta2: decay rate of the second-moment estimate, 0.5..=0.9999.
    #[serde(default = "keras_beta_2")]
    pub beta_2: f64,
    /// Decay of weights, but not of biases, at each step for a learning rate of 1, as a share of
    /// them, 0 to 1.
    #[serde(default)]
    pub weight_decay: f64,
    /// Factor of the penalty on activations that are not zero, 0 or more.
    #[serde(default)]
    pub activation_penalty: f64,
    /// Share of images that are shifted or mirrored, 0 to 1.
    #[serde(default)]
    pub augment: f64,
    /// The network is the mean of those after this many last epochs. 0 and 1 mean the last one
    /// only.
    #[serde(default)]
    pub average_epochs: u32,
    /// The form of the network's input pixels during training.
    #[serde(default)]
    pub pixels: Pixels,
    /// The model of the run whose float network training starts from. `epochs` is then 0.
    #[serde(default)]
    pub from: Option<String>,
    /// The teacher, if there is one.
    #[serde(default)]
    pub teacher: Option<Teaching>,
    /// Share of blocks of hidden layers' weights that become zero, 0..1.
    #[serde(default)]
    pub sparsity: f64,
    /// The width of hidden layers' weights in the model.
    #[serde(default)]
    pub weight_bits: WeightBits,
    /// Epochs of fine-tuning in integers after the others.
    #[serde(default)]
    pub qat_epochs: u32,
    /// Adam's largest learning rate in these, above 0.
    #[serde(default)]
    pub qat_learning_rate: f64,
}

impl TrainConfig {
    /// Returns the number of epochs in floating point and in integers.
    pub fn all_epochs(&self) -> u32 {
        self.epochs.saturating_add(self.qat_epochs)
    }

    /// Returns the configuration for other layers. Dense layers alone are recorded by their widths.
    pub fn with_network(self, network: Architecture) -> Self {
        match network.hidden() {
            Some(hidden) => Self { hidden, network: None, ..self },
            None => Self { hidden: Vec::new(), network: Some(network), ..self },
        }
    }

    /// Returns the network for a number of classes.
    pub fn architecture(&self, classes: usize) -> Architecture {
        self.network.clone().unwrap_or_else(|| Architecture::dense(&self.hidden, classes))
    }

    /// Returns a name of the network: `784-128-10`, or its layers in words.
    pub fn network_name(&self, pixels: usize, classes: usize) -> String {
        match &self.network {
            Some(network) => network.to_string(),
            None => join_widths(&[&[pixels], self.hidden.as_slice(), &[classes]].concat(), "-"),
        }
    }

    /// Returns the first setting that is out of range, if any.
    pub fn outside(&self) -> Option<Outside> {
        let Self { hidden, epochs, batch_size, .. } = self;
        let is_imported = self.backend == Backend::Imported;
        // Settings of another program or of another run are recorded as 0.
        let is_trained_before = is_imported || self.from.is_some();
        let rate = |field, rate: f64, is_idle: bool| {
            LEARNING_RATE.check(field, Some(rate).filter(|rate| !is_idle || *rate != 0.0))
        };
        let are_layers = hidden.len() < MAX_LAYERS && hidden.iter().all(|width| (1..=MAX_WIDTH).contains(width));
        let layers = || format!("at most {} layers of 1..={MAX_WIDTH} neurons", MAX_LAYERS - 1);
        let possible_epochs = if is_trained_before { 0..=0 } else { 1..=MAX_EPOCHS };
        let possible_batches = if is_imported { 0..=MAX_BATCH_SIZE } else { 1..=MAX_BATCH_SIZE };
        let most_epochs =
            |field, epochs: u32| Outside::unless(epochs <= MAX_EPOCHS, field, epochs, format!("0..={MAX_EPOCHS}"));
        [
            Outside::unless(are_layers, "hidden", hidden, layers()),
            Outside::unless(possible_epochs.contains(epochs), "epochs", epochs, format!("{possible_epochs:?}")),
            Outside::unless(
                possible_batches.contains(batch_size),
                "batch_size",
                batch_size,
                format!("{possible_batches:?}"),
            ),
            rate("learning_rate", self.learning_rate, is_trained_before),
            SHARE.check("stop_at_train_accuracy", self.stop_at_train_accuracy),
            Outside::unless(self.patience != Some(0), "patience", self.patience.unwrap_or_default(), "1 or more"),
            SHARE.check("warm_up", [self.warm_up]),
            BETA.check("beta_2", [self.beta_2]),
            SHARE.check("weight_decay", [self.weight_decay]),
            STRENGTH.check("activation_penalty", [self.activation_penalty]),
            SHARE.check("augment", [self.augment]),
            most_epochs("average_epochs", self.average_epochs),
            SHARE.check("teacher_share", self.teacher.as_ref().map(|teaching| teaching.share)),
            SHARE_BELOW_ONE.check("sparsity", [self.sparsity]),
            most_epochs("qat_epochs", self.qat_epochs),
            rate("qat_learning_rate", self.qat_learning_rate, self.qat_epochs == 0),
        ]
        .into_iter()
        .flatten()
        .next()
    }
}

/// Default share of the teacher's answers in the loss.
pub const TEACHER_SHARE: f64 = 0.7;

/// Default learning rate of the epochs in integers.
pub const QAT_LEARNING_RATE: f64 = 1e-3;

/// Epochs of the best recipe with a teacher.
pub const TAUGHT_EPOCHS: u32 = 150;

/// The teacher's part in the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Teaching {
    /// Share of the loss against the teacher's answers, 0 to 1. The rest is against the labels.
    pub share: f64,
    /// SHA-256 of the file of its answers.
    pub sha256: String,
}

/// Returns Keras's value, which the lecture uses.
fn keras_beta_2() -> f64 {
    0.999
}

impl Recipe {
    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lecture => "lecture",
            Self::Best => "best",
        }
    }

    /// Returns the settings for a network with layers of `hidden` neurons.
    pub fn config(self, backend: Backend, hidden: Vec<usize>, seed: u64) -> TrainConfig {
        let lecture = TrainConfig {
            backend,
            hidden,
            network: None,
            epochs: 5,
            batch_size: 32,
            learning_rate: 1e-3,
            seed,
            stop_at_train_accuracy: None,
            patience: None,
            recipe: self,
            schedule: Schedule::Constant,
            warm_up: 0.0,
            beta_2: keras_beta_2(),
            weight_decay: 0.0,
            activation_penalty: 0.0,
            augment: 0.0,
            average_epochs: 0,
            pixels: Pixels::Unit,
            from: None,
            teacher: None,
            sparsity: 0.0,
            weight_bits: WeightBits::Eight,
            qat_epochs: 0,
            qat_learning_rate: 0.0,
        };
        match self {
            Self::Lecture => lecture,
            Self::Best => TrainConfig {
                epochs: 100,
                batch_size: 256,
                learning_rate: 2e-3,
                schedule: Schedule::Cosine,
                warm_up: 0.1,
                beta_2: 0.99,
                weight_decay: 0.1,
                augment: 0.5,
                pixels: Pixels::Standard,
                ..lecture
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_configurations_read_as_the_lecture_recipe() {
        let text = r#"{"backend": "flex", "hidden": [128], "epochs": 5, "batch_size": 32, "learning_rate": 0.001,
            "seed": 1, "stop_at_train_accuracy": null, "patience": null}"#;
        let config: TrainConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config, Recipe::Lecture.config(Backend::Flex, vec![128], 1));
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let lecture = Recipe::Lecture.config(Backend::Flex, vec![128], 1);
        assert_eq!(lecture.outside(), None);
        let rounded = TrainConfig { epochs: 0, from: Some(String::new()), ..lecture.clone() };
        assert_eq!(rounded.outside(), None);
        let imported =
            TrainConfig { backend: Backend::Imported, epochs: 0, batch_size: 0, learning_rate: 0.0, ..lecture.clone() };
        assert_eq!(imported.outside(), None);
        for (config, name) in [
            (TrainConfig { hidden: vec![0], ..lecture.clone() }, "hidden"),
            (TrainConfig { epochs: 0, ..lecture.clone() }, "epochs"),
            (TrainConfig { batch_size: 0, ..lecture.clone() }, "batch_size"),
            (TrainConfig { learning_rate: 0.0, ..lecture.clone() }, "learning_rate"),
            (TrainConfig { learning_rate: -1e308, ..rounded }, "learning_rate"),
            (TrainConfig { epochs: 1, ..imported }, "epochs"),
            (TrainConfig { stop_at_train_accuracy: Some(1.5), ..lecture.clone() }, "stop_at_train_accuracy"),
            (TrainConfig { sparsity: 1.0, ..lecture.clone() }, "sparsity"),
            (TrainConfig { qat_epochs: 1, ..lecture }, "qat_learning_rate"),
        ] {
            assert_eq!(config.outside().map(|outside| outside.field), Some(name), "{config:?}");
        }
    }

    #[test]
    fn a_recipe_round_trips_through_json() {
        for recipe in [Recipe::Lecture, Recipe::Best] {
            let config = recipe.config(Backend::Ndarray, vec![3, 4], 2);
            let text = serde_json::to_string(&config).unwrap();
            assert!(text.contains(&format!(r#""recipe":"{}""#, recipe.name())), "{text}");
            assert_eq!(serde_json::from_str::<TrainConfig>(&text).unwrap(), config);
        }
    }
}
