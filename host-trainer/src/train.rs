//! The training loop.

use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, LearningRate};
use burn::tensor::{Int, Tensor, TensorData, TensorReadError};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::backend::Backend;
use crate::calibrate::{argmax, measure};
use crate::dataset::Split;
use crate::model::{Network, input_tensor};
use crate::{optimizer, progress};

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainConfig {
    /// What trains.
    pub backend: Backend,
    /// Neurons of each hidden layer.
    pub hidden: Vec<usize>,
    /// How often every training picture is seen, 1 or more.
    pub epochs: u32,
    /// Pictures in a step, 1 or more.
    pub batch_size: usize,
    /// Adam's step size, above 0.
    pub learning_rate: LearningRate,
    /// Where every random choice comes from.
    pub seed: u64,
}

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Mean cross-entropy over the training pictures, each measured just before its step.
    pub loss: f64,
    /// The share of training pictures classified rightly, each measured just before its step, 0..=1.
    pub accuracy: f64,
    /// The share of pictures held out of training classified rightly after the epoch, 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// How long it took.
    pub seconds: f64,
}

/// Why training fails.
#[derive(Debug, Error)]
pub enum TrainError {
    /// Weights or loss have left the finite numbers.
    #[error("training diverged in epoch {epoch}: the loss is no longer a finite number; try a smaller --learning-rate")]
    Diverged {
        /// From 1.
        epoch: u32,
    },
    /// The backend cannot give its results back.
    #[error("the backend failed")]
    Backend(#[from] TensorReadError),
}

/// Trains a network of `classes` outputs on `train` and calls `look` after each epoch.
///
/// The same arguments give the same network, bit for bit, on the same machine: the backends run on one thread here, and
/// every random choice comes from the seed.
///
/// # Errors
///
/// Where training diverges.
pub fn train(
    config: &TrainConfig,
    train: &Split,
    validation: Option<&Split>,
    classes: usize,
    mut look: impl FnMut(&Epoch),
) -> Result<Network, TrainError> {
    keep_freed_memory();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(config.seed);
    let device = config.backend.device().autodiff();
    let widths: Vec<usize> = [train.width].iter().chain(&config.hidden).chain([&classes]).copied().collect();
    let mut network = Network::init(&widths, &mut random, &device);
    let mut optimizer = optimizer::adam();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let mut order: Vec<usize> = (0..train.len()).collect();

    for epoch in 1..=config.epochs {
        let start = Instant::now();
        order.shuffle(&mut random);
        let bar = progress::steps(train.len() as u64, format!("epoch {epoch}/{}", config.epochs));
        let (mut seen, mut correct, mut loss_sum) = (0_usize, 0_usize, 0.0_f64);
        for indices in order.chunks(config.batch_size) {
            let pixels: Vec<u8> = indices.iter().flat_map(|&index| train.picture(index)).copied().collect();
            let labels: Vec<u8> = indices.iter().map(|&index| train.labels[index]).collect();
            let targets: Vec<i64> = labels.iter().copied().map(i64::from).collect();
            let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [indices.len()]), &device);

            let logits = network.forward(input_tensor(&pixels, train.width, &device));
            let loss = cross_entropy.forward(logits.clone(), targets);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(config.learning_rate, network, gradients);

            seen += indices.len();
            loss_sum += f64::from(loss.try_into_scalar::<f32>()?) * indices.len() as f64;
            let logits: Vec<f32> = logits.try_into_vec_as()?;
            correct +=
                logits.chunks(classes).zip(&labels).filter(|(row, label)| argmax(row) == usize::from(**label)).count();
            bar.set_position(seen as u64);
            bar.set_message(format!(
                "loss {:.4}, accuracy {:.2} %",
                loss_sum / seen as f64,
                100.0 * correct as f64 / seen as f64
            ));
        }
        if !loss_sum.is_finite() {
            return Err(TrainError::Diverged { epoch });
        }
        let validation_accuracy = validation
            .map(|split| Ok::<_, TrainError>(measure(&network.valid(), split)?.accuracy(split)))
            .transpose()?;
        bar.finish_and_clear();
        let (loss, accuracy) = (loss_sum / seen as f64, correct as f64 / seen as f64);
        look(&Epoch { epoch, loss, accuracy, validation_accuracy, seconds: start.elapsed().as_secs_f64() });
    }
    Ok(network.valid())
}

/// Teaches the allocator that large blocks come and go, so that it keeps them.
///
/// glibc raises the sizes from which it gives memory back to the kernel to those of the largest block that was freed, up
/// to 32 MB. Without that it gives back every step's tensors, and zeroing fresh pages takes a third of the time.
/// Elsewhere this does nothing.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pictures: usize) -> Split {
        // The label is in the first pixel, and the rest is the same everywhere.
        let labels: Vec<u8> = (0..pictures).map(|index| (index % 2) as u8).collect();
        Split { width: 3, pixels: labels.iter().flat_map(|label| [255 * label, 0, 99]).collect(), labels }
    }

    fn config(backend: Backend) -> TrainConfig {
        TrainConfig { backend, hidden: vec![4], epochs: 6, batch_size: 5, learning_rate: 0.03, seed: 3 }
    }

    #[test]
    fn what_can_be_learned_is_learned_on_every_backend() {
        for backend in Backend::ALL {
            // Not a multiple of the batch size: the last batch is a short one.
            let (pictures, validation) = (split(103), split(10));
            let mut history = Vec::new();
            let look = |epoch: &Epoch| history.push(epoch.clone());
            let network = train(&config(backend), &pictures, Some(&validation), 2, look).unwrap();
            let measured = measure(&network, &pictures).unwrap();
            assert_eq!(pictures.count_right(&measured.predictions), 103, "{backend:?}");
            assert_eq!(history.len(), 6);
            assert!(history[5].loss < history[0].loss && history[5].accuracy == 1.0, "{history:?}");
            assert_eq!(history[5].validation_accuracy, Some(1.0));
        }
    }

    #[test]
    fn a_seed_means_the_same_weights() {
        for backend in Backend::ALL {
            let weights = |seed| {
                let config = TrainConfig { seed, ..config(backend) };
                train(&config, &split(50), None, 2, |_| ()).unwrap().parameters().unwrap()
            };
            assert_eq!(weights(1), weights(1), "{backend:?}");
            assert_ne!(weights(1), weights(2), "{backend:?}");
        }
    }
}
