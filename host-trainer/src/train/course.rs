//! The steps of a training.

use std::time::Instant;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::config::TrainConfig;
use super::error::TrainError;
use super::material::Material;
use super::schedule::Schedule;
use crate::data::Version;
use crate::network::PixelForm;
use crate::support::{interrupt, progress};
use crate::text::{count, duration};

/// Steps between two reads of loss and accuracy. A graphics card would have to wait for each read.
const STEPS_PER_READ: usize = 100;

/// The result of a forward pass.
pub struct Forward {
    /// `[image, class]`.
    pub logits: Tensor<2>,
    /// A part of the loss, in addition to that of the logits.
    pub penalty: Option<Tensor<1>>,
}

/// A network that is trained.
pub trait Student: Send {
    /// Returns the device of its tensors.
    fn device(&self) -> Device;

    /// Runs the network on images, `[image, pixel]`, in its own pixel form.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its results.
    fn forward(&mut self, images: Tensor<2>) -> Result<Forward, TrainError>;

    /// Updates the weights with the learning rate `rate` and the `gradients` of a loss. `done` is
    /// the share of steps before this one, and 1 for the last one.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its results.
    fn step(&mut self, gradients: Gradients, rate: f64, done: f64) -> Result<(), TrainError>;
}

/// Settings of a number of epochs.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub epochs: u32,
    /// The largest learning rate.
    pub learning_rate: f64,
    /// The learning rate after the warm-up.
    pub schedule: Schedule,
    /// Share of steps in which the learning rate rises.
    pub warm_up: f64,
    /// The form of the student's input pixels.
    pub form: PixelForm,
}

/// The results of an epoch, measured on each batch before its step.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Mean loss.
    pub loss: f64,
    /// 0 to 1.
    pub accuracy: f64,
    /// Images that the student has learned from: all, unless a signal has asked for the end.
    pub images: usize,
}

/// A training in progress.
pub struct Course<'a> {
    config: &'a TrainConfig,
    material: Material<'a>,
    plan: Plan,
    random: Xoshiro256PlusPlus,
    /// The images' indices, in the order of the last epoch.
    order: Vec<usize>,
    /// Steps done.
    step: u64,
    /// The raw pixels of a batch with altered images. Kept to reuse its memory.
    altered: Vec<u8>,
    /// The version of each image in a batch.
    versions: Vec<Version>,
}

