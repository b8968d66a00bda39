//! The training loop.

mod average;
mod config;
mod course;
mod fixed;
mod float;
mod prune;
mod schedule;
pub mod teacher;

use std::time::Instant;

use burn::tensor::TensorReadError;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::average::Average;
use self::course::{Course, Plan};
use self::fixed::FixedStudent;
use self::float::FloatStudent;
use crate::data::SoftLabels;
use crate::data::Split;
use crate::network::PixelForm;
use crate::network::backend::BackendError;
use crate::network::calibrate::measure;
use crate::network::{DenseParameters, Network};
use crate::quantize::{QuantizeError, QuantizedLayer};

pub use config::{MAX_BATCH_SIZE, MAX_EPOCHS, Recipe, TAUGHT_EPOCHS, Teaching, TrainConfig};
pub use prune::BLOCK_OUTPUTS;
pub use schedule::Schedule;

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Mean cross-entropy over the training pictures as they were shown, each measured just before its step.
    pub loss: f64,
    /// The share of training pictures classified rightly as they were shown, each measured just before its step, 0..=1.
    pub accuracy: f64,
    /// Mean cross-entropy over the pictures held out of training, after the epoch; of the mean network, where one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// The share of pictures held out of training classified rightly after the epoch, 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// How long it took.
    pub seconds: f64,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// All epochs that were asked for are done.
    Epochs,
    /// The accuracy on training pictures passed a threshold.
    TrainAccuracy {
        /// The threshold, 0..=1.
        threshold: f64,
        /// The first accuracy above it, 0..=1.
        accuracy: f64,
    },
    /// The loss on held-out pictures no longer fell.
    Patience {
        /// Epochs without a lower loss.
        epochs: u32,
    },
}

/// What came of training.
#[derive(Debug)]
pub struct Trained {
    /// The network, without differentiation.
    pub network: Network,
    /// The epoch that it is of, from 1.
    pub kept_epoch: u32,
    /// Every epoch.
    pub history: Vec<Epoch>,
    /// Why there are no more.
    pub stop: Stop,
    /// The network in integers, where it was fine-tuned in them; `network` is the same in floating point.
    pub quantized: Option<Vec<QuantizedLayer>>,
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

/// What the training pictures are like beside their number of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Columns of a picture, 1 or more.
    pub columns: usize,
    /// Classes, and outputs of the network.
    pub classes: usize,
}

/// What there is to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The training pictures.
    pub train: &'a Split,
    /// Pictures held out of training.
    pub validation: Option<&'a Split>,
    /// A teacher's answers for the training pictures.
    pub soft_labels: Option<&'a SoftLabels>,
    /// What the pictures are like.
    pub shape: Shape,
    /// The network to begin with, for pixels in 0..=1, where it is not trained from the start.
    pub start: Option<&'a [DenseParameters]>,
}

