use std::path::{Path, PathBuf};
use std::slice;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use prenda::WeightOrder;
use serde::Serialize;

use super::messages::{outcome_lines, warn_of_loss};
use super::model_output::ModelOutputArguments;
use super::number::{above_zero, finite};
use super::{
    DataArguments, OutputArguments, UsageError, check_apart, check_export, check_folder_apart, check_replaced, line,
    percent,
};
use crate::data::{Dataset, HeldOut, Split};
use crate::limits::MAX_WEIGHT_BYTES;
use crate::model::export::ExportError;
use crate::model::import::{
    Described, Expected, Folding, FoundNetwork, Layer, LayerChoice, Orientation, Prepared, TensorFile,
};
use crate::network::backend::{self, Backend};
use crate::network::{Architecture, DenseParameters, Network, PixelForm};
use crate::run::pipeline::{self, PipelineError};
use crate::run::{Configuration, Outcome, RunFile, RunFolder};
use crate::support::progress;
use crate::text::{Shown, printable};
use crate::train::{Recipe, Stop, TrainConfig, Trained};

/// Smallest accuracy without a warning: 0 is always naming the most frequent class, 1 is perfect.
const MIN_SKILL: f64 = 0.1;

/// Most unused tensors named in a warning.
const MAX_NAMED_UNUSED: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer import weights.safetensors --export model.bin
  host-trainer import weights.safetensors --run runs/imported
  host-trainer import weights.safetensors --export model.bin --mean 0.286 --std 0.353
  host-trainer import net.safetensors --export m.bin --layer k1,b1,in-out --layer k2,b2,in-out
  host-trainer import net.safetensors --export m.bin --network 'conv 8 3x3 stride 2 pad 1; dense 10'")]
pub struct ImportArguments {
    /// Safetensors file with the weights, in F32, F64, F16 or BF16
    #[arg(value_name = "WEIGHTS")]
    weights: PathBuf,
    #[command(flatten)]
    place: ModelOutputArguments,
    /// All layers, in the words of train --network; required if one is a convolution or a pool
    ///
    /// Files have neither strides nor padding nor pools. PyTorch's padding=1 is pad 1, not same,
    /// which is Keras' and may pad less before the image than after it. A convolution of PyTorch
    /// without padding is valid, which must be written: the default is same, as in train. ReLU
    /// follows each convolution, and each dense layer but the last.
    #[arg(long, value_name = "LAYERS")]
    network: Option<Architecture>,
    /// Weights of one layer; repeat the option for each, first to last, if names and shapes do not
    /// identify them
    ///
    /// Names the tensor of the layer's weights, the tensor of its biases if it cannot be found by
    /// name, and the order of the dimensions (PyTorch: out-in, Keras: in-out).
    #[arg(long = "layer", value_name = "WEIGHT[,BIAS][,in-out|out-in]")]
    layers: Vec<LayerChoice>,
    /// Fold batch normalization, weight normalization and pruning masks into the other layers
    ///
    /// The layers give the same answers then. A file with one of them is refused without this
    /// option.
    #[arg(long)]
    fold: bool,
    /// Number that training added to the variance of a batch normalization, above 0: files do not
    /// contain it [default: 1e-5 for PyTorch's names, 1e-3 for Keras']
    #[arg(long, value_name = "E", value_parser = above_zero, requires = "fold", allow_negative_numbers = true)]
    epsilon: Option<f64>,
    /// Tensor that the network does not need, or the beginning of such names up to a separator;
    /// repeat the option for several
    ///
    /// A file of which a tensor would be dropped is refused without it, unless the tensor belongs
    /// to an optimizer or is a counter.
    #[arg(long, value_name = "NAME")]
    ignore: Vec<String>,
    /// Mean that training subtracted from the scaled pixels; it becomes part of the first layer
    #[arg(long, value_name = "M", default_value_t = 0.0, value_parser = finite, allow_negative_numbers = true)]
    mean: f64,
    /// Standard deviation that training then divided by, above 0
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = above_zero, allow_negative_numbers = true)]
    std: f64,
    /// Divisor of the raw pixels, 0..=255, in training, above 0: 255 for pixels in 0..=1, 1 for raw
    /// pixels
    #[arg(long, value_name = "D", default_value_t = 255.0, value_parser = above_zero, allow_negative_numbers = true)]
    pixel_scale: f64,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct ImportOutput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Shown<&'a Path>>,
    model: Shown<&'a Path>,
    layers: Vec<FoundLayer<'a>>,
    unused: &'a [&'a str],
    #[serde(flatten)]
    outcome: &'a Outcome,
    generalization_gap: f64,
    seconds: f64,
}

