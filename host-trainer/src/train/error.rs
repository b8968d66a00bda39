//! Errors of training.

use burn::tensor::TensorReadError;
use thiserror::Error;

use crate::network::backend::BackendError;
use crate::quantize::QuantizeError;

/// Why training fails.
#[derive(Debug, Error)]
pub enum TrainError {
    /// Weights or loss have left the finite numbers.
    #[error("training diverged in epoch {epoch}: the loss is no longer a finite number; try a smaller --learning-rate")]
    Diverged {
        /// From 1.
        epoch: u32,
    },
    /// The backend cannot train here.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The backend cannot give its results back.
    #[error("the backend failed; --backend list names others")]
    Read(#[from] TensorReadError),
    /// The network is none for integers.
    #[error("what was trained is no network for integers: did training diverge? A smaller --learning-rate may help")]
    Quantize(#[from] QuantizeError),
}
