use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use host_support::numbers::whole;
use prenda::{MAX_LAYERS, WeightOrder};
use serde::Serialize;

use super::backend::BackendArguments;
use super::messages::{cost_lines, estimate_lines, log_epoch, outcome_lines, warn_of_loss};
use super::number::{Widths, share_of_one, widths};
use super::png::{self, PngArguments};
use super::recipe::RecipeArguments;
use super::report::REPORT;
use super::{DataArguments, OutputArguments, UsageError, check_apart, check_export, check_replaced, line};
use crate::data::{Dataset, HeldOut, Split, Validation, ValidationOrder};
use crate::limits::MAX_WEIGHT_BYTES;
use crate::model::{Cost, Estimates, Evaluation};
use crate::network::backend::Backend;
use crate::network::{Architecture, LayerPlan, join_widths};
use crate::plot::beside;
use crate::quantize::Quantization;
use crate::run::pipeline::{self, Finished, Sources};
use crate::run::{Configuration, Outcome, Planned, RunFile, RunFolder, default_path, model_file};
use crate::run::{describe_overfitting, describe_stop, is_overfitted};
use crate::support::{files, progress};
use crate::text::{Shown, count, percent, printable};
use crate::train::{Epoch, TrainConfig};

/// Largest number of hidden layers, which are all layers except the last.
const MAX_HIDDEN_LAYERS: usize = MAX_LAYERS - 1;

/// Examples in the help of `train`.
const EXAMPLES: &str = "\
Examples:
  host-trainer train                                         the lecture's network, 5 epochs
  host-trainer train --hidden 256,64 --recipe best           a more accurate one, 100 epochs
  host-trainer train --network 'conv 8 4x4 stride 4; conv 16 3x3 stride 2; dense 10' --recipe best
  host-trainer train --sparsity 0.8 --run runs/sparse        a pruned one
  host-trainer train --from runs/first --weight-bits 4 --qat 5 --run runs/narrow";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    backend: BackendArguments,
    /// Neurons of each hidden layer, for example 128 or 512,256, or none
    ///
    /// 1..=16384 neurons per layer, at most 15 layers; all weights together at most 64 MiB, one
    /// byte each. With none, every pixel is connected to every class.
    #[arg(long, value_name = "N,..|none", help_heading = "Network", default_value = "128", value_parser = widths)]
    hidden: Widths,
    /// All layers, separated by semicolons, for example 'conv 8 3x3 stride 2; maxpool 2x2; dense
    /// 10'
    ///
    /// conv CHANNELS ROWSxCOLUMNS, depthwise ROWSxCOLUMNS, maxpool or avgpool ROWSxCOLUMNS or
    /// global, or dense OUTPUTS; the last one is dense, with an output for each class. After a
    /// window come its stride, for example stride 2 or stride 2x1, and its padding with zeros: same
    /// (enough for an output at each stride), valid (none) or pad 1 (on all sides). The default is
    /// stride 1 same; for a pool, a stride as large as the window, and valid. Convolutions have
    /// batch normalization while they train.
    #[arg(long, value_name = "LAYERS", help_heading = "Network", conflicts_with = "hidden")]
    network: Option<Architecture>,
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Seed of every random choice, 0..=18446744073709551615; the same seed, backend and machine
    /// give the same model, byte for byte
    #[arg(long, value_name = "N", help_heading = "Training", default_value_t = 1, value_parser = whole::<u64>(0..))]
    seed: u64,
    /// Number of training images to hold out and measure the accuracy on after each epoch
    #[arg(long, value_name = "N", help_heading = "Validation and early stopping", default_value_t = 0,
        value_parser = whole::<usize>(0..))]
    validation: usize,
    /// Training images that --validation holds out
    #[arg(long, value_enum, help_heading = "Validation and early stopping", default_value_t = ValidationOrder::Class)]
    validation_order: ValidationOrder,
    /// Stop after the first epoch whose training accuracy is above SHARE, 0..=1, like the lecture's
    /// callback; the test images do not matter
    #[arg(long, value_name = "SHARE", help_heading = "Validation and early stopping", value_parser = share_of_one,
        allow_negative_numbers = true)]
    stop_at_train_accuracy: Option<f64>,
    /// Stop after N epochs, 1 or more, without a lower loss on the images held out by --validation,
    /// and keep the network with the lowest loss
    #[arg(long, value_name = "N", help_heading = "Validation and early stopping",
        value_parser = whole::<u32>(1..))]
    patience: Option<u32>,
    /// Folder to record the run in: model, float weights, configuration, history, evaluation, plots
    /// [default: named by network, epochs, recipe, all other settings that are not the recipe's,
    /// backend and seed: runs/128-5-epochs-flex-seed-1]
    ///
    /// Interrupted once (Ctrl-C), training ends after the current batch, and the network is
    /// recorded as it is, marked as interrupted; in a folder next to this one if this one contains
    /// a run. Interrupted again, it ends at once.
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    run: Option<PathBuf>,
    /// Replace the run in the folder even if its settings are others
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    /// File to write the model to, in addition to model.bin in the run's folder
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    export: Option<PathBuf>,
    #[command(flatten)]
    png: PngArguments,
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
    /// Share for the inputs of each layer with a matrix, on training images in fixed point.
    zero_pairs: Vec<Option<f64>>,
    #[serde(flatten)]
    cost: Cost,
    #[serde(flatten)]
    estimates: Option<Estimates>,
    /// Judged by the validation loss; `None` if no images were held out, or no epoch was completed.
    overfitting: Option<bool>,
    #[serde(skip)]
    history: &'a [Epoch],
    seconds: f64,
}

