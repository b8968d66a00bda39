mod check;
mod comparison;
mod found;
mod report;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use prenda::Model;

use self::found::{Source, form};
use self::report::ImportOutput;
use super::messages::warn_of_loss;
use super::model_output::ModelOutputArguments;
use super::number::{above_zero, finite};
use super::{
    DataArguments, OutputArguments, UsageError, check_apart, check_export, check_folder_apart, check_replaced, percent,
};
use crate::data::{HeldOut, Split};
use crate::model::export::ExportError;
use crate::model::import::{LayerChoice, NetworkFile};
use crate::network::Architecture;
use crate::run::pipeline::{self, PipelineError};
use crate::run::{Configuration, Outcome, RunFile, RunFolder};
use crate::support::progress;
use crate::text::{Shown, printable};

/// Smallest accuracy without a warning: 0 is always naming the most frequent class, 1 is perfect.
const MIN_SKILL: f64 = 0.1;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer import weights.safetensors --export model.bin
  host-trainer import network.onnx --export model.bin
  host-trainer import network.tflite --export model.bin
  host-trainer import network.keras --export model.bin
  host-trainer import weights.pt --export model.bin
  host-trainer import weights.safetensors --run runs/imported
  host-trainer import weights.safetensors --export model.bin --mean 0.286 --std 0.353
  host-trainer import net.safetensors --export m.bin --layer k1,b1,in-out --layer k2,b2,in-out
  host-trainer import net.safetensors --export m.bin --network 'conv 8 3x3 stride 2 pad 1; dense 10'")]
pub struct ImportArguments {
    /// Network of another program: a file of ONNX (opset 11 or later), TensorFlow Lite or Keras, or
    /// weights of PyTorch, Keras or safetensors in F32, F64, F16 or BF16
    ///
    /// Its content tells the format. Files of ONNX, TensorFlow Lite and Keras have all layers, so
    /// they take neither --network nor --layer, --fold, --epsilon and --ignore.
    #[arg(value_name = "FILE")]
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
    /// NPZ file with some `inputs` of the network, and the `outputs` of the program that trained it
    ///
    /// Inputs are images in float32 or float64, scaled as in training, or in uint8, which are raw
    /// pixels. Outputs are logits, probabilities or their logarithms. Compares outputs in floating
    /// point, before quantization, and fails if one differs by more than 1e-4 of the largest.
    #[arg(long, value_name = "FILE.npz")]
    check: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

impl ImportArguments {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        let ModelOutputArguments { export, run, overwrite } = &self.place;
        let run = run.as_deref();
        let inputs: Vec<PathBuf> = [&self.weights].into_iter().chain(&self.check).cloned().collect();
        if let Some(run) = run {
            let folder = RunFolder::at(run.to_owned());
            check_folder_apart("--run", run, folder.files(), &inputs)?;
        }
        if let Some(export) = export {
            check_export(export, run, &inputs)?;
        }
        let file = NetworkFile::read(&self.weights).with_context(|| self.failure())?;
        let source = Source::of(&file, &self)?;
        let data = self.data.load()?;
        if let Some(export) = export {
            check_apart("--export", export, data.files())?;
        }

        let mut found = source.find(&self, &data)?;
        let check = self.check.as_deref();
        let check = check.map(|path| check::check(path, &found, data.shape, form(&self))).transpose()?;
        let config = found.config();
        if let Some(run) = run.filter(|_| !overwrite) {
            check_replaced(
                &RunFolder::at(run.to_owned()),
                &Configuration::new(&config, HeldOut::default(), &data),
                "--run",
            )?;
        }
        let folder = run.map(|run| RunFolder::create(run.to_owned())).transpose()?;
        let mut completed = pipeline::complete(&config, &data, run, None, &found.trained());
        if found.integers.is_some() && completed.as_ref().is_err_and(PipelineError::is_of_logits) {
            progress::log("some image could overflow the file's integers, so its numbers are quantized again");
            found.integers = None;
            completed = pipeline::complete(&config, &data, run, None, &found.trained());
        }
        let completed = completed.map_err(|error| {
            let error = match error {
                PipelineError::Quantize(error) => anyhow::Error::from(error),
                PipelineError::Export(ExportError::Encode(error)) => error.into(),
                other => return other.into(),
            };
            let advice = "check its weights, and that --mean, --std and --pixel-scale are those of its training";
            error.context(format!("{}: {advice}", self.failure()))
        })?;
        let outcome = &completed.outcome;
        if let Some(folder) = folder.as_ref().filter(|_| !overwrite) {
            check_model(folder, outcome)?;
        }
        completed.write(folder.as_ref(), export.as_deref())?;

        let source = match &found.integers {
            Some(integers) => Some(integers.compare(&Model::parse(completed.model())?, &data.test)?),
            None => None,
        };
        let in_run = folder.map(|folder| folder.file(RunFile::Model));
        let model = export.clone().or(in_run).unwrap_or_default();
        warn_of_chance(outcome, &data.test);
        warn_of_loss(outcome);
        let report = ImportOutput {
            run: run.map(Shown),
            model: Shown(&model),
            layers: &found.layers,
            check,
            source,
            unused: &found.unused,
            outcome,
            generalization_gap: outcome.gap(),
            seconds: start.elapsed().as_secs_f64(),
        };
        self.output.print(&report, || report.text(data.test.len()))
    }

    /// Returns the beginning of an error.
    fn failure(&self) -> String {
        format!("cannot import {}", self.weights.display())
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
