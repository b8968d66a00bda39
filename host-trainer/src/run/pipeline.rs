//! One run from its configuration to its folder: train, quantize, export, evaluate, draw, record.

use std::path::Path;

use burn::tensor::TensorReadError;
use shared_model::{BlobError, Model};
use thiserror::Error;

use crate::data::SoftLabels;
use crate::data::{Dataset, Split};
use crate::model::evaluate;
use crate::model::export::{ExportError, Exported, Origins, export};
use crate::network::calibrate::measure;
use crate::network::{DenseParameters, join_widths};
use crate::plot::{self, PlotError};
use crate::quantize::{DeviationError, QuantizeError, choose_orders, measure_deviation, quantize};
use crate::run::{Configuration, Outcome, RecordError, RunFile, RunFolder, encode_weights, json};
use crate::support::files::{self, WriteError};
use crate::train::{Epoch, Material, Shape, TrainConfig, TrainError, Trained, train};

/// Why there is no run.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// Nothing could be trained.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The backend cannot give its results back.
    #[error("the backend failed; --backend list names others")]
    Backend(#[from] TensorReadError),
    /// The network is none for integers.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// The network is none for the format.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The model is not what was exported.
    #[error("the exported model cannot be read back, which is a mistake of this program: please report it")]
    Model(#[from] BlobError),
    /// The two networks cannot be compared.
    #[error(transparent)]
    Deviation(#[from] DeviationError),
    /// A image cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The run cannot be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The data set; its training images are what is learned from.
    pub data: &'a Dataset,
    /// Images held out of training, to look at after each epoch.
    pub validation: Option<&'a Split>,
    /// A teacher's answers for the training images, to learn from, too.
    pub soft_labels: Option<&'a SoftLabels>,
    /// The network to begin with, where it is not trained from the start.
    pub start: Option<&'a [DenseParameters]>,
}

impl<'a> Sources<'a> {
    /// A data set and nothing else.
    pub fn of(data: &'a Dataset) -> Self {
        Self { data, validation: None, soft_labels: None, start: None }
    }
}

/// Trains as `config` says on `sources`, and records all of it in `folder`; the model goes to
/// `export`, too.
///
/// # Errors
///
/// Where training diverges or a file cannot be written. A failure before the first has its name
/// leaves all as they were.
pub fn run(
    config: &TrainConfig,
    sources: Sources<'_>,
    folder: &RunFolder,
    export_path: Option<&Path>,
    look: impl FnMut(&Epoch),
) -> Result<Outcome, PipelineError> {
    let Sources { data, validation, soft_labels, start } = sources;
    let shape = Shape { columns: data.columns.into(), classes: data.class_names.len() };
    let material = Material { train: &data.train, validation, soft_labels, shape, start };
    let trained = train(config, material, look)?;
    let completed = complete(config, data, validation, &trained).map_err(|error| match error {
        PipelineError::Quantize(error) => TrainError::Quantize(error).into(),
        other => other,
    })?;
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
) -> Result<Completed, PipelineError> {
    let network = &trained.network;
    let layers = network.parameters()?;
    let (on_train, on_test) = (measure(network, &data.train)?, measure(network, &data.test)?);

    let mut quantized = match &trained.quantized {
        Some(quantized) => quantized.clone(),
        None => quantize(&layers, &on_train.largest, config.weight_bits)?,
    };
    choose_orders(&mut quantized, config.weight_bits, config.sparsity);
    let origins = Origins {
        backend: config.backend.name(),
        seed: config.seed,
        epochs: trained.kept_epoch,
        train_images: data.train.len() as u32,
        train_correct: data.train.count_right(&on_train.predictions),
        test_correct: data.test.count_right(&on_test.predictions),
    };
    let Exported { bytes, test } = export(&quantized, data, &origins)?;
    let view = Model::parse(&bytes)?;

    let evaluation = evaluate::describe(&view, &data.test, &test);
    let quantization = measure_deviation(network, &layers, &on_train.largest, &quantized, &view, &data.train)?;
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
        (RunFile::Weights, encode_weights(&layers, &outcome.model_id).map_err(RecordError::from)?),
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
    /// Where a file cannot be written. A failure before the first has its name leaves all as they
    /// were.
    pub fn write(&self, folder: Option<&RunFolder>, export: Option<&Path>) -> Result<(), WriteError> {
        let records = folder
            .into_iter()
            .flat_map(|folder| self.records.iter().map(|(file, bytes)| (folder.file(*file), bytes.as_slice())));
        let model = self.records.iter().filter(|(file, _)| *file == RunFile::Model);
        let export = export.into_iter().zip(model).map(|(path, (_, bytes))| (path.to_owned(), bytes.as_slice()));
        // The run's model is the last: see `RunFile::Model`.
        let files: Vec<_> = export.chain(records).collect();
        let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_path(), *bytes)).collect();
        files::write_together(&files)
    }
}

/// What the network is called in a image: its layers and its seed.
fn name(config: &TrainConfig, data: &Dataset) -> String {
    let widths = [&[data.train.width], config.hidden.as_slice(), &[data.class_names.len()]].concat();
    format!("{}, seed {}", join_widths(&widths, "-"), config.seed)
}
