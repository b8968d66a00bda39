//! A training under way, step by step.

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
use crate::support::progress;

/// Steps between two looks at loss and accuracy: a graphics card must not wait for each.
const LOOK_STEPS: usize = 100;

/// What learns.
pub trait Student {
    /// Where it lives.
    fn device(&self) -> Device;

    /// Logits, `[image, class]`, of images, `[image, pixel]`, in the form that it takes.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot give its results back.
    fn forward(&self, images: Tensor<2>) -> Result<Tensor<2>, TrainError>;

    /// Takes a step of size `rate` down the `gradients` of a loss; `done` is the share of steps
    /// before it, 1 for the last one.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot give its results back.
    fn step(&mut self, gradients: Gradients, rate: f64, done: f64) -> Result<(), TrainError>;
}

/// How a number of epochs is trained.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often every training image is seen.
    pub epochs: u32,
    /// The largest learning rate.
    pub learning_rate: f64,
    /// How the learning rate goes on after the warm-up.
    pub schedule: Schedule,
    /// The share of steps in which it rises.
    pub warm_up: f64,
    /// The form in which the student takes pixels.
    pub form: PixelForm,
}

/// A training under way.
pub struct Course<'a> {
    config: &'a TrainConfig,
    material: Material<'a>,
    plan: Plan,
    random: Xoshiro256PlusPlus,
    /// The images' indices, in the order of the last epoch.
    order: Vec<usize>,
    /// Steps done.
    step: u64,
    /// The raw pixels of a step's images where some are shifted or mirrored; kept to spare its
    /// memory.
    altered: Vec<u8>,
    /// In which versions a step's images are shown.
    versions: Vec<Version>,
}

impl<'a> Course<'a> {
    /// A training as `config` and `plan` say on `material`, whose choices come from `random`.
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

    /// The random numbers that are left, for what comes behind.
    pub fn into_random(self) -> Xoshiro256PlusPlus {
        self.random
    }

    /// Trains on every image once, in a new order. Returns mean loss and accuracy. `name` is the
    /// epoch's.
    pub fn run_epoch(&mut self, student: &mut impl Student, name: String) -> Result<(f64, f64), TrainError> {
        let (batch_size, plan) = (self.config.batch_size, self.plan);
        let mut order = std::mem::take(&mut self.order);
        order.shuffle(&mut self.random);
        let steps = u64::from(plan.epochs) * order.len().div_ceil(batch_size) as u64;
        let bar = progress::steps(order.len() as u64, name);
        let (mut seen, mut correct, mut loss_sum) = (0_usize, 0.0_f64, 0.0_f64);
        for batches in order.chunks(batch_size * LOOK_STEPS) {
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
        Ok((loss_sum / seen as f64, correct / seen as f64))
    }

    /// Forward and backward over a batch, the images at `indices`. Returns the gradients of its
    /// mean loss, the sum of its losses, and how many of its images are classified correctly; the
    /// latter two are not waited for.
    fn learn(
        &mut self,
        student: &impl Student,
        indices: &[usize],
    ) -> Result<(Gradients, Tensor<1>, Tensor<1, Int>), TrainError> {
        let device = student.device();
        let labels: Vec<i32> = indices.iter().map(|&index| self.material.train.labels[index].into()).collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [indices.len()]), &device);
        let logits = student.forward(self.input(indices, &device))?;
        let hits = logits.clone().inner().argmax(1).squeeze_dim::<1>(1).equal(targets.clone().inner()).int().sum();
        let loss = match self.soft_targets(indices, &device) {
            Some(shares) => (log_softmax(logits, 1) * shares).sum().div_scalar(-(indices.len() as f32)),
            None => CrossEntropyLossConfig::new().init(&device).forward(logits, targets),
        };
        let loss_sum = loss.clone().inner().mul_scalar(indices.len() as f32);
        Ok((loss.backward(), loss_sum, hits))
    }

    /// The images at `indices`, as they are or altered, in the form that is trained with.
    fn input(&mut self, indices: &[usize], device: &Device) -> Tensor<2> {
        let (split, share, form) = (self.material.train, self.config.augment, self.plan.form);
        let images = indices.iter().map(|&index| split.image(index));
        self.versions.clear();
        // No random number is drawn where nothing is altered.
        if share == 0.0 {
            self.versions.resize(indices.len(), Version::PLAIN);
            return form.tensor(images, split.width, device);
        }
        self.altered.clear();
        for image in images {
            let version = Version::choose(share, &mut self.random);
            version.append(image, self.material.shape.columns, &mut self.altered);
            self.versions.push(version);
        }
        form.tensor(self.altered.chunks_exact(split.width), split.width, device)
    }

    /// What each class's probability shall be, `[image, class]`, for the images at `indices` as
    /// they are shown, where there is a teacher: its own answer and the label, mixed.
    fn soft_targets(&self, indices: &[usize], device: &Device) -> Option<Tensor<2>> {
        let (labels, teaching) = (self.material.soft_labels?, self.config.teacher.as_ref()?);
        let classes = self.material.shape.classes;
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
