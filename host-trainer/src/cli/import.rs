//! `host-trainer import`.

use std::path::{Path, PathBuf};
use std::slice;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use shared_model::WeightOrder;

use super::number::{above_zero, finite};
use super::said::{outcome_lines, warn_of_loss};
use super::{DataArguments, OutputArguments, UsageError, check_apart, check_export, check_folder_apart, line, percent};
use crate::data::{Dataset, Split};
use crate::limits::MAX_WEIGHT_BYTES;
use crate::model::import::{self, Layer, LayerChoice, Orientation, Tensor, TensorFile};
use crate::network::PixelForm;
use crate::network::backend::{self, Backend};
use crate::network::{DenseParameters, Network};
use crate::run::pipeline::{self, PipelineError};
use crate::run::{Outcome, RunFolder};
use crate::support::progress;
use crate::text::Shown;
use crate::train::{Recipe, Stop, TrainConfig, Trained};

/// How much better than naming always the commonest class a network is at the least, as a share of what is possible.
const MIN_SKILL: f64 = 0.1;

/// Tensors without a part in the network that are named.
const SHOWN_UNUSED: usize = 20;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The weights, a safetensors file of F32, F64, F16 or BF16
    #[arg(value_name = "WEIGHTS")]
    weights: PathBuf,
    /// File to write the model to
    #[arg(long, value_name = "FILE")]
    export: PathBuf,
    /// Folder to record the run in, as training does, with an empty history
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// One dense layer, to be given for each, first to last, where names and shapes do not tell: the tensor of its
    /// weights, that of its biases if their names do not go together, and which dimension comes first
    /// (PyTorch: out-in, Keras: in-out)
    #[arg(long = "layer", value_name = "WEIGHT[,BIAS][,in-out|out-in]")]
    layers: Vec<LayerChoice>,
    /// What training subtracted from pixels, once scaled; it becomes part of the first layer
    #[arg(long, value_name = "M", default_value_t = 0.0, value_parser = finite, allow_negative_numbers = true)]
    mean: f64,
    /// What training then divided pixels by, above 0
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = above_zero, allow_negative_numbers = true)]
    std: f64,
    /// What training divided raw pixels, 0..=255, by, above 0: 255 for pixels in 0..=1, 1 for raw ones
    #[arg(long, value_name = "D", default_value_t = 255.0, value_parser = above_zero, allow_negative_numbers = true)]
    pixel_scale: f64,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Shown<&'a Path>>,
    model: Shown<&'a Path>,
    layers: Vec<Found<'a>>,
    unused: Vec<&'a str>,
    #[serde(flatten)]
    outcome: &'a Outcome,
    generalization_gap: f64,
    seconds: f64,
}

