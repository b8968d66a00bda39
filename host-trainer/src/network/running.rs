//! Running moments, which fold a batch normalization into weights and biases.

use super::operations::EPSILON;
use networks::DenseParameters;

/// Smallest share of a batch in the running moments. The value is PyTorch's momentum.
const SHARE: f32 = 0.1;

/// Running mean and variance of each channel before its normalization.
#[derive(Clone, Debug, Default)]
pub struct Running {
    batches: u32,
    mean: Vec<f32>,
    variance: Vec<f32>,
}

impl Running {
    /// Takes the `moments` of a batch into account: means, then variances.
    pub fn update(&mut self, moments: &[f32]) {
        let (mean, variance) = moments.split_at(moments.len() / 2);
        self.batches = self.batches.saturating_add(1);
        // The first batches have equal shares.
        let share = SHARE.max(1.0 / self.batches as f32);
        self.mean.resize(mean.len(), 0.0);
        self.variance.resize(variance.len(), 0.0);
        for (running, batch) in [(&mut self.mean, mean), (&mut self.variance, variance)] {
            running.iter_mut().zip(batch).for_each(|(running, batch)| *running += share * (batch - *running));
        }
    }

    /// Folds a normalization into the weights and biases of `layer`. It gives each output the
    /// deviation in `scale`, and the bias as its mean.
    pub fn fold_into(&self, layer: &mut DenseParameters, scale: &[f32]) {
        for (output, scale) in scale.iter().enumerate() {
            // Without a batch, mean 0 and variance 1.
            let mean = self.mean.get(output).copied().unwrap_or(0.0);
            let variance = self.variance.get(output).copied().unwrap_or(1.0);
            let factor = f64::from(*scale) / (f64::from(variance) + f64::from(EPSILON)).sqrt();
            for weight in layer.weights.iter_mut().skip(output).step_by(layer.outputs) {
                *weight = (f64::from(*weight) * factor) as f32;
            }
            if let Some(bias) = layer.biases.get_mut(output) {
                *bias = (f64::from(*bias) - f64::from(mean) * factor) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_batches_have_equal_shares() {
        let mut running = Running::default();
        for mean in [1.0, 2.0, 6.0] {
            running.update(&[mean, 4.0]);
        }
        assert!((running.mean[0] - 3.0).abs() < 1e-6 && running.variance[0] == 4.0, "{running:?}");
        (0..100).for_each(|_| running.update(&[5.0, 1.0]));
        assert!((running.mean[0] - 5.0).abs() < 1e-3 && (running.variance[0] - 1.0).abs() < 1e-3, "{running:?}");
    }
}
