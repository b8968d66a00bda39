//! One run from its configuration to its folder: train, quantize, export, evaluate, draw, record.

use std::path::Path;

use anyhow::{Context, Result};
use shared_model::ModelView;

use crate::calibrate::measure;
use crate::dataset::{Dataset, Split};
use crate::evaluate;
use crate::export::{Exported, Origins, export};
use crate::files::{self, WriteError};
use crate::plot;
use crate::progress;
use crate::quantize::{measure_error, quantize};
use crate::record::{Configuration, Outcome, RunFile, RunFolder, encode_weights, json};
use crate::train::{Epoch, TrainConfig, Trained, train};

/// Accuracy that quantization may cost before a warning, as a share.
const TOLERATED_LOSS: f64 = 0.005;

/// Trains as `config` says on `data`, looks at `validation` after each epoch, and records all of it in `folder`; the
/// model goes to `export`, too.
///
/// # Errors
///
/// Where training diverges or a file cannot be written. A full disk leaves all as they were.
pub fn run(
    config: &TrainConfig,
    data: &Dataset,
    validation: Option<&Split>,
    folder: &RunFolder,
    export_path: Option<&Path>,
    look: impl FnMut(&Epoch),
) -> Result<Outcome> {
    let trained = train(config, &data.train, validation, data.class_names.len(), look)?;
    let completed = complete(config, data, validation, &trained)?;
    completed.write(Some(folder), export_path)?;
    Ok(completed.outcome)
}

/// A run that is complete, but not written yet.
#[derive(Debug)]
pub struct Completed {
    /// What came of it.
    pub outcome: Outcome,
    /// Its files; the model is the last.
    records: Vec<(RunFile, Vec<u8>)>,
}

/// Quantizes, exports and evaluates what was trained as `config` says.
///
/// # Errors
///
/// Where the network is none for integers.
pub fn complete(
    config: &TrainConfig,
    data: &Dataset,
    validation: Option<&Split>,
    trained: &Trained,
) -> Result<Completed> {
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
        train_seconds: trained.history.iter().fold(0.0, |sum, epoch| sum + epoch.seconds),
    };

    let held_out = validation.map_or(0, Split::len);
    let history = plot::history(&[(&name(config, data), &trained.history)])?;
    let confusion = plot::confusion(&evaluation)?;
    let mistakes = plot::mistakes(&evaluation, &data.test, data.rows.into(), data.columns.into())?;
    let records = vec![
        (RunFile::Configuration, json(&Configuration::new(config, held_out, data))?),
        (RunFile::History, json(&trained.history)?),
        (RunFile::Outcome, json(&outcome)?),
        (RunFile::Evaluation, json(&evaluation)?),
        (RunFile::Quantization, json(&quantization)?),
        (RunFile::Weights, encode_weights(&layers)?),
        (RunFile::HistoryPlot, history.into_bytes()),
        (RunFile::ConfusionPlot, confusion.into_bytes()),
        (RunFile::MistakesPlot, mistakes.into_bytes()),
        (RunFile::Model, bytes.clone()),
    ];
    Ok(Completed { outcome, records })
}

impl Completed {
    /// Writes all files to `folder`, and the model to `export`, each where there is one.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written. A full disk leaves all as they were.
    pub fn write(&self, folder: Option<&RunFolder>, export: Option<&Path>) -> Result<(), WriteError> {
        let records = folder
            .into_iter()
            .flat_map(|folder| self.records.iter().map(|(file, bytes)| (folder.file(*file), bytes.as_slice())));
        let model = self.records.iter().filter(|(file, _)| *file == RunFile::Model);
        let export = export.into_iter().zip(model).map(|(path, (_, bytes))| (path.to_owned(), bytes.as_slice()));
        // The run's model is the last: see `RunFile::Model`.
        let files: Vec<_> = export.chain(records).collect();
        let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_path(), *bytes)).collect();
        files::write_all(&files)
    }
}

/// What the network is called in a picture: its layers and its seed.
fn name(config: &TrainConfig, data: &Dataset) -> String {
    let widths = [&[data.train.width], config.hidden.as_slice(), &[data.class_names.len()]].concat();
    let widths: Vec<String> = widths.iter().map(ToString::to_string).collect();
    format!("{}, seed {}", widths.join("-"), config.seed)
}

/// Warns where quantization costs more accuracy than it should.
pub fn warn_of_loss(outcome: &Outcome) {
    let loss = outcome.test_accuracy_float - outcome.test_accuracy_fixed;
    if loss > TOLERATED_LOSS {
        progress::say(format_args!(
            "warning: fixed point loses {:.2} points of test accuracy; more than {:.2} is unusual",
            100.0 * loss,
            100.0 * TOLERATED_LOSS
        ));
    }
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
