use burn::tensor::TensorReadError;
use thiserror::Error;

use crate::network::ArchitectureError;
use crate::network::backend::BackendError;
use crate::quantize::QuantizeError;

/// Why training fails.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The loss of `epoch`, counted from 1, is not finite.
    #[error("training diverged in epoch {epoch}: the loss is not a finite number; try a smaller --learning-rate")]
    Diverged { epoch: u32 },
    #[error("the network does not fit the images")]
    Network(#[from] ArchitectureError),
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The backend cannot return its results.
    #[error("the backend failed; --backend list names others")]
    Read(#[from] TensorReadError),
    #[error("cannot quantize the trained network; try a smaller --learning-rate")]
    Quantize(#[from] QuantizeError),
}