/// Trains a network on `material`, and calls `look` after each epoch. The network takes pixels in 0..=1, whatever form it was
/// trained with.
///
/// The same arguments give the same network, bit for bit, on the same machine: every random choice comes from the seed,
/// and no backend is built with burn's autotuning, which would choose the order of sums by a race of kernels.
///
/// # Errors
///
/// Where the backend cannot train here, or training diverges.
pub fn train(
    config: &TrainConfig,
    material: Material<'_>,
    mut look: impl FnMut(&Epoch),
) -> Result<Trained, TrainError> {
    keep_freed_memory();
    let Material { train, validation, shape, .. } = material;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(config.seed);
    let device = config.backend.device()?.autodiff();
    let widths: Vec<usize> = [train.width].iter().chain(&config.hidden).chain([&shape.classes]).copied().collect();
    let form = config.pixels.form(train);
    let mut student = match material.start {
        Some(layers) => FloatStudent::new(Network::from_parameters(layers.to_vec(), &device), PixelForm::PLAIN, config),
        None => FloatStudent::new(Network::init(&widths, &mut random, &device), form, config),
    };
    let plan = Plan {
        epochs: config.epochs,
        learning_rate: config.learning_rate,
        schedule: config.schedule,
        warm_up: config.warm_up,
        form,
    };
    let mut course = Course::new(config, plan, material, random);
    let all_epochs = config.all_epochs();
    let mut history = Vec::new();
    let mut rule = StopRule::new(config);
    let mut stop = Stop::Epochs;
    let mut average = Average::new(config);
    let mut plain = student.plain()?;

    for epoch in 1..=config.epochs {
        let start = Instant::now();
        let (loss, accuracy) = course.run_epoch(&mut student, format!("epoch {epoch}/{all_epochs}"))?;
        plain = average.after(epoch, student.plain()?)?;
        let result = conclude(epoch, (loss, accuracy), &plain, validation, start)?;
        look(&result);
        let early = rule.after(&result, &plain);
        history.push(result);
        if let Some(reason) = early {
            stop = reason;
            break;
        }
    }
    let (network, kept_epoch) = rule.kept.unwrap_or((plain, history.len() as u32));
    if config.qat_epochs == 0 {
        return Ok(Trained { network, kept_epoch, history, stop, quantized: None });
    }

    let largest = measure(&network, train)?.largest;
    let mut student = FixedStudent::new(&network.parameters()?, &largest, config, &device)?;
    let plan = Plan {
        epochs: config.qat_epochs,
        learning_rate: config.qat_learning_rate,
        schedule: Schedule::Cosine,
        warm_up: fixed::WARM_UP,
        form: PixelForm::RAW,
    };
    let mut course = Course::new(config, plan, material, course.into_random());
    for _ in 0..config.qat_epochs {
        let (start, epoch) = (Instant::now(), history.len() as u32 + 1);
        let measured = course.run_epoch(&mut student, format!("epoch {epoch}/{all_epochs}, in integers"))?;
        let result = conclude(epoch, measured, &student.network(&device), validation, start)?;
        look(&result);
        history.push(result);
    }
    let (network, kept_epoch) = (student.network(&device.inner()), history.len() as u32);
    Ok(Trained { network, kept_epoch, history, stop, quantized: Some(student.into_layers()) })
}

/// What an epoch that began at `start` came to: mean loss and accuracy as it learned, and those over `validation` after it.
fn conclude(
    epoch: u32,
    (loss, accuracy): (f64, f64),
    plain: &Network,
    validation: Option<&Split>,
    start: Instant,
) -> Result<Epoch, TrainError> {
    if !loss.is_finite() {
        return Err(TrainError::Diverged { epoch });
    }
    let measured = validation.map(|split| measure(plain, split).map(|found| (found, split))).transpose()?;
    let (validation_loss, validation_accuracy) =
        measured.map(|(found, split)| (found.loss, found.accuracy(split))).unzip();
    let seconds = start.elapsed().as_secs_f64();
    Ok(Epoch { epoch, loss, accuracy, validation_loss, validation_accuracy, seconds })
}

/// When to stop before all epochs are done, and which network to keep.
struct StopRule<'a> {
    config: &'a TrainConfig,
    /// The network with the lowest loss on held-out pictures, and its epoch, where that decides.
    kept: Option<(Network, u32)>,
    lowest_loss: f64,
}

impl<'a> StopRule<'a> {
    fn new(config: &'a TrainConfig) -> Self {
        Self { config, kept: None, lowest_loss: f64::INFINITY }
    }

    /// Why training ends after `epoch`, if it does.
    fn after(&mut self, epoch: &Epoch, network: &Network) -> Option<Stop> {
        let accuracy = epoch.accuracy;
        if let (Some(patience), Some(loss)) = (self.config.patience, epoch.validation_loss) {
            if loss < self.lowest_loss {
                self.lowest_loss = loss;
                self.kept = Some((network.clone(), epoch.epoch));
            } else if let Some((_, kept_epoch)) = self.kept
                && epoch.epoch - kept_epoch >= patience
            {
                return Some(Stop::Patience { epochs: patience });
            }
        }
        let threshold = self.config.stop_at_train_accuracy.filter(|threshold| accuracy > *threshold)?;
        Some(Stop::TrainAccuracy { threshold, accuracy })
    }
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
pub mod tests {
    use super::*;
    use crate::network::Pixels;
    use crate::network::backend::Backend;
    use crate::quantize::WeightBits;

    /// Pictures of one row.
    const SHAPE: Shape = Shape { columns: 3, classes: 2 };

    fn split(pictures: usize) -> Split {
        // The label is in the first pixel, and the rest is the same everywhere.
        let labels: Vec<u8> = (0..pictures).map(|index| (index % 2) as u8).collect();
        Split { width: 3, pixels: labels.iter().flat_map(|label| [255 * label, 0, 99]).collect(), labels }
    }

    fn material<'a>(train: &'a Split, validation: Option<&'a Split>) -> Material<'a> {
        Material { train, validation, soft_labels: None, shape: SHAPE, start: None }
    }

