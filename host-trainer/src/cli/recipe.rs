//! How to train: a recipe, and the options that override parts of it.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::UsageError;
use super::number::{beta, learning_rate, share_below_one, share_of_one};
use crate::data::Dataset;
use crate::data::{SoftLabels, SoftLabelsError};
use crate::network::DenseParameters;
use crate::network::Pixels;
use crate::network::backend::Backend;
use crate::quantize::WeightBits;
use crate::run::{Configuration, RunFile, RunFolder};
use crate::train::{BLOCK_OUTPUTS, MAX_BATCH_SIZE, MAX_EPOCHS, Recipe, Schedule, TAUGHT_EPOCHS, Teaching, TrainConfig};

/// Why a pruned network has weights of eight bits.
const SPARSE_BITS: &str =
    "--sparsity goes with weights of 8 bits only: there is no order of weights for blocks of fewer";

#[derive(Debug, Args)]
pub struct RecipeArguments {
    /// Where all settings come from that no option gives
    #[arg(long, value_enum, default_value_t)]
    recipe: Recipe,
    /// How often every training picture is seen, 1..=100000 [default: 5; best: 100, with a teacher 150]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_EPOCHS.into()))]
    epochs: Option<u32>,
    /// Pictures in a step of the optimizer, 1..=65536 [default: 32; best: 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_BATCH_SIZE as i64))]
    batch_size: Option<u32>,
    /// Step size of the optimizer (Adam) at its largest, above 0 and at most 1 [default: 0.001; best: 0.002]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// How the step size goes on after the warm-up [default: constant; best: cosine]
    #[arg(long, value_enum)]
    schedule: Option<Schedule>,
    /// Share of all steps in which the step size rises from zero in a straight line, 0..=1 [default: 0; best: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    warm_up: Option<f64>,
    /// How much of its mean of squared gradients the optimizer keeps at each step, 0.5..=0.9999 [default: 0.999; best: 0.99]
    #[arg(long, value_name = "SHARE", value_parser = beta, allow_negative_numbers = true)]
    beta_2: Option<f64>,
    /// What weights lose at each step, as a share of themselves for each unit of the step size, 0..=1; biases lose
    /// nothing (decoupled, as in AdamW) [default: 0; best: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    weight_decay: Option<f64>,
    /// Share of pictures, 0..=1, that are shown in one of ten versions, chosen anew each time: mirrored left to right or
    /// not, and left in place or shifted by one pixel right, left, down or up, with black coming in
    /// [default: 0; best: 0.5]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    augment: Option<f64>,
    /// Last epochs whose networks are averaged, weight by weight, 0..=100000; of use where the step size stays large
    #[arg(long, value_name = "EPOCHS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_EPOCHS)))]
    average: u32,
    /// The form in which the network sees pixels while it is trained; the model takes raw ones in any case
    /// [default: unit; best: standard]
    #[arg(long, value_enum)]
    pixels: Option<Pixels>,
    /// Begin with the float network of a run, and only quantize it, to --weight-bits, and train it in integers, by --qat
    ///
    /// All else is as that run's configuration says: the network, the seed, what is held out, which pictures are altered. What
    /// the run learned from a teacher is in its weights; for --qat, name the teacher again.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["epochs", "learning_rate", "schedule", "warm_up", "pixels", "hidden", "seed",
        "sparsity", "recipe", "validation", "patience", "stop_at_train_accuracy", "weight_decay", "average"])]
    from: Option<PathBuf>,
    /// File of a teacher's answers, which host-trainer teach writes: the network learns them beside the labels
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// Share of the loss that is held against the teacher's answers, 0..=1; the rest is against the labels
    #[arg(long, value_name = "SHARE", default_value_t = 0.7, value_parser = share_of_one, allow_negative_numbers = true,
        requires = "teacher")]
    teacher_share: f64,
    /// Share of the weights of all layers but the last that become zero, 0 or more and below 1, by blocks of 2 inputs by 8
    /// outputs, a little at a time in the first 60 of 100 steps; the model stores only the other blocks
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share_below_one, allow_negative_numbers = true)]
    sparsity: f64,
    /// Bits of a weight of all layers but the last, which keeps 8; 2 is ternary
    #[arg(long, value_enum, value_name = "BITS", default_value_t)]
    weight_bits: WeightBits,
    /// Epochs of training in integers, as the device computes, after the others, 1..=100000 (quantization-aware training)
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..=MAX_EPOCHS.into()))]
    qat: Option<u32>,
    /// Step size of the optimizer in these at its largest, above 0 and at most 1
    #[arg(long, value_name = "RATE", default_value_t = 1e-3, value_parser = learning_rate, allow_negative_numbers = true,
        requires = "qat")]
    qat_learning_rate: f64,
}

impl RecipeArguments {
    /// How to train a network with layers of `hidden` neurons.
    pub fn config(&self, backend: Backend, hidden: Vec<usize>, seed: u64) -> TrainConfig {
        let recipe = self.recipe.config(backend, hidden, seed);
        let epochs = match (self.recipe, &self.teacher) {
            (Recipe::Best, Some(_)) => TAUGHT_EPOCHS,
            _ => recipe.epochs,
        };
        TrainConfig {
            sparsity: self.sparsity,
            weight_bits: self.weight_bits,
            qat_epochs: self.qat.unwrap_or(0),
            qat_learning_rate: if self.qat.is_some() { self.qat_learning_rate } else { 0.0 },
            epochs: self.epochs.unwrap_or(epochs),
            batch_size: self.batch_size.map_or(recipe.batch_size, |pictures| pictures as usize),
            learning_rate: self.learning_rate.unwrap_or(recipe.learning_rate),
            schedule: self.schedule.unwrap_or(recipe.schedule),
            warm_up: self.warm_up.unwrap_or(recipe.warm_up),
            beta_2: self.beta_2.unwrap_or(recipe.beta_2),
            weight_decay: self.weight_decay.unwrap_or(recipe.weight_decay),
            augment: self.augment.unwrap_or(recipe.augment),
            average_epochs: self.average,
            pixels: self.pixels.unwrap_or(recipe.pixels),
            ..recipe
        }
    }