impl TrainArguments {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        self.check()?;
        let Some(backend) = self.backend.choose(self.output)? else { return Ok(()) };
        let rasterizer = self.png.rasterizer()?;
        let mut config = self.config(backend);
        check_average(&config)?;
        let recorded = self.recipe.recorded_data();
        let mut data = self.data.load_or(recorded.as_ref(), &[])?;
        let mut held_out = HeldOut { count: self.validation, order: self.validation_order, seed: self.seed };
        let mut layers = None;
        if let Some(from) = self.recipe.from() {
            let (configuration, found) = self.recipe.begin(from, &data)?;
            held_out = configuration.held_out();
            if self.data.class_names.is_none() {
                data.class_names = configuration.classes;
            }
            config = TrainConfig { backend, ..configuration.train };
            layers = Some(found);
        }
        let (image, classes) = (data.shape, data.class_names.len());
        let network = self.network.clone().unwrap_or_else(|| config.architecture(classes));
        let plan =
            network.plan(image, classes).map_err(|error| UsageError(format!("{}, {error}", self.layers_option())))?;
        check_size(&self.layers(&network), &plan)?;
        check_held_out("--validation", held_out, &data.train)?;
        check_augment("this training", config.augment, &data)?;
        let (soft_labels, teacher) = self.recipe.teacher(&data, held_out)?.unzip();
        let validation = hold_out(&mut data, held_out);
        config.teacher = teacher;

        // All outputs are checked before training, and before a folder is created.
        let configuration = Configuration::new(&config, held_out, &data);
        let run = self.run.clone().unwrap_or_else(|| default_path(&configuration, &data));
        if let Some(from) = self.recipe.from() {
            check_apart("--run", &run, [from])?;
        }
        if let Some(export) = &self.export {
            check_export(export, Some(&run), data.files().chain(self.recipe.teacher_file().cloned()))?;
        }
        if !self.overwrite {
            check_replaced(&RunFolder::at(run.clone()), &configuration, "--run")?;
        }
        let folder = RunFolder::create(run)?;
        if let Some(export) = &self.export {
            files::check_writable(export)?;
        }
        progress::log(format_args!(
            "{} training images from {} ({})",
            data.train.len(),
            data.folder.display(),
            data.origin.named_by()
        ));
        let mut history = Vec::new();
        let on_epoch = |epoch: &Epoch, planned: &Planned| {
            log_epoch(epoch, planned);
            history.push(epoch.clone());
        };
        let sources = Sources {
            data: &data,
            validation: validation.as_ref(),
            soft_labels: soft_labels.as_ref(),
            start: layers.as_deref(),
        };
        let finished = pipeline::run(&config, sources, &folder, self.export.as_deref(), on_epoch)?;
        let Finished { outcome, folder, is_exported } = finished;

