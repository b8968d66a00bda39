//! A student in floating point, whose weights may be pruned during training.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Gradients, Tensor, TensorReadError};

use super::config::TrainConfig;
use super::course::{Forward, Student};
use super::error::TrainError;
use super::penalty::ActivationPenalty;
use super::prune::Pruning;
use crate::network::optimizer;
use crate::network::{Network, PixelForm, Running};

/// A student in floating point.
pub struct FloatStudent {
    network: Network,
    /// The pruning, and `network` with its pruned weights set to zero, which is the one that is
    /// run. Pruned weights get no gradient. They decay, and can return until pruning ends.
    pruned: Option<(Pruning, Network)>,
    form: PixelForm,
    penalty: ActivationPenalty,
    optimizer: ModuleOptimizer,
    /// The running moments of each normalization, and the moments of the last batch.
    running: Vec<Running>,
    moments: Vec<Tensor<2>>,
}

impl FloatStudent {
    /// Creates a student from `network`, for pixels in `form`, with the settings of `config`.
    pub fn new(network: Network, form: PixelForm, config: &TrainConfig) -> Self {
        let pruning = (config.sparsity > 0.0).then(|| Pruning::new(config.sparsity));
        let optimizer = optimizer::adam(config.backend, config.beta_2, config.weight_decay);
        let running = vec![Running::default(); network.count_normalizations()];
        let pruned = pruning.map(|pruning| (pruning, network.clone()));
        let penalty = ActivationPenalty::new(config.activation_penalty, network.plan());
        Self { pruned, network, form, penalty, optimizer, running, moments: Vec::new() }
    }

    fn shown(&self) -> &Network {
        self.pruned.as_ref().map_or(&self.network, |(_, pruned)| pruned)
    }

    /// Returns the network that is run, without differentiation and normalization, for pixels in
    /// 0..=1.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn plain(&self) -> Result<Network, TensorReadError> {
        let network = self.shown().valid();
        if self.form == PixelForm::PLAIN && self.running.is_empty() {
            return Ok(network);
        }
        let mut layers = network.folded(&self.running)?;
        layers.first_mut().into_iter().for_each(|first| self.form.fold_into(first));
        Ok(network.with_parameters(layers))
    }
}

impl Student for FloatStudent {
    fn device(&self) -> Device {
        self.network.device()
    }

    fn forward(&mut self, images: Tensor<2>) -> Result<Forward, TrainError> {
        let (mut moments, mut penalty) = (Vec::with_capacity(self.running.len()), None);
        let logits = self.shown().forward_normalized(
            images,
            |batch| moments.push(batch.inner()),
            |index, inputs| self.penalty.add_to(&mut penalty, index, inputs),
        );
        self.moments = moments;
        Ok(Forward { logits, penalty })
    }

    fn step(&mut self, gradients: Gradients, rate: f64, done: f64) -> Result<(), TrainError> {
        for (running, moments) in self.running.iter_mut().zip(self.moments.drain(..)) {
            running.update(&moments.try_into_vec_as::<f32>()?);
        }
        // The parameters of both networks have the same identifiers.
        let mut gradients = GradientsParams::from_grads(gradients, self.shown());
        if let Some((pruning, _)) = &self.pruned {
            pruning.withhold(&self.network, &mut gradients)?;
        }
        // Without a clone: burn-ndarray copies the numbers of a shared tensor one by one.
        self.network = self.optimizer.step(rate, std::mem::take(&mut self.network), gradients);
        if let Some((pruning, pruned)) = &mut self.pruned {
            *pruned = pruning.apply(&mut self.network, done)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::DenseParameters;
    use crate::network::backend::Backend;
    use crate::train::tests::config;

    /// Checks that the optimizer does not copy the weights. burn-ndarray copies the numbers of a
    /// shared tensor one by one, which once took most of an epoch.
    #[test]
    fn weights_stay_where_they_are() {
        for (backend, device) in Backend::present().filter(|(backend, _)| backend.is_on_processor()) {
            let layer = DenseParameters { inputs: 20, outputs: 16, weights: vec![0.5; 320], biases: vec![0.0; 16] };
            let network = Network::from_parameters([layer], &device.autodiff());
            let config = TrainConfig { backend, ..config() };
            let mut student = FloatStudent::new(network, PixelForm::PLAIN, &config);
            let mut address_after_step = || {
                let images = Tensor::<2>::ones([3, 20], &student.device());
                let gradients = student.forward(images).unwrap().logits.mean().backward();
                student.step(gradients, 1e-3, 0.5).unwrap();
                student.network.first_weight_address()
            };
            let address = address_after_step();
            assert_eq!(address_after_step(), address, "{backend:?}");
        }
    }
}
