//! Trains a teacher, and computes its answers.

use std::time::Instant;

use burn::module::Module as _;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt as _, SeedableRng};

use super::network::Convolutional;
use crate::data::{Dataset, Description, SoftLabels, Split, VERSIONS, Validation, Version, hex};
use crate::network::backend::Backend;
use crate::network::calibrate::argmax;
use crate::network::optimizer;
use crate::network::{PixelForm, Pixels};
use crate::support::{interrupt, progress};
use crate::train::error::TrainError;
use crate::train::schedule::Schedule;

/// Share of steps in which the learning rate rises.
const WARM_UP: f64 = 0.2;

/// Adam's beta2: decay rate of the second-moment estimate.
const BETA_2: f64 = 0.99;

/// Decay of weights at each step for a learning rate of 1, as a share of them.
const WEIGHT_DECAY: f64 = 0.1;

/// Share of images in which a square is blackened.
const ERASED_SHARE: f64 = 0.5;

/// Images in one forward pass.
const BATCH: usize = 250;

/// Settings of a teacher's training.
#[derive(Clone, Debug)]
pub struct TeachConfig {
    pub backend: Backend,
    /// Channels of the first convolution, 1 or more.
    pub channels: usize,
    /// At least 1.
    pub epochs: u32,
    /// Images in a batch, 1 or more.
    pub batch_size: usize,
    /// Adam's largest learning rate, above 0.
    pub learning_rate: f64,
    /// The seed of every random choice.
    pub seed: u64,
}

/// Results of one epoch.
#[derive(Clone, Debug)]
pub struct TaughtEpoch {
    /// From 1.
    pub epoch: u32,
    /// Mean cross-entropy over the training images, measured on each batch before its update.
    pub loss: f64,
    /// Training accuracy, 0 to 1, measured in the same way.
    pub accuracy: f64,
    pub seconds: f64,
}

/// A trained teacher.
#[derive(Debug)]
pub struct Teacher {
    /// True if a signal ended training before the last epoch was complete.
    pub is_interrupted: bool,
    network: Convolutional,
    form: PixelForm,
    rows: usize,
    columns: usize,
    device: Device,
}

impl Teacher {
    /// Trains a teacher on the training images of `data`, and calls `on_epoch` after each epoch.
    /// Training ends after the current batch if a signal asks for it.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot train here, or if training diverges.
    pub fn train(
        config: &TeachConfig,
        data: &Dataset,
        mut on_epoch: impl FnMut(&TaughtEpoch),
    ) -> Result<Self, TrainError> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(config.seed);
        let device = config.backend.device()?;
        let mut network =
            Convolutional::init(config.channels, data.class_names.len(), &mut random, &device.clone().autodiff());
        let mut adam = optimizer::adam(config.backend, BETA_2, WEIGHT_DECAY);
        let (split, form) = (&data.train, Pixels::Standard.form(&data.train));
        let (rows, columns) = (usize::from(data.rows), usize::from(data.columns));
        let steps = u64::from(config.epochs) * split.len().div_ceil(config.batch_size) as u64;
        let mut order: Vec<usize> = (0..split.len()).collect();
        let (mut step, mut is_interrupted) = (0, false);
        for epoch in 1..=config.epochs {
            let start = Instant::now();
            order.shuffle(&mut random);
            let bar = progress::steps(split.len() as u64, format!("epoch {epoch}/{}", config.epochs));
            let (mut seen, mut loss_sum, mut correct) = (0_usize, 0.0_f64, 0_usize);
            for indices in order.chunks(config.batch_size) {
                let mut pixels = Vec::with_capacity(indices.len() * split.width);
                for &index in indices {
                    let start = pixels.len();
                    Version::choose(1.0, &mut random).append(split.image(index), columns, &mut pixels);
                    erase(pixels.get_mut(start..).unwrap_or_default(), rows, columns, &mut random);
                }
                let device = device.clone().autodiff();
                let images = form.tensor(pixels.chunks_exact(split.width), split.width, &device);
                let labels: Vec<i32> = indices.iter().map(|&index| split.labels[index].into()).collect();
                let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [indices.len()]), &device);
                let logits = network.forward(images.reshape([indices.len(), 1, rows, columns]));
                let answers = logits.clone().inner();
                let loss = CrossEntropyLossConfig::new().init(&device).forward(logits, targets);
                loss_sum += f64::from(loss.clone().into_scalar::<f32>()) * indices.len() as f64;
                let gradients = GradientsParams::from_grads(loss.backward(), &network);
                let factor = Schedule::Cosine.factor(WARM_UP, step, steps);
                network = adam.step(config.learning_rate * factor, network, gradients);
                step += 1;