        warn_of_loss(&outcome);
        let plots = RunFile::PLOTS.map(|file| folder.file(file));
        if let Some(rasterizer) = &rasterizer {
            png::write(rasterizer, plots.iter().map(PathBuf::as_path))?;
        }
        warn_of_older(&folder, if rasterizer.is_some() { &[] } else { &plots });
        let bytes = folder.read_bytes(RunFile::Model)?;
        let quantization: Quantization = folder.read(RunFile::Quantization)?;
        let evaluation: Evaluation = folder.read(RunFile::Evaluation)?;
        let view = model_file::load(&folder.file(RunFile::Model), &bytes)?;
        let (cost, estimates) = (Cost::of(&view), Estimates::of(&view, Some(&evaluation)));
        if let Some(export) = self.export.as_ref().filter(|_| !is_exported) {
            progress::log(format_args!("warning: {} is not replaced by an interrupted training", export.display()));
        }
        let model = self.export.filter(|_| is_exported).unwrap_or_else(|| folder.file(RunFile::Model));
        let report = TrainOutput {
            run: Shown(folder.path()),
            model: Shown(&model),
            backend: config.backend,
            device: config.backend.open()?.1.to_string(),
            seed: config.seed,
            cost,
            estimates,
            generalization_gap: outcome.gap(),
            zero_pairs: quantization.layers.iter().map(|layer| layer.zero_pairs).collect(),
            overfitting: is_overfitted(&history, outcome.kept_epoch),
            history: &history,
            outcome: &outcome,
            seconds: start.elapsed().as_secs_f64(),
        };
        self.output.print(&report, || report.text(data.test.len()))
    }

    fn check(&self) -> Result<(), UsageError> {
        if self.hidden.0.len() > MAX_HIDDEN_LAYERS {
            let count = self.hidden.0.len();
            return Err(UsageError(format!(
                "--hidden has {count} layers, expected 0..={MAX_HIDDEN_LAYERS}; name fewer layers"
            )));
        }
        if self.patience.is_some() && self.validation == 0 {
            let text = "--patience requires held-out images to measure the loss on; add --validation N";
            return Err(UsageError(text.to_owned()));
        }
        let may_stop_early = self.patience.is_some() || self.stop_at_train_accuracy.is_some();
        let widths = self.network.as_ref().map_or_else(|| self.hidden.0.clone(), Architecture::prunable_widths);
        self.recipe.check(self.layers_option(), &widths, may_stop_early)
    }

    /// Returns the option that names the layers of `network`, and its value.
    fn layers(&self, network: &Architecture) -> String {
        let hidden = network.hidden().filter(|_| self.network.is_none());
        let layers = hidden.map_or_else(|| format!("'{network}'"), |hidden| join_widths(&hidden, ","));
        format!("{} {layers}", self.layers_option())
    }

    /// Returns the option that names the layers.
    fn layers_option(&self) -> &'static str {
        match (&self.network, self.recipe.from()) {
            (Some(_), _) => "--network",
            (None, Some(_)) => "--from",
            (None, None) => "--hidden",
        }
    }

    fn config(&self, backend: Backend) -> TrainConfig {
        let config = TrainConfig {
            stop_at_train_accuracy: self.stop_at_train_accuracy,
            patience: self.patience,
            ..self.recipe.config(backend, self.hidden.0.clone(), self.seed)
        };
        match &self.network {
            Some(network) => config.with_network(network.clone()),
            None => config,
        }
    }
}

impl TrainOutput<'_> {
    fn text(&self, test_images: usize) -> String {
        let outcome = self.outcome;
        let zero_pairs = self.zero_pairs.iter().map(|share| share.map_or_else(|| "none".to_owned(), percent));
        let zero_pairs: Vec<String> = zero_pairs.collect();
        [
            line("epochs", describe_stop(outcome)),
            outcome_lines(outcome, test_images, self.model.0),
            line("overfitting", describe_overfitting(self.history, outcome.kept_epoch)),
            line("parameters", count(outcome.parameters as u64)),
            line("zero pairs", format_args!("{} of the inputs of each layer; they are skipped", zero_pairs.join(", "))),
            cost_lines(&self.cost),
            self.estimates.as_ref().map_or_else(String::new, estimate_lines),
            line("run", self.run),
            line("time", format_args!("{:.1} s, {:.1} s of them training", self.seconds, outcome.train_seconds)),
        ]
        .concat()
    }
}

