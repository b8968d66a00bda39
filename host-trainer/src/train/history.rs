use serde::{Deserialize, Serialize};

/// Results of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Mean cross-entropy over the training images, measured on each batch before its update.
    pub loss: f64,
    /// Training accuracy, 0 to 1, measured on each batch before its update.
    pub accuracy: f64,
    /// Mean cross-entropy over the held-out images after the epoch, of the mean network if there is
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Accuracy on the held-out images after the epoch, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    pub seconds: f64,
}
