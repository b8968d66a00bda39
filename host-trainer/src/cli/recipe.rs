//! Options of training: a recipe, and the options that override its settings.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use host_support::numbers::whole;

use super::UsageError;
use super::number::{beta, learning_rate, share_below_one, share_of_one, strength};
use crate::data::{Dataset, HeldOut, Recorded, SoftLabels, SoftLabelsError};
use crate::network::backend::Backend;
use crate::network::{DenseParameters, LayerPlan, Pixels};
use crate::quantize::{BLOCK_OUTPUTS, WeightBits};
use crate::run::{Configuration, RunFile, RunFolder};
use crate::support::progress;
use crate::train::{
    MAX_BATCH_SIZE, MAX_EPOCHS, QAT_LEARNING_RATE, Recipe, Schedule, TAUGHT_EPOCHS, TEACHER_SHARE, Teaching,
    TrainConfig,
};

/// The error for a pruned network with weights of fewer than 8 bits.
const SPARSE_BITS: &str =
    "--sparsity requires weights of 8 bits: narrower weights cannot be stored in blocks; leave out --weight-bits";

/// Options of a training. Headings group them in the help.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub struct RecipeArguments {
    /// Source of all settings that no option gives
    #[arg(long, value_enum, default_value_t)]
    recipe: Recipe,
    /// Passes over the training images, 1..=100000 [default: 5; best: 100, with a teacher 150]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=MAX_EPOCHS))]
    epochs: Option<u32>,
    /// Images per step of the optimizer, 1..=65536 [default: 32; best: 256]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=MAX_BATCH_SIZE as u32))]
    batch_size: Option<u32>,
    /// Largest learning rate of Adam, above 0 and at most 1 [default: 0.001; best: 0.002]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Learning rate after the warm-up [default: constant; best: cosine]
    #[arg(long, value_enum)]
    schedule: Option<Schedule>,
    /// Share of all steps in which the learning rate rises linearly from zero, 0..=1 [default: 0;
    /// best: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    warm_up: Option<f64>,
    /// Adam's beta2: decay rate of the second-moment estimate, 0.5..=0.9999 [default: 0.999; best:
    /// 0.99]
    #[arg(long, value_name = "SHARE", value_parser = beta, allow_negative_numbers = true)]
    beta_2: Option<f64>,
    /// Weight decay, decoupled as in AdamW, 0..=1: each step reduces weights by this share times
    /// the learning rate; biases do not decay [default: 0; best: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    weight_decay: Option<f64>,
    /// Share of images, 0..=1, that are shown in one of ten versions, chosen at random each time:
    /// mirrored left to right or not, and in place or shifted by one pixel right, left, down or up,
    /// filled with black [default: 0; best: 0.5]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    augment: Option<f64>,
    /// Last epochs whose networks are averaged, weight by weight, 0..=100000; useful if the
    /// learning rate stays large
    #[arg(long, value_name = "EPOCHS", default_value_t = 0,
        value_parser = whole::<u32>(..=MAX_EPOCHS))]
    average: u32,
    /// Scale of the pixels during training; the model always takes raw pixels [default: unit; best:
    /// standard]
    #[arg(long, value_enum)]
    pixels: Option<Pixels>,
    /// Start from the float network of a run: quantize it to --weight-bits, and train it in
    /// integers if --qat is given
    ///
    /// All other settings are those of the run: network, seed, images held out, augmentation. Its
    /// weights contain what it learned from a teacher; for --qat, name the teacher again.
    #[arg(long, value_name = "RUN", help_heading = "Compression", conflicts_with_all = ["epochs", "learning_rate",
        "schedule", "warm_up", "pixels", "hidden", "network", "seed", "sparsity", "recipe", "validation",
        "validation_order", "patience", "stop_at_train_accuracy", "weight_decay", "average"])]
    from: Option<PathBuf>,
    /// File of a teacher's answers, written by host-trainer teach; the network learns from them and
    /// from the labels
    #[arg(long, value_name = "FILE", help_heading = "Teacher")]
    teacher: Option<PathBuf>,
    /// Share of the teacher's answers in the loss, 0..=1; the labels have the rest
    #[arg(long, value_name = "SHARE", help_heading = "Teacher", default_value_t = TEACHER_SHARE,
        value_parser = share_of_one, allow_negative_numbers = true, requires = "teacher")]
    teacher_share: f64,
    /// Share of the weights to set to zero, in all layers except the last, depthwise ones and those
    /// of fewer than 8 outputs, 0 or more and below 1
    ///
    /// Whole blocks of 2 inputs by 8 outputs become zero, gradually during the first 60 % of all
    /// steps. The model stores only the other blocks.
    #[arg(long, value_name = "SHARE", help_heading = "Compression", default_value_t = 0.0,
        value_parser = share_below_one, allow_negative_numbers = true)]
    sparsity: f64,
    /// Factor of a penalty on activations that are not zero, 0..=10, so that a device can skip more
    /// pairs of zeros [default: 0]
    ///
    /// Adds the Hoyer measure of pairs of neighbouring channels to the loss, which is about the
    /// share of pairs that are not zero. It is measured before each dense layer and convolution,
    /// except those that read pixels; each counts by its share of all multiplications. --qat has
    /// it, too.
    #[arg(long, value_name = "FACTOR", help_heading = "Compression", value_parser = strength,
        allow_negative_numbers = true)]
    activation_penalty: Option<f64>,
    /// Bits per weight in all layers except the last and depthwise ones, which keep 8; 2 is ternary
    #[arg(long, value_enum, value_name = "BITS", help_heading = "Compression", default_value_t)]
    weight_bits: WeightBits,
    /// Epochs of quantization-aware training, in the device's integers, after the other epochs,
    /// 1..=100000
    #[arg(long, value_name = "EPOCHS", help_heading = "Compression",
        value_parser = whole::<u32>(1..=MAX_EPOCHS))]
    qat: Option<u32>,
    /// Largest learning rate of Adam in the epochs of --qat, above 0 and at most 1
    #[arg(long, value_name = "RATE", help_heading = "Compression", default_value_t = QAT_LEARNING_RATE,
        value_parser = learning_rate, allow_negative_numbers = true, requires = "qat")]
    qat_learning_rate: f64,
}

