//! Pruning in blocks of two inputs by eight outputs, which a kernel reads at a time.
//!
//! The share of pruned blocks rises during training, fast at first and then slowly (Zhu and Gupta,
//! "To prune, or not to prune", 2017, section 3). The blocks with the smallest sums of squares are
//! pruned.

use burn::optim::GradientsParams;
use burn::tensor::TensorReadError;

use crate::network::Network;
use crate::quantize::BLOCK_OUTPUTS;

/// Inputs of a block.
pub const BLOCK_INPUTS: usize = 2;

/// Share of the training after which pruning begins.
const START: f64 = 0.05;

/// Share of the training after which the choice of blocks is final.
const END: f64 = 0.6;

/// Number of times blocks are chosen in a training.
const CHOICES: f64 = 1000.0;

/// The pruned blocks of a network's hidden layers.
pub struct Pruning {
    /// Final share of pruned blocks.
    sparsity: f64,
    /// Number of choices so far.
    choices: u64,
    /// True for each block that is kept: `[hidden layer][pair of inputs][tile of outputs]`, flat in
    /// a layer.
    kept: Vec<Vec<bool>>,
}

impl Pruning {
    /// Creates a pruning that ends with the share `sparsity` of each hidden layer's blocks pruned.
    /// Layers with fewer outputs than a block stay whole.
    pub fn new(sparsity: f64) -> Self {
        Self { sparsity, choices: 0, kept: Vec::new() }
    }

    /// Returns `network` with its pruned blocks set to zero. `done` is the finished share of the
    /// training.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn apply(&mut self, network: &mut Network, done: f64) -> Result<Network, TensorReadError> {
        let choice = (done.min(END) * CHOICES) as u64;
        let is_new = choice > self.choices;
        self.choices = choice;
        let share = self.sparsity * share_of_sparsity(done);
        network.map_hidden_weights(|layer, outputs, weights| {
            if self.kept.len() <= layer {
                let blocks = (weights.len() / outputs).div_ceil(BLOCK_INPUTS) * outputs.div_ceil(BLOCK_OUTPUTS);
                self.kept.push(vec![true; blocks]);
            }
            let Some(kept) = self.kept.get_mut(layer) else { return };
            if is_new && outputs >= BLOCK_OUTPUTS {
                choose(kept, weights, outputs, share);
            }
            clear(kept, weights, outputs);
        })
    }

    /// Clears the `gradients` of pruned weights.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn withhold(&self, network: &Network, gradients: &mut GradientsParams) -> Result<(), TensorReadError> {
        network.map_hidden_gradients(gradients, |layer, outputs, gradients| {
            if let Some(kept) = self.kept.get(layer) {
                clear(kept, gradients, outputs);
            }
        })
    }
}

/// Sets the values, `[input][output]`, of all blocks that are not `kept` to zero.
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

/// Returns the reached share of the final sparsity after the share `done` of a training.
fn share_of_sparsity(done: f64) -> f64 {
    let part = ((done - START) / (END - START)).clamp(0.0, 1.0);
    1.0 - (1.0 - part).powi(3)
}

/// Prunes the `share` of blocks of `weights`, `[input][output]`, with the smallest sums of squares.
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
    // Ties are broken by index, so that the same network is pruned equally everywhere.
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
    fn the_smallest_blocks_are_pruned_but_not_the_last_layer() {
        let mut pruning = Pruning::new(0.5);
        let whole = network().parameters().unwrap();
        assert_eq!(pruning.apply(&mut network(), 0.0).unwrap().parameters().unwrap(), whole);
        let pruned = pruning.apply(&mut network(), 1.0).unwrap().parameters().unwrap();
        assert_eq!(pruned[1], whole[1]);
        // Sums of squares: 16, 4 * 4 (two outputs), 16 * 9, 4 * 16; last, narrower pair: 8 * 25, 2
        // * 36.
        let zero: Vec<usize> = (0..50).filter(|&index| pruned[0].weights[index] == 0.0).collect();
        let expected: Vec<usize> =
            (0..50).filter(|index| index / 20 == 0 || (index / 20 == 1 && index % 10 >= 8)).collect();
        assert_eq!(zero, expected);
    }

    #[test]
    fn pruned_weights_get_no_gradient() {
        let mut network = network();
        let mut pruning = Pruning::new(0.5);
        let pruned = pruning.apply(&mut network, 1.0).unwrap();
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
    fn the_share_rises_to_the_final_sparsity() {
        let shares: Vec<f64> = (0..=100).map(|done| share_of_sparsity(f64::from(done) / 100.0)).collect();
        assert!(shares.is_sorted() && shares[5] == 0.0 && shares[60] == 1.0 && shares[100] == 1.0, "{shares:?}");
        // In the middle, seven eighths.
        assert!((share_of_sparsity(0.325) - 0.875).abs() < 1e-12);
    }
}