#[derive(Serialize)]
struct Found<'a> {
    weight: &'a str,
    bias: Option<&'a str>,
    orientation: Orientation,
    inputs: usize,
    outputs: usize,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        if let Some(run) = &self.run {
            let folder = RunFolder::at(run.clone());
            check_folder_apart("--run", run, folder.files(), slice::from_ref(&self.weights))?;
        }
        check_export(&self.export, self.run.as_deref(), [&self.weights])?;
        let cannot_import = || format!("cannot import {}", self.weights.display());
        let file = TensorFile::read(&self.weights).with_context(cannot_import)?;
        let tensors = file.tensors().with_context(cannot_import)?;
        let data = self.data.load()?;
        check_apart("--export", &self.export, data.files())?;

        let layers = self.find(&tensors, &data).with_context(cannot_import)?;
        let unused = unused(&tensors, &layers);
        say_unused(&unused);
        say_by_name(&layers);
        let parameters = self.parameters(&layers).with_context(cannot_import)?;
        let hidden: Vec<usize> = layers.iter().skip(1).map(|layer| layer.inputs).collect();
        let folder = self.run.clone().map(RunFolder::create).transpose()?;
        let completed =
            pipeline::complete(&config(hidden), &data, None, &trained(parameters)).map_err(|error| match error {
                PipelineError::Quantize(error) => {
                    let advice = "are its weights whole, and --mean, --std and --pixel-scale those of its training?";
                    anyhow::Error::from(error).context(format!("{}: {advice}", cannot_import()))
                }
                other => other.into(),
            })?;
        completed.write(folder.as_ref(), Some(&self.export))?;

        let outcome = &completed.outcome;
        warn_of_chance(outcome, &data.test);
        warn_of_loss(outcome);
        let report = Report {
            run: self.run.as_deref().map(Shown),
            model: Shown(&self.export),
            layers: layers.iter().map(Found::of).collect(),
            unused,
            outcome,
            generalization_gap: outcome.gap(),
            seconds: start.elapsed().as_secs_f64(),
        };
        self.output.print(&report, || report.text(data.test.len()))
    }

    fn find<'a>(&self, tensors: &'a [Tensor<'a>], data: &Dataset) -> Result<Vec<Layer<'a>>> {
        let (pixels, classes) = (data.train.width, data.class_names.len());
        let layers = match &self.layers[..] {
            [] => import::find(tensors, pixels, classes)?,
            choices => import::follow(choices, tensors, pixels, classes)?,
        };
        let order = WeightOrder::default();
        let bytes: usize = layers.iter().map(|layer| order.packed_length_bound(layer.inputs, layer.outputs)).sum();
        if bytes > MAX_WEIGHT_BYTES {
            anyhow::bail!(
                "its weights make a model of {bytes} bytes; at most {MAX_WEIGHT_BYTES} bytes are possible, as nothing \
                 larger fits a microcontroller"
            );
        }
        Ok(layers)
    }

    /// The network for pixels in 0..=1.
    fn parameters(&self, layers: &[Layer<'_>]) -> Result<Vec<DenseParameters>> {
        let mut parameters = layers.iter().map(Layer::parameters).collect::<Result<Vec<_>, _>>()?;
        let form = PixelForm { scale: self.pixel_scale, mean: self.mean, std: self.std };
        if let Some(first) = parameters.first_mut() {
            form.fold_into(first);
            if !first.weights.iter().chain(&first.biases).all(|number| number.is_finite()) {
                let text = "--mean, --std and --pixel-scale make weights too large for floating point";
                return Err(UsageError(text.to_owned()).into());
            }
        }
        Ok(parameters)
    }
}

/// What is recorded of training, of which nothing is known but the layers.
fn config(hidden: Vec<usize>) -> TrainConfig {
    TrainConfig { epochs: 0, batch_size: 0, learning_rate: 0.0, ..Recipe::Lecture.config(Backend::Imported, hidden, 0) }
}

fn trained(parameters: Vec<DenseParameters>) -> Trained {
    let network = Network::from_parameters(parameters, &backend::processor());
    Trained { network, kept_epoch: 0, history: Vec::new(), stop: Stop::Epochs, quantized: None }
}

/// The names of those `tensors` that are not in `layers`.
fn unused<'a>(tensors: &'a [Tensor<'a>], layers: &[Layer<'_>]) -> Vec<&'a str> {
    let used = layers.iter().flat_map(|layer| [Some(layer.weight), layer.bias]).flatten();
    let used: Vec<&str> = used.map(|tensor| tensor.name.as_str()).collect();
    tensors.iter().map(|tensor| tensor.name.as_str()).filter(|name| !used.contains(name)).collect()
}

fn say_by_name(layers: &[Layer<'_>]) {
    for Layer { weight, orientation, .. } in layers.iter().filter(|layer| layer.is_by_name) {
        let (name, orientation) = (weight.name.escape_debug(), orientation.name());
        progress::say(format_args!(
            "{name} is square, and read as {orientation}, the convention that its name goes by"
        ));
    }
}

fn say_unused(unused: &[&str]) {
    if unused.is_empty() {
        return;
    }
    let names: Vec<String> = unused.iter().take(SHOWN_UNUSED).map(|name| name.escape_debug().to_string()).collect();
    let rest = unused.len() - names.len();
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    progress::say(format_args!(
        "warning: not used: {}{rest}; a network that needs them is no row of dense layers with ReLU, and answers wrongly \
         without them",
        names.join(", ")
    ));
}

/// Warns where the network knows little more than which class is the commonest.
fn warn_of_chance(outcome: &Outcome, test: &Split) {
    let commonest = test.count_classes(usize::from(u8::MAX) + 1).into_iter().max().unwrap_or_default();
    let chance = commonest as f64 / test.len().max(1) as f64;
    let accuracy = outcome.test_accuracy_float;
    if accuracy < chance + MIN_SKILL * (1.0 - chance) {
        progress::say(format_args!(
            "warning: a test accuracy of {} is near chance ({}); is the orientation, --mean/--std/--pixel-scale or the \
             order of the classes right?",
            percent(accuracy),
            percent(chance)
        ));
    }
}

impl<'a> Found<'a> {
    fn of(layer: &Layer<'a>) -> Self {
        let Layer { weight, bias, orientation, inputs, outputs, .. } = layer;
        Self {
            weight: &weight.name,
            bias: bias.map(|bias| bias.name.as_str()),
            orientation: *orientation,
            inputs: *inputs,
            outputs: *outputs,
        }
    }
}

impl Report<'_> {
    fn text(&self, test_pictures: usize) -> String {
        let outcome = self.outcome;
        let layers = self.layers.iter().enumerate().map(|(index, layer)| {
            let Found { weight, bias, orientation, inputs, outputs } = layer;
            let (bias, orientation) = (bias.unwrap_or("no bias"), orientation.name());
            line(
                &format!("layer {index}"),
                format_args!("{inputs} inputs, {outputs} outputs: {weight} ({orientation}), {bias}"),
            )
        });
        let mut text: String = layers.collect();
        text += &outcome_lines(outcome, test_pictures, self.model.0);
        if let Some(run) = self.run {
            text += &line("run", run);
        }
        text + &line("time", format_args!("{:.1} s", self.seconds))
    }
}
