//! `parity-DEVICE.json`: what a device made of a run's model. `cargo xtask parity` leaves it.

use serde::{Deserialize, Serialize};

/// A comparison of a device with the desk over the test split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceParity {
    /// Which device.
    pub device: String,
    /// The model that it held.
    pub model_id: String,
    /// Pictures compared.
    pub pictures: u64,
    /// Logits compared.
    pub logits_compared: u64,
    /// Logits that differ.
    pub logits_different: u64,
    /// Probabilities that differ.
    pub probabilities_different: u64,
    /// Classes that differ.
    pub classes_different: u64,
    /// Accuracy on the device, 0..=1.
    pub accuracy: f64,
    /// Flash that the firmware takes, without the model, where there is any.
    pub flash_bytes: Option<u64>,
    /// RAM that it takes, variables and the deepest stack that was seen, where that is known.
    pub ram_bytes: Option<u64>,
}
