//! A student in floating point, whose weights may be pruned during training.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Gradients, Tensor, TensorReadError};

use super::config::TrainConfig;
use super::course::Student;
use super::error::TrainError;
use super::prune::Pruning;
use crate::network::Network;
use crate::network::PixelForm;
use crate::network::optimizer;

/// A student in floating point.
pub struct FloatStudent {
    network: Network,
    /// The pruning, and `network` with its pruned weights set to zero, which is the one that is
    /// run. Pruned weights get no gradient. They decay, and can return until pruning ends.
    pruned: Option<(Pruning, Network)>,
    form: PixelForm,
    optimizer: ModuleOptimizer,
}

impl FloatStudent {
    /// Creates a student from `network`, for pixels in `form`, with the settings of `config`.
    pub fn new(network: Network, form: PixelForm, config: &TrainConfig) -> Self {
        let pruning = (config.sparsity > 0.0).then(|| Pruning::new(config.sparsity));
        let optimizer = optimizer::adam(config.backend, config.beta_2, config.weight_decay);
        Self { pruned: pruning.map(|pruning| (pruning, network.clone())), network, form, optimizer }
    }

    fn shown(&self) -> &Network {
        self.pruned.as_ref().map_or(&self.network, |(_, pruned)| pruned)
    }

    /// Returns the network that is run, without differentiation, for pixels in 0..=1.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn plain(&self) -> Result<Network, TensorReadError> {
        let network = self.shown().valid();
        if self.form == PixelForm::PLAIN {
            return Ok(network);
        }
        let mut layers = network.parameters()?;
        layers.first_mut().into_iter().for_each(|first| self.form.fold_into(first));
        Ok(Network::from_parameters(layers, &network.device()))
    }
}

impl Student for FloatStudent {
    fn device(&self) -> Device {
        self.network.device()
    }

    fn forward(&self, images: Tensor<2>) -> Result<Tensor<2>, TrainError> {
        Ok(self.shown().forward(images))
    }

    fn step(&mut self, gradients: Gradients, rate: f64, done: f64) -> Result<(), TrainError> {
        // The parameters of both networks have the same identifiers.
        let mut gradients = GradientsParams::from_grads(gradients, self.shown());
        if let Some((pruning, _)) = &self.pruned {
            pruning.withhold(&self.network, &mut gradients)?;
        }
        self.network = self.optimizer.step(rate, self.network.clone(), gradients);
        if let Some((pruning, pruned)) = &mut self.pruned {
            *pruned = pruning.apply(&self.network, done)?;
        }
        Ok(())
    }
}
