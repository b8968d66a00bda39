use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::{ArgAction, Args};
use serde::Serialize;
use shared_model::{MAX_LAYERS, MAX_WIDTH, WeightOrder};

use super::backend::BackendArguments;
use super::messages::{log_epoch, outcome_lines, warn_of_loss};
use super::number::share_of_one;
use super::recipe::RecipeArguments;
use super::{DataArguments, OutputArguments, UsageError, check_apart, check_export, line};
use crate::data::{Dataset, Split};
use crate::limits::MAX_WEIGHT_BYTES;
use crate::network::backend::Backend;
use crate::network::join_widths;
use crate::run::describe_stop;
use crate::run::pipeline::{self, Sources};
use crate::run::{Configuration, Outcome, RunFile, RunFolder};
use crate::support::{files, progress};
use crate::text::Shown;
use crate::train::{Epoch, TrainConfig};

/// Largest number of hidden layers, which are all layers except the last.
const MAX_HIDDEN_LAYERS: usize = MAX_LAYERS - 1;

/// Examples in the help of `train`.
const EXAMPLES: &str = "\
Examples:
  host-trainer train                                         the lecture's network, 5 epochs
  host-trainer train --hidden 256,64 --recipe best           a more accurate one, 100 epochs
  host-trainer train --sparsity 0.8 --run runs/sparse        a pruned one
  host-trainer train --from runs/first --weight-bits 4 --qat 5 --run runs/narrow";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    backend: BackendArguments,
    /// Neurons of each hidden layer, for example 128 or 512,256
    ///
    /// 1..=16384 neurons per layer, at most 15 layers; all weights together at most 64 MiB, one
    /// byte each.
    #[arg(long, value_name = "N,..", help_heading = "Network", action = ArgAction::Set, value_delimiter = ',',
        default_value = "128", value_parser = clap::value_parser!(u32).range(1..=MAX_WIDTH as i64))]
    hidden: Vec<u32>,
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Seed of every random choice, 0..=18446744073709551615; the same seed, backend and machine
    /// give the same model, byte for byte
    #[arg(long, value_name = "N", help_heading = "Training", default_value_t = 1)]
    seed: u64,
    /// Number of training images, taken from the end, to hold out and measure the accuracy on after
    /// each epoch
    #[arg(long, value_name = "N", help_heading = "Validation and early stopping", default_value_t = 0)]
    validation: usize,
    /// Stop after the first epoch whose training accuracy is above SHARE, 0..=1, like the lecture's
    /// callback; the test images do not matter
    #[arg(long, value_name = "SHARE", help_heading = "Validation and early stopping", value_parser = share_of_one,
        allow_negative_numbers = true)]
    stop_at_train_accuracy: Option<f64>,
    /// Stop after N epochs, 1 or more, without a lower loss on the images held out by --validation,
    /// and keep the network with the lowest loss
    #[arg(long, value_name = "N", help_heading = "Validation and early stopping",
        value_parser = clap::value_parser!(u32).range(1..))]
    patience: Option<u32>,
    /// Folder to record the run in: model, float weights, configuration, history, evaluation, plots
    /// [default: named by network, epochs, recipe, backend and seed: runs/128-5-epochs-flex-seed-1]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    run: Option<PathBuf>,
    /// File to write the model to, in addition to model.bin in the run's folder
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    export: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct TrainOutput<'a> {
    run: Shown<&'a Path>,
    model: Shown<&'a Path>,
    backend: Backend,
    device: String,
    seed: u64,
    #[serde(flatten)]
    outcome: &'a Outcome,
    generalization_gap: f64,
    seconds: f64,
}

impl TrainArguments {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        self.check()?;
        let Some(backend) = self.backend.choose(self.output)? else { return Ok(()) };
        let mut config = self.config(backend);
        check_average(&config)?;
        let mut data = self.data.load()?;
        let (mut held_out, mut layers) = (self.validation, None);
        if let Some(from) = self.recipe.from() {
            let (configuration, found) = self.recipe.begin(from, &data)?;
            (config, held_out) = (TrainConfig { backend, ..configuration.train }, configuration.validation);
            layers = Some(found);
        }
        check_size(&config.hidden, &data)?;
        let validation = hold_out(&mut data.train, held_out)?;
        let (soft_labels, teacher) = self.recipe.teacher(&data, held_out)?.unzip();
        config.teacher = teacher;

