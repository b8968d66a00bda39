//! One run from its configuration to its folder: train, quantize, export, evaluate, draw, record.

use std::path::Path;

use anyhow::{Context, Result};
use shared_model::ModelView;

use crate::calibrate::measure;
use crate::dataset::{Dataset, Split};
use crate::evaluate;
use crate::export::{Exported, Origins, export};
use crate::files;
use crate::plot;
use crate::progress;
use crate::quantize::{measure_error, quantize};
use crate::record::{Configuration, Outcome, RunFile, RunFolder, encode_weights, json};
use crate::train::{Epoch, TrainConfig, train};

/// Trains as `config` says on `data`, looks at `validation` after each epoch, and records all of it in `folder`; the
/// model goes to `export`, too.
///
/// # Errors
///
/// Where training diverges or a file cannot be written. Then nothing of the run is written.
pub fn run(
    config: &TrainConfig,
    data: &Dataset,
    validation: Option<&Split>,
    folder: &RunFolder,
    export_path: Option<&Path>,
    look: impl FnMut(&Epoch),
) -> Result<Outcome> {
    let trained = train(config, &data.train, validation, data.class_names.len(), look)?;
    let network = &trained.network;
    let layers = network.parameters()?;
    let (on_train, on_test) = (measure(network, &data.train)?, measure(network, &data.test)?);

    let quantized = quantize(&layers, &on_train.largest)?;
    let origins = Origins {
        backend: config.backend.name(),
        seed: config.seed,
        epochs: trained.kept_epoch,
        train_pictures: data.train.len() as u32,
        train_correct: data.train.count_right(&on_train.predictions),
        test_correct: data.test.count_right(&on_test.predictions),
    };
    let Exported { bytes, test } = export(&quantized, data, &origins)?;
    let view = ModelView::parse(&bytes).context("the exported model cannot be read back")?;

    let evaluation = evaluate::describe(&view, &data.test, &test);
    let quantization = measure_error(network, &layers, &on_train.largest, &quantized, &view, &data.train)?;
    let changed = test.predictions.iter().zip(&on_test.predictions).filter(|(fixed, float)| fixed != float);
    let outcome = Outcome {
        model_id: view.id().to_string(),
        model_bytes: bytes.len(),
        parameters: layers.iter().map(|layer| layer.weights.len() + layer.biases.len()).sum(),
        epochs: trained.history.len() as u32,
        kept_epoch: trained.kept_epoch,
        stop: trained.stop,
        train_accuracy_float: on_train.accuracy(&data.train),
        test_accuracy_float: on_test.accuracy(&data.test),
        test_accuracy_fixed: evaluation.accuracy,
        predictions_changed: changed.count(),
        train_seconds: trained.history.iter().map(|epoch| epoch.seconds).sum(),
    };

    let held_out = validation.map_or(0, Split::len);
    let confusion = plot::confusion(&evaluation)?;
    let mistakes = plot::mistakes(&evaluation, &data.test, data.rows.into(), data.columns.into())?;
    let history = plot::history(&[(&name(config, data), &trained.history)])?;
    let records = [
        (RunFile::Configuration, json(&Configuration::new(config, held_out, data))?),
        (RunFile::History, json(&trained.history)?),
        (RunFile::Outcome, json(&outcome)?),
        (RunFile::Evaluation, json(&evaluation)?),
        (RunFile::Quantization, json(&quantization)?),
        (RunFile::Weights, encode_weights(&layers)?),
        (RunFile::HistoryPlot, history.into_bytes()),
        (RunFile::ConfusionPlot, confusion.into_bytes()),
        (RunFile::MistakesPlot, mistakes.into_bytes()),
    ];
    let records = records.iter().map(|(file, bytes)| (folder.file(*file), bytes.as_slice()));
    let model = [(folder.file(RunFile::Model), bytes.as_slice())];
    let export = export_path.map(|path| (path.to_owned(), bytes.as_slice()));
    let files: Vec<_> = records.chain(model).chain(export).collect();
    let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_path(), *bytes)).collect();
    files::write_all(&files)?;
    Ok(outcome)
}

/// What the network is called in a picture: its layers and its seed.
fn name(config: &TrainConfig, data: &Dataset) -> String {
    let widths = [&[data.train.width], config.hidden.as_slice(), &[data.class_names.len()]].concat();
    let widths: Vec<String> = widths.iter().map(ToString::to_string).collect();
    format!("{}, seed {}", widths.join("-"), config.seed)
}

/// What is printed of an epoch while training goes on.
pub fn say_epoch(epoch: &Epoch, epochs: u32) {
    let Epoch { epoch, loss, accuracy, validation_accuracy, seconds, .. } = epoch;
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let validation = validation_accuracy.map(|share| format!(", validation {}", percent(share))).unwrap_or_default();
    progress::say(format_args!(
        "epoch {epoch}/{epochs}: loss {loss:.4}, accuracy {}{validation}, {seconds:.1} s",
        percent(*accuracy)
    ));
}