    /// That what is asked for goes together, for layers of `hidden` neurons, in a training that `may_stop_early`.
    pub fn check(&self, hidden: &[u32], may_stop_early: bool) -> Result<(), UsageError> {
        if self.from.is_some() && self.qat.is_none() {
            let idle = [
                ("--teacher", self.teacher.is_some()),
                ("--batch-size", self.batch_size.is_some()),
                ("--beta-2", self.beta_2.is_some()),
                ("--augment", self.augment.is_some()),
            ];
            if let Some((option, _)) = idle.into_iter().find(|(_, is_given)| *is_given) {
                return Err(UsageError(format!(
                    "{option} does nothing with --from alone, which only rounds; add --qat EPOCHS"
                )));
            }
        }
        let needs_the_end = [
            (self.average > 0, "--average counts from the last epoch, which"),
            (self.sparsity > 0.0, "--sparsity needs the whole training, which"),
        ];
        if let Some((_, what)) = needs_the_end.into_iter().find(|(is_asked_for, _)| *is_asked_for && may_stop_early) {
            return Err(UsageError(format!(
                "{what} --patience and --stop-at-train-accuracy may leave out; leave these out"
            )));
        }
        if self.sparsity == 0.0 {
            return Ok(());
        }
        if self.average > 0 {
            let text = "--average goes without --sparsity: a mean has the blocks of each of its epochs";
            return Err(UsageError(text.to_owned()));
        }
        if self.weight_bits != WeightBits::Eight {
            return Err(UsageError(SPARSE_BITS.to_owned()));
        }
        match hidden.iter().find(|width| (**width as usize) < BLOCK_OUTPUTS) {
            Some(width) => Err(UsageError(format!(
                "--sparsity makes blocks of {BLOCK_OUTPUTS} neurons zero, and --hidden has a layer of {width}; make it wider"
            ))),
            None => Ok(()),
        }
    }

    /// The teacher's answers, if there is a teacher, for the training pictures of `data` and those `held_out`, and what
    /// `config.json` says of it.
    pub fn teacher(&self, data: &Dataset, held_out: usize) -> Result<Option<(SoftLabels, Teaching)>, SoftLabelsError> {
        let read = |path: &PathBuf| SoftLabels::read(path, data, held_out);
        let found = self.teacher.as_ref().map(read).transpose()?;
        Ok(found.map(|(labels, sha256)| (labels, Teaching { share: self.teacher_share, sha256 })))
    }

    /// The configuration of the run to begin with, as far as training goes, with what is asked for changed; and its network.
    pub fn begin(&self, run: &Path, data: &Dataset) -> Result<(Configuration, Vec<DenseParameters>)> {
        let folder = RunFolder::at(run.to_owned());
        let (mut configuration, outcome) = folder.read_finished()?;
        if !configuration.is_of(data) {
            bail!("the run in {} is of another data set than that in {}", run.display(), data.folder.display());
        }
        let (held_out, pictures) = (configuration.validation, data.train.len());
        if held_out >= pictures {
            let reason = format!("validation is {held_out}, of {pictures} training pictures");
            bail!(folder.damaged(RunFile::Configuration, reason));
        }
        let layers = folder.read_weights(Some(&outcome.model_id))?;
        let train = &configuration.train;
        let widths = [data.train.width].into_iter().chain(train.hidden.iter().copied()).chain([data.class_names.len()]);
        let widths: Vec<usize> = widths.collect();
        let found: Vec<(usize, usize)> = layers.iter().map(|layer| (layer.inputs, layer.outputs)).collect();
        if !found.iter().copied().eq(widths.iter().copied().zip(widths.iter().copied().skip(1))) {
            bail!("the weights in {} are not of the network that its configuration says", run.display());
        }
        if train.qat_epochs > 0 {
            bail!(
                "the run in {} was trained in integers, and its weights are rounded; begin with the run that it began with",
                run.display()
            );
        }
        if train.sparsity > 0.0 && self.weight_bits != WeightBits::Eight {
            bail!(UsageError(SPARSE_BITS.to_owned()));
        }
        let (batch_size, beta_2) = match train.backend {
            // The other program's are not known.
            Backend::Imported => {
                let best = Recipe::Best.config(train.backend, Vec::new(), train.seed);
                (best.batch_size, best.beta_2)
            }
            _ => (train.batch_size, train.beta_2),
        };
        configuration.train = TrainConfig {
            epochs: 0,
            average_epochs: 0,
            from: Some(outcome.model_id),
            teacher: None,
            weight_bits: self.weight_bits,
            qat_epochs: self.qat.unwrap_or(0),
            qat_learning_rate: if self.qat.is_some() { self.qat_learning_rate } else { 0.0 },
            batch_size: self.batch_size.map_or(batch_size, |pictures| pictures as usize),
            beta_2: self.beta_2.unwrap_or(beta_2),
            augment: self.augment.unwrap_or(train.augment),
            ..train.clone()
        };
        Ok((configuration, layers))
    }

    /// The run to begin with.
    pub fn from(&self) -> Option<&Path> {
        self.from.as_deref()
    }

    /// The file of the teacher's answers.
    pub fn teacher_file(&self) -> Option<&PathBuf> {
        self.teacher.as_ref()
    }
}
