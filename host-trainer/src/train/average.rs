//! The mean of a network's weights over the last epochs (Izmailov et al., "Averaging Weights Leads
//! to Wider Optima and Better Generalization", 2018).

use burn::tensor::TensorReadError;

use super::config::TrainConfig;
use crate::network::{DenseParameters, Network};

/// The mean over the last epochs.
pub struct Average {
    /// Epochs before the first one in the mean.
    skipped: u32,
    /// Epochs in the mean so far.
    count: u32,
    mean: Vec<DenseParameters>,
}

impl Average {
    /// Creates the mean over the number of last epochs in `config`.
    pub fn new(config: &TrainConfig) -> Self {
        Self { skipped: config.epochs.saturating_sub(config.average_epochs), count: 0, mean: Vec::new() }
    }

    /// Returns the mean of `network`, which is the network after `epoch`, and of earlier ones in
    /// the mean. Returns `network` itself if `epoch` is not one of the last.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn after(&mut self, epoch: u32, network: Network) -> Result<Network, TensorReadError> {
        if epoch <= self.skipped {
            return Ok(network);
        }
        let layers = network.parameters()?;
        self.count += 1;
        if self.count == 1 {
            self.mean = layers;
            return Ok(network);
        }
        let part = 1.0 / self.count as f32;
        for (mean, layer) in self.mean.iter_mut().zip(layers) {
            let means = mean.weights.iter_mut().chain(&mut mean.biases);
            means
                .zip(layer.weights.iter().chain(&layer.biases))
                .for_each(|(mean, value)| *mean += (value - *mean) * part);
        }
        Ok(network.with_parameters(self.mean.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::backend::processor;
    use crate::train::tests::config;

    #[test]
    fn the_last_epochs_have_equal_weight() {
        let device = processor();
        let network = |value: f32| {
            let layer = DenseParameters { inputs: 1, outputs: 1, weights: vec![value], biases: vec![-value] };
            Network::from_parameters([layer], &device)
        };
        let means = |average_epochs| {
            let mut average = Average::new(&TrainConfig { epochs: 5, average_epochs, ..config() });
            let after = |(epoch, value)| {
                let mean = average.after(epoch, network(value)).unwrap().parameters().unwrap().remove(0);
                assert_eq!(mean.biases[0], -mean.weights[0]);
                mean.weights[0]
            };
            [(1, 7.0), (2, 1.0), (3, 8.0), (4, 4.0), (5, 3.0)].map(after)
        };
        assert_eq!(means(0), [7.0, 1.0, 8.0, 4.0, 3.0]);
        assert_eq!(means(1), [7.0, 1.0, 8.0, 4.0, 3.0]);
        assert_eq!(means(3), [7.0, 1.0, 8.0, 6.0, 5.0]);
    }
}
