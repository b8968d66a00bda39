//! The record of one epoch.

use serde::{Deserialize, Serialize};

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Mean cross-entropy over the training images as they were shown, each measured just before
    /// its step.
    pub loss: f64,
    /// The share of training images classified correctly as they were shown, each measured just
    /// before its step, 0..=1.
    pub accuracy: f64,
    /// Mean cross-entropy over the images held out of training, after the epoch; of the mean
    /// network, where one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// The share of images held out of training classified correctly after the epoch, 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// How long it took.
    pub seconds: f64,
}