#[derive(Serialize)]
struct FoundLayer<'a> {
    /// Its place among all layers, from 0.
    #[serde(skip)]
    place: usize,
    weight: &'a str,
    bias: Option<&'a str>,
    orientation: Orientation,
    inputs: usize,
    outputs: usize,
}

impl ImportArguments {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        let ModelOutputArguments { export, run, overwrite } = &self.place;
        let run = run.as_deref();
        if let Some(run) = run {
            let folder = RunFolder::at(run.to_owned());
            check_folder_apart("--run", run, folder.files(), slice::from_ref(&self.weights))?;
        }
        if let Some(export) = export {
            check_export(export, run, [&self.weights])?;
        }
        let cannot_import = || format!("cannot import {}", self.weights.display());
        let file = TensorFile::read(&self.weights).with_context(cannot_import)?;
        let tensors = file.tensors().with_context(cannot_import)?;
        let prepared = Prepared::new(tensors, &self.ignore).with_context(cannot_import)?;
        let data = self.data.load()?;
        if let Some(export) = export {
            check_apart("--export", export, data.files())?;
        }

        let plan = self.plan(&data)?;
        let network = self.find(&prepared, &data, plan.as_deref()).with_context(cannot_import)?;
        let ignored = prepared.ignored.iter().map(String::as_str);
        let unused: Vec<&str> = network.unused.iter().copied().chain(ignored).collect();
        log_unused(&unused);
        log_square(&network.layers);
        prepared.notes.iter().cloned().chain(network.notes()).for_each(progress::log);
        log_one_output(&network, &data.class_names);
        let parameters = self.parameters(&network).with_context(cannot_import)?;
        let config = self.config(&network);
        let places: Vec<usize> = match &plan {
            Some(layers) => layers.iter().filter(|l| l.plan.kind.has_matrix()).map(|layer| layer.index).collect(),
            None => (0..network.layers.len()).collect(),
        };
        if let Some(run) = run.filter(|_| !overwrite) {
            check_replaced(
                &RunFolder::at(run.to_owned()),
                &Configuration::new(&config, HeldOut::default(), &data),
                "--run",
            )?;
        }
        let folder = run.map(|run| RunFolder::create(run.to_owned())).transpose()?;
        let completed = pipeline::complete(&config, &data, run, None, &trained(parameters, plan)).map_err(|error| {
            let error = match error {
                PipelineError::Quantize(error) => anyhow::Error::from(error),
                PipelineError::Export(ExportError::Encode(error)) => error.into(),
                other => return other.into(),
            };
            let advice = "check its weights, and that --mean, --std and --pixel-scale are those of its training";
            error.context(format!("{}: {advice}", cannot_import()))
        })?;
        let outcome = &completed.outcome;
        if let Some(folder) = folder.as_ref().filter(|_| !overwrite) {
            check_model(folder, outcome)?;
        }
        completed.write(folder.as_ref(), export.as_deref())?;