impl RecipeArguments {
    /// Returns the training configuration for layers of `hidden` neurons.
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
            batch_size: self.batch_size.map_or(recipe.batch_size, |images| images as usize),
            learning_rate: self.learning_rate.unwrap_or(recipe.learning_rate),
            schedule: self.schedule.unwrap_or(recipe.schedule),
            warm_up: self.warm_up.unwrap_or(recipe.warm_up),
            beta_2: self.beta_2.unwrap_or(recipe.beta_2),
            weight_decay: self.weight_decay.unwrap_or(recipe.weight_decay),
            activation_penalty: self.activation_penalty.unwrap_or(recipe.activation_penalty),
            augment: self.augment.unwrap_or(recipe.augment),
            average_epochs: self.average,
            pixels: self.pixels.unwrap_or(recipe.pixels),
            ..recipe
        }
    }

    /// Checks that the options fit each other, early stopping, and hidden layers of these `widths`.
    /// `network` names the option that has the layers.
    pub fn check(&self, network: &str, widths: &[usize], may_stop_early: bool) -> Result<(), UsageError> {
        if self.from.is_some() && self.qat.is_none() {
            let unused = [
                ("--teacher", self.teacher.is_some()),
                ("--batch-size", self.batch_size.is_some()),
                ("--beta-2", self.beta_2.is_some()),
                ("--augment", self.augment.is_some()),
                ("--activation-penalty", self.activation_penalty.is_some()),
            ];
            if let Some((option, _)) = unused.into_iter().find(|(_, is_given)| *is_given) {
                return Err(UsageError(format!(
                    "{option} has no effect with --from alone, which only quantizes; add --qat EPOCHS"
                )));
            }
        }
        let needs_all_epochs = [("--average", self.average > 0), ("--sparsity", self.sparsity > 0.0)];
        if let Some((option, _)) = needs_all_epochs.into_iter().find(|(_, is_given)| *is_given && may_stop_early) {
            return Err(UsageError(format!(
                "{option} requires all epochs, but training may stop early; leave out --patience and \
                 --stop-at-train-accuracy"
            )));
        }
        let of_hidden = [
            ("--sparsity", self.sparsity > 0.0),
            ("--weight-bits", self.weight_bits != WeightBits::Eight),
            ("--activation-penalty", self.activation_penalty.is_some_and(|strength| strength > 0.0)),
        ];
        if let Some((option, _)) = of_hidden.into_iter().find(|(_, is_given)| *is_given && widths.is_empty()) {
            return Err(UsageError(format!(
                "{option} changes hidden layers only, but {network} names none; leave one of them out"
            )));
        }
        if self.sparsity == 0.0 {
            return Ok(());
        }
        if self.average > 0 {
            let text = "--average cannot be combined with --sparsity: an averaged network has the blocks of every \
                        epoch; leave out one of them";
            return Err(UsageError(text.to_owned()));
        }
        if self.weight_bits != WeightBits::Eight {
            return Err(UsageError(SPARSE_BITS.to_owned()));
        }
        let widest = widths.iter().max().copied().unwrap_or_default();
        if widest < BLOCK_OUTPUTS {
            return Err(UsageError(format!(
                "--sparsity requires a layer of at least {BLOCK_OUTPUTS} outputs, the widest of {network} has \
                 {widest}; make it wider"
            )));
        }
        let narrow = widths.iter().filter(|width| **width < BLOCK_OUTPUTS).count();
        if narrow > 0 {
            progress::log(format_args!(
                "{network}: layers with fewer than {BLOCK_OUTPUTS} outputs are not pruned: {narrow}"
            ));
        }
        Ok(())
    }

    /// Reads the teacher's answers for the training images of `data` without those of `held_out`,
    /// and the record of it for `config.json`. Returns `None` if no teacher is named.
    pub fn teacher(
        &self,
        data: &Dataset,
        held_out: HeldOut,
    ) -> Result<Option<(SoftLabels, Teaching)>, SoftLabelsError> {
        let read = |path: &PathBuf| SoftLabels::read(path, data, held_out);
        let found = self.teacher.as_ref().map(read).transpose()?;
        Ok(found.map(|(labels, sha256)| (labels, Teaching { share: self.teacher_share, sha256 })))
    }

    /// Reads the run to start from: its configuration, changed by the options, and its network.
    pub fn begin(&self, run: &Path, data: &Dataset) -> Result<(Configuration, Vec<DenseParameters>)> {
        let folder = RunFolder::at(run.to_owned());
        let (mut configuration, outcome) = folder.read_finished()?;
        if !configuration.uses(data) {
            bail!(
                "{}: the run used another data set than {}; name its data set with --data",
                run.display(),
                data.folder.display()
            );
        }
        let checked = configuration.check_held_out(data.train.len());
        checked.map_err(|reason| folder.damaged(RunFile::Configuration, reason))?;
        let (names, classes) = (configuration.classes.len(), data.class_names.len());
        if names != classes {
            let reason = format!("classes has {names} names, expected {classes}, one for each label");
            bail!(folder.damaged(RunFile::Configuration, reason));
        }
        let layers = folder.read_weights(Some(&outcome.model_id))?;
        let train = &configuration.train;
        let found = layers.iter().map(|layer| [layer.inputs, layer.outputs]);
        let plan = train.architecture(names).plan(data.shape, names);
        if !plan.is_ok_and(|plan| plan.iter().filter_map(LayerPlan::matrix).eq(found)) {
            bail!("{}: the weights do not have the layers of the run's configuration; train it again", run.display());
        }
        if train.qat_epochs > 0 && !outcome.is_float(train.epochs) {
            bail!(
                "{}: the run was trained with --qat, so its weights are rounded; start from the run that it started \
                 from",
                run.display()
            );
        }
        if train.sparsity > 0.0 && self.weight_bits != WeightBits::Eight {
            bail!(UsageError(SPARSE_BITS.to_owned()));
        }
        let (batch_size, beta_2) = match train.backend {
            // The settings of the program that trained it are unknown.
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
            batch_size: self.batch_size.map_or(batch_size, |images| images as usize),
            beta_2: self.beta_2.unwrap_or(beta_2),
            activation_penalty: self.activation_penalty.unwrap_or(train.activation_penalty),
            augment: self.augment.unwrap_or(train.augment),
            ..train.clone()
        };
        Ok((configuration, layers))
    }

    /// Returns the folder of the data set of the run to start from, if the run recorded it.
    pub fn recorded_data(&self) -> Option<Recorded> {
        let folder = RunFolder::at(self.from.clone()?);
        let configuration: Configuration = folder.read(RunFile::Configuration).ok()?;
        configuration.recorded_data(folder.path())
    }

    /// Returns the run to start from.
    pub fn from(&self) -> Option<&Path> {
        self.from.as_deref()
    }

    /// Returns the file of the teacher's answers.
    pub fn teacher_file(&self) -> Option<&PathBuf> {
        self.teacher.as_ref()
    }
}