/// Warns of files of an earlier run in `folder`: its report, and the PNGs of `plots`.
fn warn_of_older(folder: &RunFolder, plots: &[PathBuf]) {
    let files = [folder.path().join(REPORT)].into_iter().chain(plots.iter().map(|plot| beside(plot)));
    let names: Vec<String> = files.filter(|file| file.exists()).map(|file| file.display().to_string()).collect();
    if !names.is_empty() {
        progress::log(format_args!(
            "warning: {} show an earlier run; `host-trainer report` and train --png write them again",
            names.join(", ")
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

/// Checks that the weights of `plan`, which `setting` gave, fit a model.
pub fn check_size(setting: &str, plan: &[LayerPlan]) -> Result<(), UsageError> {
    let matrices = || plan.iter().filter_map(LayerPlan::matrix);
    let weights: usize = matrices().map(|[inputs, outputs]| inputs * outputs).sum();
    let bytes: usize =
        matrices().map(|[inputs, outputs]| WeightOrder::default().packed_length_bound(inputs, outputs)).sum();
    if bytes <= MAX_WEIGHT_BYTES {
        return Ok(());
    }
    Err(UsageError(format!(
        "{setting} needs {weights} weights, {bytes} bytes, expected at most {MAX_WEIGHT_BYTES} bytes, the limit of a \
         microcontroller; use fewer or smaller layers"
    )))
}

/// Checks that `held_out`, which `setting` gave, leaves images to train on.
pub fn check_held_out(setting: &str, held_out: HeldOut, train: &Split) -> Result<(), UsageError> {
    let (count, all) = (held_out.count, train.len());
    if count < all {
        return Ok(());
    }
    Err(UsageError(format!(
        "{setting} is {count}, expected 0..={}, as there are {all} training images; hold out fewer",
        all - 1
    )))
}

/// Checks that rows of features are not shifted or mirrored by `setting`.
pub fn check_augment(setting: &str, share: f64, data: &Dataset) -> Result<(), UsageError> {
    if data.features.is_empty() || share == 0.0 {
        return Ok(());
    }
    let folder = data.folder.display();
    Err(UsageError(format!(
        "{folder} has rows of features, but {setting} shifts and mirrors a share of {share}, expected 0; add \
         --augment 0"
    )))
}

/// Takes the images to hold out from the training images of `data`, and warns if a class loses all
/// its images.
pub fn hold_out(data: &mut Dataset, held_out: HeldOut) -> Option<Validation> {
    let is_sorted = is_sorted_by_class(&data.train.labels);
    let validation = held_out.take_from(&mut data.train)?;
    if is_sorted && held_out.order == ValidationOrder::Class {
        progress::log(format_args!(
            "warning: the training images are sorted by class; --validation holds out some of each class, not the last \
             ones of the file"
        ));
    }
    let counts = data.train.count_classes(data.class_names.len());
    let absent = counts.iter().zip(&data.class_names).filter(|(count, _)| **count == 0);
    let absent: Vec<String> = absent.map(|(_, name)| printable(name)).collect();
    if !absent.is_empty() {
        let advice = match held_out.order {
            ValidationOrder::Class => "hold out fewer",
            ValidationOrder::Last => "use --validation-order class",
        };
        progress::log(format_args!(
            "warning: --validation {} leaves no training image of {}; {advice}",
            held_out.count,
            absent.join(", ")
        ));
    }
    Some(validation)
}

/// Returns true if the images of each class follow each other, several of each.
fn is_sorted_by_class(labels: &[u8]) -> bool {
    let changes = labels.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let classes = labels.iter().collect::<std::collections::BTreeSet<_>>().len();
    changes + 1 == classes && labels.len() >= 2 * classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_must_be_left_to_train_on() {
        let train = Split { width: 1, pixels: vec![1, 2, 3], labels: vec![0, 1, 0] };
        let check = |count| check_held_out("--validation", HeldOut { count, ..HeldOut::default() }, &train);
        assert!(check(0).is_ok() && check(2).is_ok());
        for count in [3, 4, usize::MAX] {
            let error = check(count).unwrap_err().to_string();
            assert!(error.contains("0..=2"), "{error}");
        }
    }

    #[test]
    fn labels_sorted_by_class_are_noticed() {
        assert!(is_sorted_by_class(&[2, 2, 0, 0, 1, 1]));
        for labels in [&[0, 1, 2, 0, 1, 2][..], &[0, 1, 2], &[0, 0, 1, 1, 0, 0]] {
            assert!(!is_sorted_by_class(labels), "{labels:?}");
        }
    }
}
