//! Trains a teacher, and computes its answers.

use std::time::Instant;

use burn::module::Module as _;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use prenda::Shape;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt as _, SeedableRng};

use super::network::Convolutional;
use crate::data::{Dataset, Description, SoftLabels, Split, VERSIONS, Validation, Version, hex, mirror};
use crate::network::backend::Backend;
use crate::network::calibrate::argmax;
use crate::network::{PixelForm, Pixels, Running};
use crate::support::{interrupt, progress};
use crate::train::error::TrainError;

/// Share of steps in which the learning rate rises.
const WARM_UP: f64 = 0.2;

/// Decay rate of the gradients' running sum (Nesterov).
const MOMENTUM: f64 = 0.9;

/// Decay of parameters at each step for a learning rate of 1, as a share of them.
const WEIGHT_DECAY: f32 = 5e-4;

/// Largest shift of an image, in pixels along each axis.
const MAX_SHIFT: i32 = 2;

/// Share of images in which a square is blackened.
const ERASED_SHARE: f64 = 0.5;

/// Images in one forward pass.
const BATCH: usize = 250;

/// Settings of a teacher's training.
#[derive(Clone, Debug)]
pub struct TeachConfig {
    pub backend: Backend,
    /// Channels of the first convolution, 1 or more.
    pub channels: u16,
    /// At least 1.
    pub epochs: u32,
    /// Images in a batch, 1 or more.
    pub batch_size: usize,
    /// The largest learning rate, above 0.
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
    image: Shape,
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
        let (split, image) = (&data.train, data.shape);
        // Padding is zero, which must be black.
        let form = PixelForm { mean: 0.0, ..Pixels::Standard.form(split) };
        let classes = data.class_names.len();
        let mut network = Convolutional::init(image, config.channels, classes, &mut random, &device.clone().autodiff());
        let mut running = vec![Running::default(); network.count_normalizations()];
        let momentum = MomentumConfig::new().with_momentum(MOMENTUM).with_dampening(0.0).with_nesterov(true);
        let decay = WeightDecayConfig::new(WEIGHT_DECAY);
        let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).with_weight_decay(Some(decay)).init();
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
                    append_altered(split.image(index), image, &mut pixels, &mut random);
                    erase(pixels.get_mut(start..).unwrap_or_default(), image, &mut random);
                }
                let device = device.clone().autodiff();
                let images = form.tensor(pixels.chunks_exact(split.width), split.width, &device);
                let labels: Vec<i32> = indices.iter().map(|&index| split.labels[index].into()).collect();
                let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [indices.len()]), &device);
                let mut moments = Vec::with_capacity(running.len());
                let logits = network.forward(images, &mut |batch| moments.push(batch.inner()));
                let answers = logits.clone().inner();
                let loss = CrossEntropyLossConfig::new().init(&device).forward(logits, targets);
                loss_sum += f64::from(loss.clone().into_scalar::<f32>()) * indices.len() as f64;
                let gradients = GradientsParams::from_grads(loss.backward(), &network);
                network = optimizer.step(config.learning_rate * factor(step, steps), network, gradients);
                step += 1;
                for (running, moments) in running.iter_mut().zip(moments) {
                    running.update(&moments.try_into_vec_as::<f32>()?);
                }

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
        let network = network.valid().folded(&running, &device)?;
        Ok(Self { is_interrupted, network, form, image, device })
    }

    /// Returns the logits, `[image][class]`, of `images`, which are raw pixels.
    fn answer(&self, images: &[u8]) -> Result<Vec<f32>, TrainError> {
        let width = self.image.count();
        let input = self.form.tensor(images.chunks_exact(width), width, &self.device);
        Ok(self.network.forward(input, &mut |_| ()).try_into_vec_as()?)
    }

    /// Returns the accuracy on `split`, 0 to 1, of the sum of the logits for an image and for its
    /// mirror image.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its results.
    pub fn accuracy(&self, split: &Split) -> Result<f64, TrainError> {
        let mut correct = 0;
        for (pixels, labels) in split.pixels.chunks(BATCH * split.width).zip(split.labels.chunks(BATCH)) {
            let mut mirrored = pixels.to_vec();
            mirror(&mut mirrored, self.image);
            let logits = self.answer(pixels)?.into_iter().zip(self.answer(&mirrored)?);
            let logits: Vec<f32> = logits.map(|(one, other)| one + other).collect();
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
            Version::all().for_each(|version| version.append(image, self.image, &mut pixels));
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

/// Returns the learning rate of step `step`, from 0, of `steps`, as a share of the largest: it
/// rises and falls linearly.
fn factor(step: u64, steps: u64) -> f64 {
    let done = (step as f64 + 0.5) / steps as f64;
    (done / WARM_UP).min((1.0 - done) / (1.0 - WARM_UP))
}

/// Appends `image` to `pixels`, randomly shifted by up to [`MAX_SHIFT`] along both axes, and
/// mirrored or not.
fn append_altered(image: &[u8], shape: Shape, pixels: &mut Vec<u8>, random: &mut Xoshiro256PlusPlus) {
    let [down, right] = [(); 2].map(|()| random.random_range(-MAX_SHIFT..=MAX_SHIFT));
    let is_mirrored: bool = random.random();
    let (rows, columns, channels) = (i32::from(shape.rows), i32::from(shape.columns), usize::from(shape.channels));
    for row in (0..rows).map(|row| row - down) {
        for column in (0..columns).map(|column| column - right) {
            let column = if is_mirrored { columns - 1 - column } else { column };
            let is_inside = (0..rows).contains(&row) && (0..columns).contains(&column);
            let start = is_inside.then(|| (row * columns + column) as usize * channels);
            match start.and_then(|start| image.get(start..start + channels)) {
                Some(pixel) => pixels.extend_from_slice(pixel),
                None => pixels.resize(pixels.len() + channels, 0),
            }
        }
    }
}

/// Blackens a square of `image`, a fifth to two fifths of its rows, with probability
/// [`ERASED_SHARE`].
fn erase(image: &mut [u8], shape: Shape, random: &mut Xoshiro256PlusPlus) {
    let (rows, columns) = (usize::from(shape.rows), usize::from(shape.columns));
    let chance: f64 = random.random();
    let side = random.random_range(rows / 5..=rows * 2 / 5);
    let (top, left) = (random.random_range(0..rows.max(1)), random.random_range(0..columns.max(1)));
    if chance >= ERASED_SHARE {
        return;
    }
    let (top, left) = (top.saturating_sub(side / 2), left.saturating_sub(side / 2));
    let channels = usize::from(shape.channels).max(1);
    for row in image.chunks_mut(columns.max(1) * channels).skip(top).take(side) {
        row.iter_mut().skip(left * channels).take(side * channels).for_each(|value| *value = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_and_falls_linearly() {
        let factors: Vec<f64> = (0..10).map(|step| factor(step, 10)).collect();
        assert!((factors[0] - 0.25).abs() < 1e-12 && (factors[1] - 0.75).abs() < 1e-12, "{factors:?}");
        assert!(factors[2..].iter().rev().is_sorted() && (factors[9] - 0.0625).abs() < 1e-12, "{factors:?}");
    }

    #[test]
    fn altered_images_are_shifted_by_up_to_two_pixels() {
        let shape = Shape::grey(6, 7);
        let mut image = vec![0; 42];
        image[2 * 7 + 3] = 9; // in the middle of the columns
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut places = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let mut altered = Vec::new();
            append_altered(&image, shape, &mut altered, &mut random);
            let found: Vec<usize> = (0..42).filter(|place| altered[*place] != 0).collect();
            assert_eq!((altered.len(), found.len()), (42, 1));
            places.insert((found[0] / 7, found[0] % 7));
        }
        let expected = (0..5).flat_map(|row| (1..6).map(move |column| (row, column)));
        assert_eq!(places, expected.collect());
    }

    #[test]
    fn logits_return_to_the_order_of_the_data_set() {
        // Images 0, 2 and 3 were trained on, 1 and 4 held out.
        let logits = [0.0, 0.5, 2.0, 2.5, 3.0, 3.5, 1.0, 1.5, 4.0, 4.5];
        assert_eq!(in_order(&logits, 2, &[1, 4]), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5]);
        assert_eq!(in_order(&[1.0, 2.0, 3.0], 1, &[2]), [1.0, 2.0, 3.0]);
    }
}
