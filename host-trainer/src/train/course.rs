//! A training under way, step by step.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData, TensorReadError};
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::augment::Version;
use super::{TrainConfig, TrainError};
use crate::dataset::Split;
use crate::model::Network;
use crate::pixels::PixelForm;
use crate::{optimizer, progress};

/// Steps between two looks at loss and accuracy: a graphics card must not wait for each.
const LOOK_STEPS: usize = 100;

/// A training under way.
pub struct Course<'a> {
    config: &'a TrainConfig,
    split: &'a Split,
    columns: usize,
    form: PixelForm,
    optimizer: ModuleOptimizer,
    random: Xoshiro256PlusPlus,
    /// The pictures' indices, in the order of the last epoch.
    order: Vec<usize>,
    /// Steps done.
    step: u64,
    /// The raw pixels of a step's pictures where some are shifted or mirrored; kept to spare its memory.
    altered: Vec<u8>,
}

impl<'a> Course<'a> {
    /// A training as `config` says on `split`, pictures of `columns` pixels a row, whose choices come from `random`.
    pub fn new(config: &'a TrainConfig, split: &'a Split, columns: usize, random: Xoshiro256PlusPlus) -> Self {
        Self {
            config,
            split,
            columns,
            form: config.pixels.form(split),
            optimizer: optimizer::adam(config.backend, config.beta_2, config.weight_decay),
            random,
            order: (0..split.len()).collect(),
            step: 0,
            altered: Vec::new(),
        }
    }

    /// Trains on every picture once, in a new order. Returns mean loss and accuracy with the network.
    pub fn run_epoch(&mut self, mut network: Network, epoch: u32) -> Result<(Network, f64, f64), TrainError> {
        let config = self.config;
        let mut order = std::mem::take(&mut self.order);
        order.shuffle(&mut self.random);
        let steps = u64::from(config.epochs) * order.len().div_ceil(config.batch_size) as u64;
        let bar = progress::steps(order.len() as u64, format!("epoch {epoch}/{}", config.epochs));
        let (mut seen, mut correct, mut loss_sum) = (0_usize, 0.0_f64, 0.0_f64);
        for batches in order.chunks(config.batch_size * LOOK_STEPS) {
            let mut sums: Option<(Tensor<1>, Tensor<1, Int>)> = None;
            for indices in batches.chunks(config.batch_size) {
                let (gradients, loss, hits) = self.learn(&network, indices);
                let factor = config.schedule.factor(config.warm_up, self.step, steps);
                network = self.optimizer.step(config.learning_rate * factor, network, gradients);
                self.step += 1;
                sums = Some(match sums {
                    Some((all_losses, all_hits)) => (all_losses + loss, all_hits + hits),
                    None => (loss, hits),
                });
            }
            if let Some((loss, hits)) = sums {
                loss_sum += f64::from(loss.try_into_scalar::<f32>()?);
                correct += f64::from(hits.try_into_scalar::<i32>()?);
            }
            seen += batches.len();
            bar.set_position(seen as u64);
            let (loss, accuracy) = (loss_sum / seen as f64, 100.0 * correct / seen as f64);
            bar.set_message(format!("loss {loss:.4}, accuracy {accuracy:.2} %"));
        }
        bar.finish_and_clear();
        self.order = order;
        Ok((network, loss_sum / seen as f64, correct / seen as f64))
    }

    /// Forward and backward over a batch, the pictures at `indices`. Returns the gradients of its mean loss, the sum of
    /// its losses, and how many of its pictures are classified rightly; the latter two are not waited for.
    fn learn(&mut self, network: &Network, indices: &[usize]) -> (GradientsParams, Tensor<1>, Tensor<1, Int>) {
        let device = network.device();
        let labels: Vec<i32> = indices.iter().map(|&index| self.split.labels[index].into()).collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [indices.len()]), &device);
        let logits = network.forward(self.input(indices, &device));
        let hits = logits.clone().inner().argmax(1).squeeze_dim::<1>(1).equal(targets.clone().inner()).int().sum();
        let loss = CrossEntropyLossConfig::new().init(&device).forward(logits, targets);
        let loss_sum = loss.clone().inner().mul_scalar(indices.len() as f32);
        (GradientsParams::from_grads(loss.backward(), network), loss_sum, hits)
    }

    /// The pictures at `indices`, as they are or altered, in the form that is trained with.
    fn input(&mut self, indices: &[usize], device: &Device) -> Tensor<2> {
        let (split, share) = (self.split, self.config.augment);
        let pictures = indices.iter().map(|&index| split.picture(index));
        // No random number is drawn where nothing is altered.
        if share == 0.0 {
            return self.form.tensor(pictures, split.width, device);
        }
        self.altered.clear();
        for picture in pictures {
            Version::choose(share, &mut self.random).append(picture, self.columns, &mut self.altered);
        }
        self.form.tensor(self.altered.chunks_exact(split.width), split.width, device)
    }

    /// `network`, without differentiation, for pixels in 0..=1.
    pub fn plain(&self, network: &Network) -> Result<Network, TensorReadError> {
        let network = network.valid();
        if self.form == PixelForm::PLAIN {
            return Ok(network);
        }
        let mut layers = network.parameters()?;
        layers.first_mut().into_iter().for_each(|first| self.form.fold_into(first));
        Ok(Network::from_parameters(layers, &network.device()))
    }
}