        let in_run = folder.map(|folder| folder.file(RunFile::Model));
        let model = export.clone().or(in_run).unwrap_or_default();
        warn_of_chance(outcome, &data.test);
        warn_of_loss(outcome);
        let report = ImportOutput {
            run: run.map(Shown),
            model: Shown(&model),
            layers: network.layers.iter().zip(places).map(|(layer, place)| FoundLayer::of(layer, place)).collect(),
            unused: &unused,
            outcome,
            generalization_gap: outcome.gap(),
            seconds: start.elapsed().as_secs_f64(),
        };
        self.output.print(&report, || report.text(data.test.len()))
    }

    /// Returns the layers of --network for the images of `data`.
    fn plan(&self, data: &Dataset) -> Result<Option<Vec<Described>>, UsageError> {
        let Some(network) = &self.network else { return Ok(None) };
        let plan = network.plan(data.shape, data.class_names.len());
        let plan = plan.map_err(|error| UsageError(format!("--network, {error}")))?;
        let last = plan.len().saturating_sub(1);
        let layers = network.layers().zip(plan).enumerate().map(|(index, (text, plan))| Described {
            index,
            text,
            plan,
            may_have_one_output: index == last,
        });
        let layers: Vec<_> = layers.collect();
        let first = layers.iter().find(|layer| layer.plan.kind.has_matrix());
        match first.filter(|layer| self.mean != 0.0 && layer.plan.kind.window().is_some_and(|w| w.padding != [0; 4])) {
            Some(Described { index, text, .. }) => Err(UsageError(format!(
                "--mean {}: layer {index}, {text}, pads images with zeros, which are then not black but the mean; \
                 train it without a mean or without padding",
                self.mean
            ))),
            None => Ok(Some(layers)),
        }
    }

    fn find<'a>(
        &self,
        prepared: &'a Prepared<'a>,
        data: &Dataset,
        layers: Option<&[Described]>,
    ) -> Result<FoundNetwork<'a>> {
        let fold = self.fold.then_some(Folding { epsilon: self.epsilon });
        let expected = Expected { pixels: data.train.width, classes: data.class_names.len(), layers };
        let network = FoundNetwork::find(prepared, &self.layers, expected, fold)?;
        let (order, layers) = (WeightOrder::default(), &network.layers);
        let bytes = layers.iter().map(|layer| order.packed_length_bound(layer.matrix_inputs(), layer.outputs));
        let bytes: usize = bytes.sum();
        if bytes > MAX_WEIGHT_BYTES {
            anyhow::bail!(
                "its weights need {bytes} bytes, expected at most {MAX_WEIGHT_BYTES} bytes, the limit of a \
                 microcontroller; train a smaller network"
            );
        }
        Ok(network)
    }

    /// Returns the network's layers, converted to take pixels in 0..=1.
    fn parameters(&self, network: &FoundNetwork<'_>) -> Result<Vec<DenseParameters>> {
        let mut parameters = network.parameters()?;
        let form = PixelForm { scale: self.pixel_scale, mean: self.mean, std: self.std };
        if let Some(first) = parameters.first_mut() {
            form.fold_into(first);
            if !first.weights.iter().chain(&first.biases).all(|number| number.is_finite()) {
                let text = "--mean, --std and --pixel-scale make weights infinite; use the values of the training";
                return Err(UsageError(text.to_owned()).into());
            }
        }
        Ok(parameters)
    }

    /// Returns the recorded configuration of a training of which only the layers are known.
    fn config(&self, found: &FoundNetwork<'_>) -> TrainConfig {
        let dense = match &self.network {
            Some(network) => network.hidden(),
            None => Some(found.layers.iter().skip(1).map(|layer| layer.reads.count()).collect()),
        };
        let network = self.network.clone().filter(|_| dense.is_none());
        let recipe = Recipe::Lecture.config(Backend::Imported, dense.unwrap_or_default(), 0);
        TrainConfig { network, epochs: 0, batch_size: 0, learning_rate: 0.0, ..recipe }
    }
}

/// Fails if the imported network would replace another one in `folder`. Their configurations are
/// equal if they have the same layers.
fn check_model(folder: &RunFolder, outcome: &Outcome) -> Result<(), UsageError> {
    match folder.read::<Outcome>(RunFile::Outcome) {
        Ok(old) if old.model_id != outcome.model_id => Err(UsageError(format!(
            "{} contains another network (model {}, not {}); add --overwrite to replace it, or name another folder \
             with --run",
            folder.path().display(),
            printable(&old.model_id),
            outcome.model_id
        ))),
        _ => Ok(()),
    }
}