        // All outputs are checked before training, and before a folder is created.
        let run = self.run.clone().unwrap_or_else(|| RunFolder::default_path(&config));
        if let Some(from) = self.recipe.from() {
            check_apart("--run", &run, [from])?;
        }
        if let Some(export) = &self.export {
            check_export(export, Some(&run), data.files().chain(self.recipe.teacher_file().cloned()))?;
        }
        let folder = RunFolder::create(run)?;
        if let Some(export) = &self.export {
            files::check_writable(export)?;
        }
        warn_of_replacement(&folder, &Configuration::new(&config, held_out, &data));
        progress::log(format_args!(
            "{} training images from {} ({})",
            data.train.len(),
            data.folder.display(),
            data.origin.named_by()
        ));
        let on_epoch = |epoch: &Epoch| log_epoch(epoch, config.all_epochs());
        let sources = Sources {
            data: &data,
            validation: validation.as_ref(),
            soft_labels: soft_labels.as_ref(),
            start: layers.as_deref(),
        };
        let outcome = pipeline::run(&config, sources, &folder, self.export.as_deref(), on_epoch)?;

        warn_of_loss(&outcome);
        let model = self.export.unwrap_or_else(|| folder.file(RunFile::Model));
        let report = TrainOutput {
            run: Shown(folder.path()),
            model: Shown(&model),
            backend: config.backend,
            device: config.backend.open()?.1.to_string(),
            seed: config.seed,
            generalization_gap: outcome.gap(),
            outcome: &outcome,
            seconds: start.elapsed().as_secs_f64(),
        };
        self.output.print(&report, || report.text(data.test.len()))
    }

    fn check(&self) -> Result<(), UsageError> {
        if self.hidden.len() > MAX_HIDDEN_LAYERS {
            let count = self.hidden.len();
            return Err(UsageError(format!(
                "--hidden has {count} layers, expected 1..={MAX_HIDDEN_LAYERS}; name fewer layers"
            )));
        }
        if self.patience.is_some() && self.validation == 0 {
            let text = "--patience requires held-out images to measure the loss on; add --validation N";
            return Err(UsageError(text.to_owned()));
        }
        let may_stop_early = self.patience.is_some() || self.stop_at_train_accuracy.is_some();
        self.recipe.check(&self.hidden, may_stop_early)
    }

    fn config(&self, backend: Backend) -> TrainConfig {
        let hidden = self.hidden.iter().map(|&width| width as usize).collect();
        TrainConfig {
            stop_at_train_accuracy: self.stop_at_train_accuracy,
            patience: self.patience,
            ..self.recipe.config(backend, hidden, self.seed)
        }
    }
}

impl TrainOutput<'_> {
    fn text(&self, test_images: usize) -> String {
        let outcome = self.outcome;
        [
            line("epochs", describe_stop(outcome)),
            outcome_lines(outcome, test_images, self.model.0),
            line("run", self.run),
            line("time", format_args!("{:.1} s, {:.1} s of them training", self.seconds, outcome.train_seconds)),
        ]
        .concat()
    }
}

/// Warns if the run recorded in `folder` has another configuration: this run will replace it.
fn warn_of_replacement(folder: &RunFolder, configuration: &Configuration) {
    let recorded: Result<Configuration, _> = folder.read(RunFile::Configuration);
    if recorded.is_ok_and(|recorded| recorded != *configuration) {
        progress::log(format_args!(
            "warning: {} contains another run, which this run replaces when it ends; choose another folder with --run",
            folder.path().display()
        ));
    }
}

/// Checks that training has as many epochs as are to be averaged.
fn check_average(config: &TrainConfig) -> Result<(), UsageError> {
    let TrainConfig { average_epochs, epochs, .. } = config;
    if average_epochs <= epochs {
        return Ok(());
    }
    Err(UsageError(format!(
        "--average is {average_epochs}, expected at most {epochs}, the epochs of this training; average fewer"
    )))
}

/// Checks that the weights of layers of `hidden` neurons for `data` fit a model.
fn check_size(hidden: &[usize], data: &Dataset) -> Result<(), UsageError> {
    let (inputs, outputs) = ([data.train.width], [data.class_names.len()]);
    let layers = || inputs.iter().chain(hidden).zip(hidden.iter().chain(&outputs));
    let weights: usize = layers().map(|(inputs, outputs)| inputs * outputs).sum();
    let bytes: usize =
        layers().map(|(&inputs, &outputs)| WeightOrder::default().packed_length_bound(inputs, outputs)).sum();
    if bytes <= MAX_WEIGHT_BYTES {
        return Ok(());
    }
    Err(UsageError(format!(
        "--hidden {} needs {weights} weights, {bytes} bytes, expected at most {MAX_WEIGHT_BYTES} bytes, the limit of a \
         microcontroller; use fewer or smaller layers",
        join_widths(hidden, ",")
    )))
}

/// Takes the last `count` images out of `train`.
pub fn hold_out(train: &mut Split, count: usize) -> Result<Option<Split>> {
    if count == 0 {
        return Ok(None);
    }
    match train.len().checked_sub(count) {
        Some(rest) if rest > 0 => Ok(Some(train.split_off(rest))),
        _ => Err(UsageError(format!(
            "--validation is {count}, expected 0..={}, as there are {} training images; hold out fewer",
            train.len() - 1,
            train.len()
        ))
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_images_are_held_out() {
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
}