    /// A configuration that learns such pictures.
    pub fn config() -> TrainConfig {
        TrainConfig {
            epochs: 6,
            batch_size: 5,
            learning_rate: 0.03,
            ..Recipe::Lecture.config(Backend::Flex, vec![4], 3)
        }
    }

    #[test]
    fn what_can_be_learned_is_learned_on_every_backend() {
        for (backend, _) in Backend::present() {
            // Not a multiple of the batch size: the last batch is a short one.
            let (pictures, validation) = (split(103), split(10));
            let mut seen = Vec::new();
            let config = TrainConfig { backend, ..config() };
            let trained =
                train(&config, material(&pictures, Some(&validation)), |epoch| seen.push(epoch.clone())).unwrap();
            let measured = measure(&trained.network, &pictures).unwrap();
            assert_eq!(pictures.count_right(&measured.predictions), 103, "{backend:?}");
            assert_eq!((trained.stop, trained.kept_epoch), (Stop::Epochs, 6));
            let history = trained.history;
            assert_eq!(history, seen);
            assert_eq!(history.len(), 6);
            assert!(history[5].loss < history[0].loss && history[5].accuracy == 1.0, "{history:?}");
            assert_eq!(history[5].validation_accuracy, Some(1.0));
            assert!(history[5].validation_loss < history[0].validation_loss);
        }
    }

    #[test]
    fn a_seed_means_the_same_weights() {
        for (backend, _) in Backend::present() {
            let weights = |seed| {
                let config = TrainConfig { backend, seed, ..config() };
                train(&config, material(&split(50), None), |_| ()).unwrap().network.parameters().unwrap()
            };
            assert_eq!(weights(1), weights(1), "{backend:?}");
            assert_ne!(weights(1), weights(2), "{backend:?}");
        }
    }

    #[test]
    fn the_best_recipe_is_reproducible_and_its_network_takes_plain_pixels() {
        for (backend, _) in Backend::present() {
            let (pictures, validation) = (split(103), split(10));
            let config = TrainConfig {
                backend,
                epochs: 20,
                batch_size: 5,
                learning_rate: 0.03,
                ..Recipe::Best.config(backend, vec![4], 3)
            };
            let config = TrainConfig { augment: 0.2, ..config };
            let trained = |config: &TrainConfig| train(config, material(&pictures, Some(&validation)), |_| ()).unwrap();
            let first = trained(&config);
            let layers = |trained: &Trained| trained.network.parameters().unwrap();
            assert_eq!(layers(&first), layers(&trained(&config)), "{backend:?}");
            assert_eq!(first.history[19].validation_accuracy, Some(1.0), "{backend:?}");
            assert_eq!(measure(&first.network, &validation).unwrap().loss, first.history[19].validation_loss.unwrap());
            // Each part has a say.
            for other in [
                TrainConfig { schedule: Schedule::Constant, ..config.clone() },
                TrainConfig { warm_up: 0.0, ..config.clone() },
                TrainConfig { beta_2: 0.999, ..config.clone() },
                TrainConfig { weight_decay: 0.0, ..config.clone() },
                TrainConfig { augment: 0.3, ..config.clone() },
                TrainConfig { average_epochs: 2, ..config.clone() },
                TrainConfig { pixels: Pixels::Unit, ..config.clone() },
            ] {
                assert_ne!(layers(&first), layers(&trained(&other)), "{other:?}");
            }
        }
    }

    #[test]
    fn each_compression_trains_and_is_reproducible() {
        let pictures = split(103);
        let best = TrainConfig { epochs: 20, batch_size: 5, ..Recipe::Best.config(Backend::Flex, vec![8], 3) };
        let best = TrainConfig { augment: 0.0, learning_rate: 0.03, ..best };
        let whole = train(&best, material(&pictures, None), |_| ()).unwrap();
        assert_eq!(whole.quantized, None);
        let qat = TrainConfig { qat_epochs: 3, qat_learning_rate: 1e-3, ..best.clone() };
        for config in [
            TrainConfig { weight_bits: WeightBits::Four, ..qat.clone() },
            TrainConfig { weight_bits: WeightBits::Two, ..qat.clone() },
            TrainConfig { sparsity: 0.5, ..qat.clone() },
            qat,
        ] {
            let mut seen = 0;
            let trained = train(&config, material(&pictures, None), |_| seen += 1).unwrap();
            assert_eq!((seen, trained.history.len(), trained.kept_epoch), (23, 23, 23));
            let quantized = trained.quantized.as_ref().unwrap();
            let largest = quantized[0].weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap();
            assert!(largest <= config.weight_bits.largest().unsigned_abs() && largest > 0);
            // Two pairs of inputs, of which the second has one: one of the two blocks is left.
            let is_zero = |input: usize| quantized[0].weights.iter().skip(input).step_by(3).all(|weight| *weight == 0);
            let pruned = (is_zero(0) && is_zero(1)) as usize + is_zero(2) as usize;
            assert_eq!(pruned, usize::from(config.sparsity > 0.0), "{config:?}");
            let measured = measure(&trained.network, &pictures).unwrap();
            assert_eq!(pictures.count_right(&measured.predictions), 103, "{config:?}");
            let again = train(&config, material(&pictures, None), |_| ()).unwrap();
            assert_eq!(again.quantized, trained.quantized);
        }
    }