fn trained(parameters: Vec<DenseParameters>, layers: Option<Vec<Described>>) -> Trained {
    let device = backend::processor();
    let network = match layers {
        Some(layers) => Network::new(layers.iter().map(|layer| layer.plan).collect(), parameters, &device),
        None => Network::from_parameters(parameters, &device),
    };
    Trained { network, kept_epoch: 0, history: Vec::new(), stop: Stop::Epochs, quantized: None, float: None }
}

/// Logs the orientation of weights whose shape fits both, which only their name decides.
fn log_square(layers: &[Layer<'_>]) {
    for Layer { weight, orientation, .. } in layers.iter().filter(|layer| layer.is_by_name) {
        let (name, orientation) = (weight.name.escape_debug(), orientation.name());
        let how = if weight.shape.len() == 2 { "square" } else { "of the same shape in both orders of dimensions" };
        progress::log(format_args!(
            "{name} is {how}; it is read as {orientation}, the order of frameworks that use such names; if test, float \
             is wrong, name the layers with --layer WEIGHT,in-out or out-in"
        ));
    }
}

fn log_unused(unused: &[&str]) {
    if unused.is_empty() {
        return;
    }
    let names: Vec<String> = unused.iter().take(MAX_NAMED_UNUSED).map(|name| name.escape_debug().to_string()).collect();
    let rest = unused.len() - names.len();
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    progress::log(format_args!("warning: not used: {}{rest}", names.join(", ")));
}

/// Logs which class the only output of a network means.
fn log_one_output(network: &FoundNetwork<'_>, class_names: &[String]) {
    if let ([first, second], true) = (class_names, network.has_one_output()) {
        progress::log(format_args!(
            "the last layer has one output, as for a sigmoid; below 0 it means class {first}, above 0 class {second}"
        ));
    }
}

/// Warns if the network is hardly better than always naming the most frequent class.
fn warn_of_chance(outcome: &Outcome, test: &Split) {
    let most_frequent = test.count_classes(usize::from(u8::MAX) + 1).into_iter().max().unwrap_or_default();
    let chance = most_frequent as f64 / test.len().max(1) as f64;
    let accuracy = outcome.test_accuracy_float;
    if accuracy < chance + MIN_SKILL * (1.0 - chance) {
        progress::log(format_args!(
            "warning: a test accuracy of {} is near chance ({}); check the orientation of the weights, \
             --mean/--std/--pixel-scale and the order of the classes",
            percent(accuracy),
            percent(chance)
        ));
    }
}

impl<'a> FoundLayer<'a> {
    fn of(layer: &Layer<'a>, place: usize) -> Self {
        let Layer { weight, bias, orientation, reads, outputs, .. } = layer;
        Self {
            place,
            weight: &weight.name,
            bias: bias.map(|bias| bias.name.as_str()),
            orientation: *orientation,
            inputs: reads.count(),
            outputs: *outputs,
        }
    }
}

impl ImportOutput<'_> {
    fn text(&self, test_images: usize) -> String {
        let outcome = self.outcome;
        let layers = self.layers.iter().map(|layer| {
            let FoundLayer { place, weight, bias, orientation, inputs, outputs } = layer;
            let (bias, orientation) = (bias.unwrap_or("no bias"), orientation.name());
            line(
                &format!("layer {place}"),
                format_args!("{inputs} inputs, {outputs} outputs: {weight} ({orientation}), {bias}"),
            )
        });
        let mut text: String = layers.collect();
        text += &outcome_lines(outcome, test_images, self.model.0);
        if let Some(run) = self.run {
            text += &line("run", run);
        }
        text + &line("time", format_args!("{:.1} s", self.seconds))
    }
}
