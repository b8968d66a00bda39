//! `result.json`: what came of a run.

use serde::{Deserialize, Serialize};

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// All epochs that were asked for are done.
    Epochs,
    /// The accuracy on training pictures passed a threshold.
    TrainAccuracy {
        /// The threshold, 0..=1.
        threshold: f64,
        /// The first accuracy above it, 0..=1.
        accuracy: f64,
    },
    /// The loss on held-out pictures no longer fell.
    Patience {
        /// Epochs without a lower loss.
        epochs: u32,
    },
}

/// What came of a run. Accuracies are shares, 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The model's id.
    pub model_id: String,
    /// Size of `model.bin`.
    pub model_bytes: usize,
    /// Weights and biases.
    pub parameters: usize,
    /// Epochs trained.
    pub epochs: u32,
    /// The epoch whose network was kept, from 1.
    pub kept_epoch: u32,
    /// Why training ended there.
    pub stop: Stop,
    /// Of the trained float network, on all pictures that it was trained on.
    pub train_accuracy_float: f64,
    /// Of the float network, on the test split.
    pub test_accuracy_float: f64,
    /// Of the fixed-point network, on the test split.
    pub test_accuracy_fixed: f64,
    /// Test pictures that the two networks classify differently.
    pub predictions_changed: usize,
    /// How long training took, without export and evaluation.
    pub train_seconds: f64,
}

impl Outcome {
    /// The generalization gap: how much better the network is on pictures that it has seen, as a difference of shares.
    pub fn gap(&self) -> f64 {
        self.train_accuracy_float - self.test_accuracy_float
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_back_from_json() {
        let threshold = Stop::TrainAccuracy { threshold: 0.9, accuracy: 0.9021 };
        for stop in [Stop::Epochs, threshold, Stop::Patience { epochs: 3 }] {
            let text = serde_json::to_string(&stop).unwrap();
            assert_eq!(serde_json::from_str::<Stop>(&text).unwrap(), stop, "{text}");
        }
    }
}
