//! `host-trainer train`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{ArgAction, Args};
use serde::Serialize;
use shared_model::{MAX_LAYERS, MAX_WIDTH, ModelView, packed_length};

use super::{DataArguments, OutputArguments, UsageError, check_apart, line, percent, share};
use crate::backend::Backend;
use crate::calibrate::{Measured, measure};
use crate::dataset::{Dataset, Split};
use crate::export::{Exported, Origins, export};
use crate::files::{self, WriteError};
use crate::model::Network;
use crate::progress;
use crate::quantize::quantize;
use crate::run_folder::RunFolder;
use crate::train::{Epoch, TrainConfig, train};

/// Hidden layers of a network: all layers but the last.
const MAX_HIDDEN_LAYERS: usize = MAX_LAYERS - 1;

/// Bytes that a model's weights may take, padding included: nothing larger fits a microcontroller.
const MAX_WEIGHT_BYTES: usize = 64 << 20;

/// Accuracy that quantization may cost before a warning, as a share.
const TOLERATED_LOSS: f64 = 0.005;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    /// What trains, on the processor; flex is the default because it is the faster one (1.1 s an epoch against 1.3 s)
    #[arg(long, value_enum, default_value_t = Backend::Flex)]
    backend: Backend,
    /// Neurons of each hidden layer, 1..=16384 each, at most 15 layers: 128, or 512,256; all weights together at
    /// most 64 MiB, a byte each
    #[arg(long, value_name = "N,..", action = ArgAction::Set, value_delimiter = ',', default_value = "128",
        value_parser = clap::value_parser!(u32).range(1..=MAX_WIDTH as i64))]
    hidden: Vec<u32>,
    /// How often every training picture is seen, 1..=100000
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    epochs: u32,
    /// Pictures in a step of the optimizer, 1..=65536
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch_size: u32,
    /// Step size of the optimizer (Adam), above 0 and at most 1
    #[arg(long, value_name = "RATE", default_value_t = 0.001, value_parser = learning_rate, allow_negative_numbers = true)]
    learning_rate: f64,
    /// Where every random choice comes from, 0..=18446744073709551615; the same seed, backend and machine give the
    /// same model, byte for byte
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Training pictures, the last ones, held out of training to measure accuracy on after each epoch
    #[arg(long, value_name = "N", default_value_t = 0)]
    validation: usize,
    /// Folder to record the run in: config.json, history.json, weights.safetensors [default: one for each network,
    /// backend and seed: runs/128-flex-seed-1]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// File to write the model to [default: model.bin in the run's folder]
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    model: &'a Path,
    backend: Backend,
    seed: u64,
    epochs: u32,
    train_accuracy_float: f64,
    test_accuracy_float: f64,
    test_accuracy_fixed: f64,
    predictions_changed: usize,
    model_bytes: usize,
    model_id: String,
    seconds: f64,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        self.check()?;
        let config = self.config();
        // Nothing is trained that could not be kept, and no folder created for what is refused.
        let run = self.run.unwrap_or_else(|| RunFolder::default_path(&config));
        let model_path = self.export.unwrap_or_else(|| run.join("model.bin"));
        check_apart("--export", &model_path, RunFolder::files(&run).iter().chain([&run]))?;
        match files::check_writable(&model_path) {
            // It comes with the run's.
            Err(WriteError::NoFolder { folder, .. }) if files::is_within(&run, &folder) => (),
            checked => checked?,
        }
        let mut data = Dataset::load(self.data.data.as_deref())?;
        check_apart("--export", &model_path, data.files())?;
        check_size(&config.hidden, &data)?;
        let validation = hold_out(&mut data.train, self.validation)?;

        let folder = RunFolder::create(run)?;
        files::check_writable(&model_path)?;
        progress::say(format_args!(
            "{} training pictures from {} ({})",
            data.train.len(),
            data.folder.display(),
            data.origin.named_by()
        ));
        let mut history = Vec::new();
        let network = train(&config, &data.train, validation.as_ref(), data.class_names.len(), |epoch| {
            progress::say(epoch_line(epoch, config.epochs));
            history.push(epoch.clone());
        })?;

        let layers = network.parameters()?;
        let trained = Trained::measure(&network, &data)?;
        let quantized = quantize(&layers, &trained.train.largest)?;
        let origins = trained.origins(&config, &data);
        let Exported { bytes, test } = export(&quantized, &data, &origins)?;
        let view = ModelView::parse(&bytes).context("the exported model cannot be read back")?;

        folder.record(&config, self.validation, &data, &history, &layers, (&model_path, &bytes))?;

        let changed = test.predictions.iter().zip(&trained.test.predictions).filter(|(fixed, float)| fixed != float);
        let provenance = view.provenance();
        let report = Report {
            run: folder.path(),
            model: &model_path,
            backend: config.backend,
            seed: config.seed,
            epochs: config.epochs,
            train_accuracy_float: share(provenance.train_correct_float, provenance.train_pictures),
            test_accuracy_float: share(provenance.test_correct_float, provenance.test_pictures),
            test_accuracy_fixed: share(provenance.test_correct_fixed, provenance.test_pictures),
            predictions_changed: changed.count(),
            model_bytes: bytes.len(),
            model_id: view.id().to_string(),
            seconds: start.elapsed().as_secs_f64(),
        };
        let loss = report.test_accuracy_float - report.test_accuracy_fixed;
        if loss > TOLERATED_LOSS {
            progress::say(format_args!(
                "warning: fixed point loses {:.2} points of test accuracy; more than {:.2} is unusual",
                100.0 * loss,
                100.0 * TOLERATED_LOSS
            ));
        }
        self.output.print(&report, || report.text(data.test.len()))
    }

    fn check(&self) -> Result<(), UsageError> {
        match self.hidden.len() {
            0..=MAX_HIDDEN_LAYERS => Ok(()),
            count => Err(UsageError(format!("--hidden names {count} layers, which is not in 1..={MAX_HIDDEN_LAYERS}"))),
        }
    }

    fn config(&self) -> TrainConfig {
        TrainConfig {
            backend: self.backend,
            hidden: self.hidden.iter().map(|&width| width as usize).collect(),
            epochs: self.epochs,
            batch_size: self.batch_size as usize,
            learning_rate: self.learning_rate,
            seed: self.seed,
        }
    }
}

