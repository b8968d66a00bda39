//! Pruning by blocks: two inputs by eight outputs, what a kernel reads at a time, become zero as
//! one.
//!
//! The share of pruned blocks rises while the network learns, fast at first and then slowly (Zhu
//! and Gupta, "To prune, or not to prune", 2017, section 3), and those go whose squares add up to
//! the least.

use burn::optim::GradientsParams;
use burn::tensor::TensorReadError;

use crate::network::Network;

/// Inputs of a block.
pub const BLOCK_INPUTS: usize = 2;

/// Outputs of a block.
pub const BLOCK_OUTPUTS: usize = 8;

/// The share of a training after which blocks begin to go.
const START: f64 = 0.05;

/// The share of a training after which no more go, and none comes back.
const END: f64 = 0.6;

/// How often, in a training, blocks are chosen.
const CHOICES: f64 = 1000.0;

/// Which blocks of a network's hidden layers are zero.
pub struct Pruning {
    /// The share of blocks in the end.
    sparsity: f64,
    /// How many choices have been made.
    choices: u64,
    /// For each hidden layer, whether each block is kept, `[pair of inputs][tile of outputs]`.
    kept: Vec<Vec<bool>>,
}

impl Pruning {
    /// Nothing is pruned yet; in the end, the share `sparsity` of each hidden layer's blocks is.
    pub fn new(sparsity: f64) -> Self {
        Self { sparsity, choices: 0, kept: Vec::new() }
    }

    /// `network` with its pruned blocks zero; `done` is the share of the training that is done.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot give its tensors back.
    pub fn apply(&mut self, network: &Network, done: f64) -> Result<Network, TensorReadError> {
        let choice = (done.min(END) * CHOICES) as u64;
        let is_new = choice > self.choices;
        self.choices = choice;
        let share = self.sparsity * share_of_sparsity(done);
        network.map_hidden_weights(|layer, outputs, mut weights| {
            if self.kept.len() <= layer {
                let blocks = (weights.len() / outputs).div_ceil(BLOCK_INPUTS) * outputs.div_ceil(BLOCK_OUTPUTS);
                self.kept.push(vec![true; blocks]);
            }
            let Some(kept) = self.kept.get_mut(layer) else { return weights };
            if is_new {
                choose(kept, &weights, outputs, share);
            }
            clear(kept, &mut weights, outputs);
            weights
        })
    }

    /// Clears the `gradients` of pruned weights.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot give its tensors back.
    pub fn withhold(&self, network: &Network, gradients: &mut GradientsParams) -> Result<(), TensorReadError> {
        network.map_hidden_gradients(gradients, |layer, outputs, gradients| {
            if let Some(kept) = self.kept.get(layer) {
                clear(kept, gradients, outputs);
            }
        })
    }
}

/// Makes the values, `[input][output]`, of all blocks zero but those `kept`.
fn clear(kept: &[bool], values: &mut [f32], outputs: usize) {
    let tiles = outputs.div_ceil(BLOCK_OUTPUTS);
    for (rows, kept) in values.chunks_mut(BLOCK_INPUTS * outputs).zip(kept.chunks(tiles)) {
        for row in rows.chunks_mut(outputs) {
            for (block, kept) in row.chunks_mut(BLOCK_OUTPUTS).zip(kept) {
                if !kept {
                    block.fill(0.0);
                }
            }
        }
    }
}

/// How much of the sparsity is reached when the share `done` of a training is.
fn share_of_sparsity(done: f64) -> f64 {
    let part = ((done - START) / (END - START)).clamp(0.0, 1.0);
    1.0 - (1.0 - part).powi(3)
}

/// Keeps all blocks of `weights`, `[input][output]`, but the `share` of those whose squares add up
/// to the least.
fn choose(kept: &mut [bool], weights: &[f32], outputs: usize, share: f64) {
    let tiles = outputs.div_ceil(BLOCK_OUTPUTS);
    let mut squares = vec![0.0_f32; kept.len()];
    for (rows, squares) in weights.chunks(BLOCK_INPUTS * outputs).zip(squares.chunks_mut(tiles)) {
        for row in rows.chunks(outputs) {
            for (block, sum) in row.chunks(BLOCK_OUTPUTS).zip(&mut *squares) {
                *sum += block.iter().map(|weight| weight * weight).sum::<f32>();
            }
        }
    }
    let mut order: Vec<usize> = (0..kept.len()).collect();
    // By index where squares are equal, so that the same network is pruned alike everywhere.
    order.sort_by(|&one, &other| squares[one].total_cmp(&squares[other]).then(one.cmp(&other)));
    let pruned = (share * kept.len() as f64).round() as usize;
    for (place, &block) in order.iter().enumerate() {
        kept[block] = place >= pruned;
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::network::DenseParameters;
    use crate::network::backend::processor;

    fn network() -> Network {
        // Five inputs and ten outputs: three pairs and two tiles. Weights grow from block to block.
        let weight = |index: usize| 1.0 + (index / 10 / 2 * 2 + index % 10 / 8) as f32;
        let hidden =
            DenseParameters { inputs: 5, outputs: 10, weights: (0..50).map(weight).collect(), biases: vec![0.0; 10] };
        let last = DenseParameters { inputs: 10, outputs: 1, weights: vec![1e-3; 10], biases: vec![0.0] };
        Network::from_parameters([hidden, last], &processor().autodiff())
    }

    #[test]
    fn the_smallest_blocks_go_and_the_last_layer_stays() {
        let mut pruning = Pruning::new(0.5);
        let whole = network().parameters().unwrap();
        assert_eq!(pruning.apply(&network(), 0.0).unwrap().parameters().unwrap(), whole);
        let pruned = pruning.apply(&network(), 1.0).unwrap().parameters().unwrap();
        assert_eq!(pruned[1], whole[1]);
        // Squares of the blocks: 16, 4 * 4 (two outputs), 16 * 9, 4 * 16, and of the last, narrower
        // pair 8 * 25, 2 * 36.
        let zero: Vec<usize> = (0..50).filter(|&index| pruned[0].weights[index] == 0.0).collect();
        let expected: Vec<usize> =
            (0..50).filter(|index| index / 20 == 0 || (index / 20 == 1 && index % 10 >= 8)).collect();
        assert_eq!(zero, expected);
    }

    #[test]
    fn pruned_weights_get_no_gradient() {
        let network = network();
        let mut pruning = Pruning::new(0.5);
        let pruned = pruning.apply(&network, 1.0).unwrap();
        let input = Tensor::<2>::ones([1, 5], &network.device());
        let mut gradients = GradientsParams::from_grads(pruned.forward(input).sum().backward(), &pruned);
        pruning.withhold(&network, &mut gradients).unwrap();
        let found: Vec<f32> = gradients.get::<2>(network.first_weight_id()).unwrap().try_into_vec_as().unwrap();
        let weights = pruned.parameters().unwrap()[0].weights.clone();
        for (gradient, weight) in found.into_iter().zip(weights) {
            assert_eq!(gradient == 0.0, weight == 0.0, "{gradient} {weight}");
        }
    }

    #[test]
    fn the_share_rises_to_what_was_asked_for() {
        let shares: Vec<f64> = (0..=100).map(|done| share_of_sparsity(f64::from(done) / 100.0)).collect();
        assert!(shares.is_sorted() && shares[5] == 0.0 && shares[60] == 1.0 && shares[100] == 1.0, "{shares:?}");
        // In the middle, seven eighths.
        assert!((share_of_sparsity(0.325) - 0.875).abs() < 1e-12);
    }
}