    #[test]
    fn a_teacher_is_believed_as_far_as_asked_for() {
        let pictures = split(60);
        // The teacher says the other class, for sure.
        let logits = pictures.labels.iter().flat_map(|label| {
            [10.0 * f32::from(*label), 10.0 - 10.0 * f32::from(*label)].repeat(crate::data::VERSIONS)
        });
        let labels = SoftLabels::of_logits(2, logits.collect());
        let material = Material { soft_labels: Some(&labels), ..material(&pictures, None) };
        let accuracy = |share| {
            let teacher = Some(Teaching { share, sha256: String::new() });
            let config = TrainConfig { teacher, epochs: 20, ..config() };
            let trained = train(&config, material, |_| ()).unwrap();
            measure(&trained.network, &pictures).unwrap().accuracy(&pictures)
        };
        assert_eq!((accuracy(0.0), accuracy(0.3), accuracy(0.7), accuracy(1.0)), (1.0, 1.0, 0.0, 0.0));
    }

    #[test]
    fn training_ends_after_the_first_epoch_above_a_threshold() {
        let config = TrainConfig { epochs: 50, stop_at_train_accuracy: Some(0.95), ..config() };
        let trained = train(&config, material(&split(100), None), |_| ()).unwrap();
        let Stop::TrainAccuracy { threshold, accuracy } = trained.stop else { panic!("{:?}", trained.stop) };
        let last = trained.history.last().unwrap();
        assert_eq!((threshold, accuracy, trained.kept_epoch), (0.95, last.accuracy, last.epoch));
        assert!(trained.history.iter().all(|epoch| (epoch.accuracy > 0.95) == (epoch.epoch == last.epoch)));
        // At the threshold is not above it.
        let config = TrainConfig { epochs: 8, stop_at_train_accuracy: Some(1.0), ..config };
        assert_eq!(train(&config, material(&split(100), None), |_| ()).unwrap().stop, Stop::Epochs);
    }

    #[test]
    fn patience_keeps_the_network_with_the_lowest_held_out_loss() {
        // What is held out is labelled the other way round: the better the network, the higher that loss.
        let mut validation = split(20);
        validation.labels.iter_mut().for_each(|label| *label = 1 - *label);
        let config = TrainConfig { epochs: 50, patience: Some(3), ..config() };
        let trained = train(&config, material(&split(100), Some(&validation)), |_| ()).unwrap();
        assert_eq!(trained.stop, Stop::Patience { epochs: 3 });
        assert_eq!(trained.history.len(), trained.kept_epoch as usize + 3);
        let kept = measure(&trained.network, &validation).unwrap().loss;
        let lowest = trained.history.iter().map(|epoch| epoch.validation_loss.unwrap()).fold(f64::INFINITY, f64::min);
        assert_eq!(kept, lowest);
    }

    #[test]
    fn a_loss_that_is_no_number_ends_training() {
        let config = TrainConfig { learning_rate: 1e39, epochs: 40, ..config() };
        assert!(matches!(train(&config, material(&split(50), None), |_| ()), Err(TrainError::Diverged { .. })));
    }

    #[test]
    fn reasons_come_back_from_json() {
        let threshold = Stop::TrainAccuracy { threshold: 0.9, accuracy: 0.9021 };
        for stop in [Stop::Epochs, threshold, Stop::Patience { epochs: 3 }] {
            let text = serde_json::to_string(&stop).unwrap();
            assert_eq!(serde_json::from_str::<Stop>(&text).unwrap(), stop, "{text}");
        }
    }
}