/// What the float network does with both splits.
struct Trained {
    train: Measured,
    test: Measured,
}

impl Trained {
    fn measure(network: &Network, data: &Dataset) -> Result<Self> {
        Ok(Self { train: measure(network, &data.train)?, test: measure(network, &data.test)? })
    }

    fn origins(&self, config: &TrainConfig, data: &Dataset) -> Origins<'static> {
        Origins {
            backend: config.backend.name(),
            seed: config.seed,
            epochs: config.epochs,
            train_pictures: data.train.len() as u32,
            train_correct: data.train.count_right(&self.train.predictions),
            test_correct: data.test.count_right(&self.test.predictions),
        }
    }
}

impl Report<'_> {
    fn text(&self, test_pictures: usize) -> String {
        [
            line("training, float", percent(self.train_accuracy_float)),
            line("test, float", percent(self.test_accuracy_float)),
            line("test, fixed point", percent(self.test_accuracy_fixed)),
            line("predictions changed", format_args!("{} of {test_pictures}", self.predictions_changed)),
            line("model", format_args!("{} ({}, {} bytes)", self.model.display(), self.model_id, self.model_bytes)),
            line("run", self.run.display()),
            line("time", format_args!("{:.1} s", self.seconds)),
        ]
        .concat()
    }
}

/// That a network with layers of `hidden` neurons for `data` is one for a microcontroller.
fn check_size(hidden: &[usize], data: &Dataset) -> Result<(), UsageError> {
    let (inputs, outputs) = ([data.train.width], [data.class_names.len()]);
    let layers = || inputs.iter().chain(hidden).zip(hidden.iter().chain(&outputs));
    let weights: usize = layers().map(|(inputs, outputs)| inputs * outputs).sum();
    let bytes: usize = layers().map(|(&inputs, &outputs)| packed_length(inputs, outputs)).sum();
    if bytes <= MAX_WEIGHT_BYTES {
        return Ok(());
    }
    let hidden: Vec<String> = hidden.iter().map(ToString::to_string).collect();
    Err(UsageError(format!(
        "--hidden {} makes {weights} weights, {bytes} bytes; at most {MAX_WEIGHT_BYTES} bytes are possible, as nothing \
         larger fits a microcontroller; name fewer or smaller layers",
        hidden.join(",")
    )))
}

/// Takes the last `count` pictures out of `train`.
fn hold_out(train: &mut Split, count: usize) -> Result<Option<Split>> {
    if count == 0 {
        return Ok(None);
    }
    match train.len().checked_sub(count) {
        Some(rest) if rest > 0 => Ok(Some(train.split_off(rest))),
        _ => Err(UsageError(format!(
            "--validation {count} is not in 0..={}: there are {} training pictures",
            train.len() - 1,
            train.len()
        ))
        .into()),
    }
}

fn epoch_line(epoch: &Epoch, epochs: u32) -> String {
    let Epoch { epoch, loss, accuracy, validation_accuracy, seconds } = epoch;
    let validation = validation_accuracy.map(|share| format!(", validation {}", percent(share))).unwrap_or_default();
    format!("epoch {epoch}/{epochs}: loss {loss:.4}, accuracy {}{validation}, {seconds:.1} s", percent(*accuracy))
}

fn learning_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1.0 => Ok(rate),
        Ok(_) => Err("not above 0 and at most 1".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pictures_are_held_out() {
        let split = Split { width: 1, pixels: vec![1, 2, 3], labels: vec![0, 1, 0] };
        let mut train = split.clone();
        assert_eq!(hold_out(&mut train, 0).unwrap(), None);
        let validation = hold_out(&mut train, 2).unwrap().unwrap();
        assert_eq!((train.pixels, validation.pixels), (vec![1], vec![2, 3]));
        for count in [3, 4, usize::MAX] {
            let error = hold_out(&mut split.clone(), count).unwrap_err();
            assert!(error.is::<UsageError>() && error.to_string().contains("0..=2"), "{error}");
        }
    }

    #[test]
    fn learning_rates_are_checked() {
        assert_eq!(learning_rate("1e-3"), Ok(0.001));
        for bad in ["0", "-0.1", "NaN", "inf", "1.5", "fast", ""] {
            learning_rate(bad).expect_err(bad);
        }
    }
}
