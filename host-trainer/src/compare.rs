//! The lecture's five networks: what they are, what the lecture says of them, and what came of ours.

use serde::Serialize;

use crate::data::Dataset;
use crate::network::backend::Backend;
use crate::run::{Configuration, Outcome, RecordError, RunFile, RunFolder};
use crate::train::{Epoch, Recipe, TrainConfig};

/// A network of the lecture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variant {
    /// What it is called in tables.
    pub name: &'static str,
    /// What it is called in paths.
    pub slug: &'static str,
    hidden: &'static [usize],
    epochs: u32,
    stop_at_train_accuracy: Option<f64>,
    /// What the lecture reports of it, on Fashion-MNIST.
    pub lecture: Option<Lecture>,
}

/// What the lecture reports of a network: one training, with Keras, of which the seed is not known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lecture {
    /// Epochs trained.
    pub epochs: u32,
    /// Accuracy while training in the last epoch, 0..=1.
    pub train_accuracy: f64,
    /// Accuracy on the test split, 0..=1.
    pub test_accuracy: f64,
}

/// The five networks, in the lecture's order.
pub const VARIANTS: [Variant; 5] = [
    Variant {
        name: "128, 5 epochs",
        slug: "128-5-epochs",
        hidden: &[128],
        epochs: 5,
        stop_at_train_accuracy: None,
        lecture: Some(Lecture { epochs: 5, train_accuracy: 0.8990, test_accuracy: 0.877 }),
    },
    Variant {
        name: "128, 50 epochs",
        slug: "128-50-epochs",
        hidden: &[128],
        epochs: 50,
        stop_at_train_accuracy: None,
        lecture: Some(Lecture { epochs: 50, train_accuracy: 0.9652, test_accuracy: 0.8855 }),
    },
    Variant {
        name: "1024, 5 epochs",
        slug: "1024-5-epochs",
        hidden: &[1024],
        epochs: 5,
        stop_at_train_accuracy: None,
        lecture: Some(Lecture { epochs: 5, train_accuracy: 0.8966, test_accuracy: 0.8751 }),
    },
    // The lecture trains it, and its table is without figures for it.
    Variant {
        name: "512 + 256, 5 epochs",
        slug: "512-256-5-epochs",
        hidden: &[512, 256],
        epochs: 5,
        stop_at_train_accuracy: None,
        lecture: None,
    },
    Variant {
        name: "128, stop above 90 %",
        slug: "128-stop-above-90",
        hidden: &[128],
        epochs: 50,
        stop_at_train_accuracy: Some(0.90),
        lecture: Some(Lecture { epochs: 6, train_accuracy: 0.9021, test_accuracy: 0.8830 }),
    },
];

impl Variant {
    /// How it is trained.
    pub fn config(&self, backend: Backend, seed: u64) -> TrainConfig {
        TrainConfig {
            epochs: self.epochs,
            stop_at_train_accuracy: self.stop_at_train_accuracy,
            ..Recipe::Lecture.config(backend, self.hidden.to_vec(), seed)
        }
    }
}

/// One training of a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// Where every random choice came from.
    pub seed: u64,
    /// Accuracy while training in the last epoch, 0..=1, which is the figure that Keras prints.
    pub running_train_accuracy: f64,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Run {
    /// The run that `folder` records, if it is finished and of just this configuration on just this data.
    pub fn recorded(folder: &RunFolder, config: &TrainConfig, data: &Dataset) -> Option<Self> {
        let (recorded, _) = folder.read_finished().ok()?;
        (recorded == Configuration::new(config, 0, data)).then_some(())?;
        Self::read(folder, config.seed).ok()
    }

    /// The run that `folder` records.
    ///
    /// # Errors
    ///
    /// Where a record cannot be read.
    pub fn read(folder: &RunFolder, seed: u64) -> Result<Self, RecordError> {
        let history: Vec<Epoch> = folder.read(RunFile::History)?;
        let outcome: Outcome = folder.read(RunFile::Outcome)?;
        let path = folder.file(RunFile::History);
        let last = history.last().ok_or(RecordError::Content { path, reason: "there is no epoch in it".to_owned() })?;
        Ok(Self { seed, running_train_accuracy: last.accuracy, outcome })
    }
}

/// Mean and spread of several figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, estimated from the sample; nothing where there is but one figure.
    pub standard_deviation: Option<f64>,
}

impl Figure {
    /// Of one or more `figures`.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let figures: Vec<f64> = figures.into_iter().collect();
        let count = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / count;
        let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
        Self { mean, standard_deviation: (count > 1.0).then(|| (squares / (count - 1.0)).sqrt()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_needs_two_figures() {
        assert_eq!(Figure::of([0.5]), Figure { mean: 0.5, standard_deviation: None });
        let figure = Figure::of([1.0, 2.0, 3.0]);
        assert_eq!(figure, Figure { mean: 2.0, standard_deviation: Some(1.0) });
    }

    #[test]
    fn networks_have_paths_of_their_own() {
        for (index, variant) in VARIANTS.iter().enumerate() {
            assert!(VARIANTS[..index].iter().all(|other| other.slug != variant.slug && other.name != variant.name));
        }
    }
}
