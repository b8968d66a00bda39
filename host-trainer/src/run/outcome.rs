//! `result.json`: the results of a run.

use serde::{Deserialize, Serialize};

use super::folder::Record;
use crate::plot::Kept;
use crate::support::range::{NOT_NEGATIVE, Outside, SHARE};
use crate::train::Stop;

/// Accuracies are shares, 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub model_id: String,
    pub model_bytes: usize,
    /// Weights and biases.
    pub parameters: usize,
    pub epochs: u32,
    /// The epoch whose network was kept, from 1.
    pub kept_epoch: u32,
    pub stop: Stop,
    /// Accuracy of the trained float network, on all images that it was trained on.
    pub train_accuracy_float: f64,
    pub test_accuracy_float: f64,
    pub test_accuracy_fixed: f64,
    /// Accuracy of the float network that fine-tuning in integers began with; `None` without
    /// `--qat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_accuracy_before_qat: Option<f64>,
    /// Test images that the two networks classify differently.
    pub predictions_changed: usize,
    /// Seconds of training, without export and evaluation.
    pub train_seconds: f64,
}

impl Outcome {
    /// Returns the accuracy that fixed point costs, as a share: from the float network, or from the
    /// one that fine-tuning in integers began with if that is better.
    pub fn fixed_point_loss(&self) -> f64 {
        self.test_accuracy_before_qat.unwrap_or(0.0).max(self.test_accuracy_float) - self.test_accuracy_fixed
    }

    /// Returns true if training was interrupted in its `epochs` in floating point: its weights are
    /// not rounded.
    pub fn is_float(&self, epochs: u32) -> bool {
        self.stop.is_interruption() && self.test_accuracy_before_qat.is_none() && self.epochs <= epochs
    }

    /// Returns the network that was kept, as plots show it.
    pub fn kept(&self) -> Kept {
        Kept { epoch: self.kept_epoch, test_accuracy: self.test_accuracy_fixed }
    }

    /// Returns the generalization gap: training accuracy minus test accuracy, as a share.
    pub fn gap(&self) -> f64 {
        self.train_accuracy_float - self.test_accuracy_float
    }
}

impl Record for Outcome {
    fn outside(&self) -> Option<Outside> {
        let Self { kept_epoch, epochs, .. } = self;
        let of_stop = match self.stop {
            Stop::TrainAccuracy { threshold, accuracy } => vec![threshold, accuracy],
            Stop::Epochs | Stop::Patience { .. } | Stop::Interrupted { .. } => Vec::new(),
        };
        [
            Outside::unless(kept_epoch <= epochs, "kept_epoch", kept_epoch, format!("at most {epochs}, the epochs")),
            SHARE.check("stop", of_stop),
            SHARE.check("train_accuracy_float", [self.train_accuracy_float]),
            SHARE.check("test_accuracy_float", [self.test_accuracy_float]),
            SHARE.check("test_accuracy_fixed", [self.test_accuracy_fixed]),
            SHARE.check("test_accuracy_before_qat", self.test_accuracy_before_qat),
            NOT_NEGATIVE.check("train_seconds", [self.train_seconds]),
        ]
        .into_iter()
        .flatten()
        .next()
    }
}