                let answers: Vec<f32> = answers.try_into_vec_as()?;
                let rows = answers.chunks(data.class_names.len()).zip(indices);
                correct += rows.filter(|(row, index)| argmax(row) == usize::from(split.labels[**index])).count();
                seen += indices.len();
                bar.set_position(seen as u64);
                let (loss, accuracy) = (loss_sum / seen as f64, 100.0 * correct as f64 / seen as f64);
                bar.set_message(format!("loss {loss:.4}, accuracy {accuracy:.2} %"));
                if interrupt::code().is_some() {
                    break;
                }
            }
            bar.finish_and_clear();
            let (loss, accuracy) = (loss_sum / seen as f64, correct as f64 / seen as f64);
            if !loss.is_finite() {
                return Err(TrainError::Diverged { epoch });
            }
            is_interrupted = seen < split.len();
            if is_interrupted {
                break;
            }
            on_epoch(&TaughtEpoch { epoch, loss, accuracy, seconds: start.elapsed().as_secs_f64() });
            is_interrupted = epoch < config.epochs && interrupt::code().is_some();
            if is_interrupted {
                break;
            }
        }
        Ok(Self { is_interrupted, network: network.valid(), form, rows, columns, device })
    }

    /// Returns the logits, `[image][class]`, of `images`, which are raw pixels.
    fn answer(&self, images: &[u8]) -> Result<Vec<f32>, TrainError> {
        let width = self.rows * self.columns;
        let input = self.form.tensor(images.chunks_exact(width), width, &self.device);
        let [count, _] = input.dims();
        Ok(self.network.forward(input.reshape([count, 1, self.rows, self.columns])).try_into_vec_as()?)
    }

    /// Returns the accuracy on `split`, 0 to 1.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its results.
    pub fn accuracy(&self, split: &Split) -> Result<f64, TrainError> {
        let mut correct = 0;
        for (pixels, labels) in split.pixels.chunks(BATCH * split.width).zip(split.labels.chunks(BATCH)) {
            let logits = self.answer(pixels)?;
            let rows = logits.chunks(logits.len() / labels.len()).zip(labels);
            correct += rows.filter(|(row, label)| argmax(row) == usize::from(**label)).count();
        }
        Ok(correct as f64 / split.len() as f64)
    }

    /// Returns the answers for every version of the training images of `data` and of those held
    /// out, in the order of the data set. An answer is the mean of the logits for a version and
    /// for its mirror image.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its results.
    pub fn soft_labels(&self, data: &Dataset, validation: Option<&Validation>) -> Result<SoftLabels, TrainError> {
        let held_out = validation.map(|validation| &validation.split);
        let images = || data.train.images().chain(held_out.into_iter().flat_map(Split::images));
        let (classes, count) = (data.class_names.len(), data.train.len() + held_out.map_or(0, Split::len));
        let bar = progress::steps(count as u64, "computing the teacher's answers");
        let (mut logits, mut pixels) = (Vec::with_capacity(count * VERSIONS * classes), Vec::new());
        for image in images() {
            Version::all().for_each(|version| version.append(image, self.columns, &mut pixels));
            if pixels.len() >= BATCH * image.len() {
                logits.extend(self.answer(&pixels)?);
                pixels.clear();
                bar.set_position((logits.len() / (VERSIONS * classes)) as u64);
            }
        }
        if !pixels.is_empty() {
            logits.extend(self.answer(&pixels)?);
        }
        bar.finish_and_clear();

        for image in logits.chunks_exact_mut(VERSIONS * classes) {
            let own = image.to_vec();
            for (version, means) in Version::all().zip(image.chunks_exact_mut(classes)) {
                let mirrored = own.chunks_exact(classes).nth(version.mirrored().number()).unwrap_or_default();
                means.iter_mut().zip(mirrored).for_each(|(mean, other)| *mean = 0.5 * (*mean + other));
            }
        }
        if let Some(validation) = validation {
            logits = in_order(&logits, VERSIONS * classes, &validation.indices);
        }
        let chosen = validation.map(|validation| validation.held_out).unwrap_or_default();
        let description = Description {
            data_sha256: hex(&data.train_hash),
            held_out: chosen.count,
            validation_order: chosen.order,
            seed: chosen.seed,
            held_out_accuracy: held_out.map(|split| self.accuracy(split)).transpose()?,
            test_accuracy: self.accuracy(&data.test)?,
        };
        Ok(SoftLabels::new(description, classes, logits))
    }
}

/// Returns the rows of `width` logits in the order of the data set. The last rows are those of the
/// images at `held_out`, which ascend.
fn in_order(logits: &[f32], width: usize, held_out: &[usize]) -> Vec<f32> {
    let count = logits.len() / width.max(1);
    let (mut kept, mut taken) = (0, count.saturating_sub(held_out.len()));
    let mut held_out = held_out.iter().peekable();
    let mut ordered = Vec::with_capacity(logits.len());
    for index in 0..count {
        let row = if held_out.next_if_eq(&&index).is_some() { &mut taken } else { &mut kept };
        ordered.extend_from_slice(logits.get(*row * width..(*row + 1) * width).unwrap_or_default());
        *row += 1;
    }
    ordered
}

/// Blackens a square of `image`, a fifth to two fifths of its rows, with probability
/// [`ERASED_SHARE`].
fn erase(image: &mut [u8], rows: usize, columns: usize, random: &mut Xoshiro256PlusPlus) {
    let chance: f64 = random.random();
    let side = random.random_range(rows / 5..=rows * 2 / 5);
    let (top, left) = (random.random_range(0..rows.max(1)), random.random_range(0..columns.max(1)));
    if chance >= ERASED_SHARE {
        return;
    }
    let (top, left) = (top.saturating_sub(side / 2), left.saturating_sub(side / 2));
    for row in image.chunks_mut(columns.max(1)).skip(top).take(side) {
        row.iter_mut().skip(left).take(side).for_each(|pixel| *pixel = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_return_to_the_order_of_the_data_set() {
        // Images 0, 2 and 3 were trained on, 1 and 4 held out.
        let logits = [0.0, 0.5, 2.0, 2.5, 3.0, 3.5, 1.0, 1.5, 4.0, 4.5];
        assert_eq!(in_order(&logits, 2, &[1, 4]), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5]);
        assert_eq!(in_order(&[1.0, 2.0, 3.0], 1, &[2]), [1.0, 2.0, 3.0]);
    }
}