impl<'a> Course<'a> {
    /// Creates a training of `config` and `plan` on `material`. Random choices come from `random`.
    pub fn new(config: &'a TrainConfig, plan: Plan, material: Material<'a>, random: Xoshiro256PlusPlus) -> Self {
        Self {
            config,
            material,
            plan,
            random,
            order: (0..material.train.len()).collect(),
            step: 0,
            altered: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// Returns the random number generator, for the epochs that follow.
    pub fn into_random(self) -> Xoshiro256PlusPlus {
        self.random
    }

    /// Trains on every image once, in a new order, with `name` in the progress bar. Ends after the
    /// current batch if a signal asks for it.
    pub fn run_epoch(&mut self, student: &mut impl Student, name: String) -> Result<Measured, TrainError> {
        // On a thread of rayon's pool. burn-ndarray hands each operation to one and waits for it,
        // unless it runs on one already.
        rayon::scope(|_| self.run_steps(student, name))
    }

    fn run_steps(&mut self, student: &mut impl Student, name: String) -> Result<Measured, TrainError> {
        let (batch_size, plan) = (self.config.batch_size, self.plan);
        let mut order = std::mem::take(&mut self.order);
        order.shuffle(&mut self.random);
        let steps = u64::from(plan.epochs) * order.len().div_ceil(batch_size) as u64;
        let bar = progress::steps(order.len() as u64, name);
        let start = Instant::now();
        let (mut seen, mut correct, mut loss_sum) = (0_usize, 0.0_f64, 0.0_f64);
        for batches in order.chunks(batch_size * STEPS_PER_READ) {
            let mut sums: Option<(Tensor<1>, Tensor<1, Int>)> = None;
            for indices in batches.chunks(batch_size) {
                let (gradients, loss, hits) = self.learn(student, indices)?;
                let factor = plan.schedule.factor(plan.warm_up, self.step, steps);
                let done = if self.step + 1 == steps { 1.0 } else { self.step as f64 / steps as f64 };
                student.step(gradients, plan.learning_rate * factor, done)?;
                self.step += 1;
                sums = Some(match sums {
                    Some((all_losses, all_hits)) => (all_losses + loss, all_hits + hits),
                    None => (loss, hits),
                });
                seen += indices.len();
                if interrupt::code().is_some() {
                    break;
                }
            }
            if let Some((loss, hits)) = sums {
                loss_sum += f64::from(loss.try_into_scalar::<f32>()?);
                correct += f64::from(hits.try_into_scalar::<i32>()?);
            }
            bar.set_position(seen as u64);
            let (loss, accuracy) = (loss_sum / seen as f64, 100.0 * correct / seen as f64);
            let seconds = start.elapsed().as_secs_f64() / seen as f64;
            let left = seconds * steps.saturating_sub(self.step) as f64 * batch_size as f64;
            let (rate, left) = (count((1.0 / seconds) as u64), duration(left));
            bar.set_message(format!("loss {loss:.4}, accuracy {accuracy:.2} %, {rate} images/s, {left} left"));
            if interrupt::code().is_some() {
                break;
            }
        }
        bar.finish_and_clear();
        self.order = order;
        Ok(Measured { loss: loss_sum / seen as f64, accuracy: correct / seen as f64, images: seen })
    }

    /// Runs forward and backward over the batch of images at `indices`. Returns the gradients of
    /// the mean loss, the sum of the logits' losses, and the number of images classified correctly.
    /// Does not wait for the last two.
    fn learn(
        &mut self,
        student: &mut impl Student,
        indices: &[usize],
    ) -> Result<(Gradients, Tensor<1>, Tensor<1, Int>), TrainError> {
        let device = student.device();
        let labels: Vec<i32> = indices.iter().map(|&index| self.material.train.labels[index].into()).collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [indices.len()]), &device);
        let Forward { logits, penalty } = student.forward(self.input(indices, &device))?;
        let hits = logits.clone().inner().argmax(1).squeeze_dim::<1>(1).equal(targets.clone().inner()).int().sum();
        let loss = match self.soft_targets(indices, &device) {
            Some(shares) => (log_softmax(logits, 1) * shares).sum().div_scalar(-(indices.len() as f32)),
            None => CrossEntropyLossConfig::new().init(&device).forward(logits, targets),
        };
        let loss_sum = loss.clone().inner().mul_scalar(indices.len() as f32);
        let loss = match penalty {
            Some(penalty) => loss + penalty,
            None => loss,
        };
        Ok((loss.backward(), loss_sum, hits))
    }

    /// Returns the images at `indices`, some of them altered, in the plan's pixel form.
    fn input(&mut self, indices: &[usize], device: &Device) -> Tensor<2> {
        let (split, share, form) = (self.material.train, self.config.augment, self.plan.form);
        let images = indices.iter().map(|&index| split.image(index));
        self.versions.clear();
        // No random number is drawn without augmentation.
        if share == 0.0 {
            self.versions.resize(indices.len(), Version::PLAIN);
            return form.tensor(images, split.width, device);
        }
        self.altered.clear();
        for image in images {
            let version = Version::choose(share, &mut self.random);
            version.append(image, self.material.image, &mut self.altered);
            self.versions.push(version);
        }
        form.tensor(self.altered.chunks_exact(split.width), split.width, device)
    }

    /// Returns the target probabilities, `[image, class]`, for the images at `indices`: a mixture
    /// of the teacher's answer and the label. Returns `None` without a teacher.
    fn soft_targets(&self, indices: &[usize], device: &Device) -> Option<Tensor<2>> {
        let (labels, teaching) = (self.material.soft_labels?, self.config.teacher.as_ref()?);
        let classes = self.material.classes;
        let mut shares = Vec::with_capacity(indices.len() * classes);
        for (&index, version) in indices.iter().zip(&self.versions) {
            let logits = labels.logits(index, version.number());
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let powers = logits.iter().map(|logit| (logit - largest).exp());
            let factor = teaching.share as f32 / powers.clone().sum::<f32>();
            shares.extend(powers.map(|power| power * factor));
            let start = shares.len() - logits.len();
            if let Some(share) = shares.get_mut(start + usize::from(self.material.train.labels[index])) {
                *share += (1.0 - teaching.share) as f32;
            }
        }
        Some(Tensor::from_data(TensorData::new(shares, [indices.len(), classes]), device))
    }
}
