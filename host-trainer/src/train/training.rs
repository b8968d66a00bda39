//! The training loop.

use std::time::Instant;

use prenda::LayerKind;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use super::average::Average;
use super::config::TrainConfig;
use super::course::{Course, Measured, Plan};
use super::error::TrainError;
use super::fixed::{self, FixedStudent};
use super::float::FloatStudent;
use super::history::Epoch;
use super::material::Material;
use super::schedule::Schedule;
use super::stop::{Stop, StopRule};
use crate::data::Split;
use crate::network::calibrate::measure;
use crate::network::{Network, PixelForm};
use crate::quantize::QuantizedLayer;
use crate::support::interrupt;

/// Result of training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network, without differentiation.
    pub network: Network,
    /// The epoch of this network, from 1.
    pub kept_epoch: u32,
    /// Every epoch.
    pub history: Vec<Epoch>,
    /// Why training ended.
    pub stop: Stop,
    /// The network in integers, after fine-tuning in integers. `network` is the same in floating
    /// point.
    pub quantized: Option<Vec<QuantizedLayer>>,
    /// The network that fine-tuning in integers began with.
    pub float: Option<Network>,
}

/// Trains a network on `material`. Calls `on_epoch` after each epoch, with the network that would
/// be kept if training ended there. The network takes pixels in 0..=1, in whatever form it was
/// trained. Training ends after the current batch if a signal asks for it.
///
/// The same arguments give the same network, bit for bit, on the same machine. Every random choice
/// comes from the seed, and burn's autotuning is not built: it would choose the order of sums by
/// timing.
///
/// # Errors
///
/// Returns an error if the backend cannot train here, or if training diverges.
pub fn train(
    config: &TrainConfig,
    material: Material<'_>,
    mut on_epoch: impl FnMut(&Epoch, &Network),
) -> Result<Trained, TrainError> {
    keep_freed_memory();
    let Material { train, validation, image, classes, .. } = material;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(config.seed);
    let device = config.backend.device()?.autodiff();
    let layers = config.architecture(classes).plan(image, classes)?;
    let mut form = config.pixels.form(train);
    if layers.first().is_some_and(|layer| layer.kind != LayerKind::Dense) {
        // Padding is zero, which must be black.
        form.mean = 0.0;
    }
    let mut student = match material.start {
        Some(parameters) => {
            let network = Network::new(layers, parameters.to_vec(), &device);
            FloatStudent::new(network, PixelForm::PLAIN, config)
        }
        None => FloatStudent::new(Network::init(&layers, &mut random, &device), form, config),
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
        let measured = course.run_epoch(&mut student, format!("epoch {epoch}/{all_epochs}"))?;
        if measured.images < train.len() {
            check_loss(epoch, measured.loss)?;
            plain = student.plain()?;
            stop = Stop::Interrupted { images: measured.images };
            break;
        }
        plain = average.after(epoch, student.plain()?)?;
        let result = finish_epoch(epoch, measured, &plain, validation, start)?;
        let early = rule.after(&result, &plain);
        on_epoch(&result, rule.kept.as_ref().map_or(&plain, |(network, _)| network));
        history.push(result);
        if let Some(reason) = early.or_else(|| interruption(epoch, all_epochs)) {
            stop = reason;
            break;
        }
    }
    let (network, kept_epoch) = rule.kept.unwrap_or((plain, history.len() as u32));
    if config.qat_epochs == 0 || stop.is_interruption() {
        return Ok(Trained { network, kept_epoch, history, stop, quantized: None, float: None });
    }

    let (float, mut layers, mut largest) =
        (Some(network.clone()), network.parameters()?, measure(&network, train)?.largest);
    fixed::balance(&mut layers, &mut largest);
    let mut student = FixedStudent::new(network.plan(), &layers, &largest, config, &device)?;
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
        if measured.images < train.len() {
            check_loss(epoch, measured.loss)?;
            stop = Stop::Interrupted { images: measured.images };
            break;
        }
        let network = student.network(&device);
        let result = finish_epoch(epoch, measured, &network, validation, start)?;
        on_epoch(&result, &network);
        history.push(result);
        if let Some(reason) = interruption(epoch, all_epochs) {
            stop = reason;
            break;
        }
    }
    let (network, kept_epoch) = (student.network(&device.inner()), history.len() as u32);
    Ok(Trained { network, kept_epoch, history, stop, quantized: Some(student.into_layers()), float })
}

/// Completes the record of an epoch that began at `start`: measures `plain` on `validation`.
fn finish_epoch(
    epoch: u32,
    measured: Measured,
    plain: &Network,
    validation: Option<&Split>,
    start: Instant,
) -> Result<Epoch, TrainError> {
    let Measured { loss, accuracy, .. } = measured;
    check_loss(epoch, loss)?;
    let measured = validation.map(|split| measure(plain, split).map(|found| (found, split))).transpose()?;
    let (validation_loss, validation_accuracy) =
        measured.map(|(found, split)| (found.loss, found.accuracy(split))).unzip();
    let seconds = start.elapsed().as_secs_f64();
    Ok(Epoch { epoch, loss, accuracy, validation_loss, validation_accuracy, seconds })
}

fn check_loss(epoch: u32, loss: f64) -> Result<(), TrainError> {
    if loss.is_finite() { Ok(()) } else { Err(TrainError::Diverged { epoch }) }
}

/// Returns the reason to end after `epoch` if a signal has asked for it and more epochs would
/// follow.
fn interruption(epoch: u32, epochs: u32) -> Option<Stop> {
    (epoch < epochs && interrupt::code().is_some()).then_some(Stop::Interrupted { images: 0 })
}

/// Makes the allocator keep large blocks after they are freed. glibc raises its threshold for
/// returning memory to the kernel to the size of the largest freed block, up to 32 MB. Without
/// this, it returns every step's tensors, and zeroing new pages takes a third of the time. Other
/// allocators ignore it.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
}
