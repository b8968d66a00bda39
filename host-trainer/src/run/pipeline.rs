//! Makes one run: trains, quantizes, exports, evaluates, plots and records.

use std::path::{Path, PathBuf};

use burn::tensor::TensorReadError;
use host_support::errors::chain;
use prenda::{BlobError, EncodeError, Layer, LayerKind, Model};
use thiserror::Error;

use crate::data::{Dataset, SoftLabels, Validation};
use crate::model::export::{ExportError, Exported, Origins, export};
use crate::model::reorder::{ReorderError, reorder};
use crate::model::{Paired, evaluate};
use crate::network::calibrate::measure;
use crate::network::{DenseParameters, Network};
use crate::plot::{self, History, HistoryRun, PlotError};
use crate::quantize::{DeviationError, Quantization, QuantizeError, choose_orders, measure_deviation, quantize};
use crate::run::progress::{Planned, ProgressFile};
use crate::run::{Configuration, Outcome, RecordError, RunFile, RunFolder, encode_weights, json};
use crate::support::files::{self, WriteError};
use crate::support::{interrupt, progress};
use crate::train::{Epoch, Material, TrainConfig, TrainError, Trained, train};

/// Why a run fails.
#[derive(Debug, Error)]
pub enum PipelineError {
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error("the backend failed; --backend list names others")]
    Backend(#[from] TensorReadError),
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error("cannot parse the exported model; this is a bug in host-trainer, please report it")]
    Model(#[from] BlobError),
    #[error(transparent)]
    Deviation(#[from] DeviationError),
    #[error(transparent)]
    Reorder(#[from] ReorderError),
    #[error(transparent)]
    Plot(#[from] PlotError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("{reason}; the trained network and its history are kept in {folder}")]
    Kept { reason: String, folder: PathBuf },
}

impl PipelineError {
    /// Returns true if some image's logits could overflow their fixed point.
    pub fn is_of_logits(&self) -> bool {
        match self {
            Self::Quantize(QuantizeError::LogitRange { .. }) => true,
            // In other layers, quantization excludes it.
            Self::Export(ExportError::Encode(EncodeError::Blob(error))) => matches!(error, BlobError::Overflow { .. }),
            _ => false,
        }
    }
}

/// The inputs of a run.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The data set; the network learns from its training images.
    pub data: &'a Dataset,
    /// Images held out of training, to measure accuracy on after each epoch.
    pub validation: Option<&'a Validation>,
    /// A teacher's answers for the training images; the network learns from them, too.
    pub soft_labels: Option<&'a SoftLabels>,
    /// The network to start from; `None` for random weights.
    pub start: Option<&'a [DenseParameters]>,
}

/// A run that is written.
#[derive(Debug)]
pub struct Finished {
    pub outcome: Outcome,
    /// The folder with its files. That of an interrupted run may be another than was asked for.
    pub folder: RunFolder,
    /// True if the model was exported, too.
    pub is_exported: bool,
}

/// Trains `config` on `sources` and records the run in `folder`. Also writes the model to
/// `export_path`, if given.
///
/// If a signal asks for the end, the network is recorded as it is. It replaces neither a run that
/// got further nor an exported model.
///
/// # Errors
///
/// Returns an error if training diverges or a file cannot be written. All old files of the folder
/// are then as they were, and the new ones are kept in another folder: after an epoch, at least the
/// float network and the history.
pub fn run(
    config: &TrainConfig,
    sources: Sources<'_>,
    folder: &RunFolder,
    export_path: Option<&Path>,
    mut on_epoch: impl FnMut(&Epoch, &Planned),
) -> Result<Finished, PipelineError> {
    let _deferred = interrupt::defer();
    let Sources { data, validation, soft_labels, start } = sources;
    let image = data.shape;
    let held_out = validation.map(|validation| &validation.split);
    let material = Material {
        train: &data.train,
        validation: held_out,
        soft_labels,
        image,
        classes: data.class_names.len(),
        start,
    };
    let planned = Planned { network: name(config, data), epochs: config.all_epochs(), images: data.train.len() };
    let mut running = Running::new(folder, &planned);
    let trained = train(config, material, |epoch, network| {
        running.record(epoch, network);
        on_epoch(epoch, &planned);
    });
    let completed = trained.map_err(PipelineError::from).and_then(|trained| {
        let is_interrupted = trained.stop.is_interruption();
        let epochs = trained.history.len() as u32;
        let folder = if is_interrupted { folder.for_interrupted(epochs)? } else { folder.clone() };
        let completed = complete(config, data, Some(folder.path()), validation, &trained);
        let completed = completed.map_err(|error| match error {
            PipelineError::Quantize(error) => TrainError::Quantize(error).into(),
            other => other,
        })?;
        Ok((completed, folder, is_interrupted))
    });
    let (completed, folder, is_interrupted) = completed.map_err(|error| running.keep(error))?;
    let export_path = export_path.filter(|path| !is_interrupted || !path.exists());
    completed.write(Some(&folder), export_path)?;
    Ok(Finished { outcome: completed.outcome, folder, is_exported: export_path.is_some() })
}

/// A training in progress.
struct Running<'a> {
    folder: &'a RunFolder,
    file: ProgressFile,
    history: Vec<Epoch>,
    /// The network to keep if training fails.
    network: Option<Network>,
}

impl<'a> Running<'a> {
    fn new(folder: &'a RunFolder, planned: &Planned) -> Self {
        Self { folder, file: ProgressFile::create(folder, planned), history: Vec::new(), network: None }
    }

    fn record(&mut self, epoch: &Epoch, network: &Network) {
        self.file.append(epoch);
        self.history.push(epoch.clone());
        self.network = Some(network.clone());
    }

    /// Keeps the network and the history of a run that fails with `error`, if an epoch was
    /// completed. Returns the error with the folder's name.
    fn keep(&self, error: PipelineError) -> PipelineError {
        let layers = self.network.as_ref().and_then(|network| network.parameters().ok());
        let weights = layers.and_then(|layers| encode_weights(&layers, None).ok());
        let Some((weights, history)) = weights.zip(json(&self.history).ok()) else { return error };
        let [weights_path, history_path] = [RunFile::Weights, RunFile::History].map(|file| self.folder.file(file));
        match files::keep_in_folder(&[(&weights_path, &weights), (&history_path, &history)]) {
            Some(folder) => PipelineError::Kept { reason: chain(&error), folder },
            None => error,
        }
    }
}

/// A run that is complete, but not written.
#[derive(Debug)]
pub struct Completed {
    pub outcome: Outcome,
    /// The run's files; the model is the last.
    records: Vec<(RunFile, Vec<u8>)>,
    /// The configuration for any other folder: it names the data set absolutely.
    moved_configuration: Vec<u8>,
}

/// Largest divisor of logits that are too large for their fixed point.
const MAX_LOGIT_DIVISOR: f32 = 65_536.0;

/// Step from one divisor to the next: a power of two, so that weights stay exact.
const LOGIT_DIVISOR_STEP: f32 = 4.0;

/// Quantizes, exports and evaluates a network trained with `config`, for the folder `run`.
///
/// Divides the last layer if some image's logits could overflow: classes stay the same, and only
/// probabilities are closer to each other.
pub fn complete(
    config: &TrainConfig,
    data: &Dataset,
    run: Option<&Path>,
    validation: Option<&Validation>,
    trained: &Trained,
) -> Result<Completed, PipelineError> {
    let mut completed = attempt(config, data, run, validation, trained);
    let mut divisor = 1.0;
    let is_overflow = |completed: &Result<_, PipelineError>| completed.as_ref().is_err_and(PipelineError::is_of_logits);
    while trained.quantized.is_none() && divisor < MAX_LOGIT_DIVISOR && is_overflow(&completed) {
        divisor *= LOGIT_DIVISOR_STEP;
        let mut layers = trained.network.parameters()?;
        if let Some(last) = layers.last_mut() {
            last.weights.iter_mut().chain(&mut last.biases).for_each(|number| *number /= divisor);
        }
        let network = trained.network.with_parameters(layers);
        completed = attempt(config, data, run, validation, &Trained { network, ..trained.clone() });
    }
    if divisor > 1.0 && completed.is_ok() {
        progress::log(format_args!(
            "warning: some image could give logits above 32767, so all are divided by {divisor}; classes stay the \
             same, probabilities become more equal"
        ));
    }
    completed
}

fn attempt(
    config: &TrainConfig,
    data: &Dataset,
    run: Option<&Path>,
    validation: Option<&Validation>,
    trained: &Trained,
) -> Result<Completed, PipelineError> {
    let network = &trained.network;
    let layers = network.parameters()?;
    let (on_train, on_test) = (measure(network, &data.train)?, measure(network, &data.test)?);

    let before = trained.float.as_ref().map(|float| measure(float, &data.test)).transpose()?;

    let mut quantized = match &trained.quantized {
        Some(quantized) => quantized.clone(),
        None => quantize(network.plan(), &layers, &on_train.largest, config.weight_bits)?,
    };
    choose_orders(network.plan(), &mut quantized, config.weight_bits, config.sparsity);
    let mark = if trained.stop.is_interruption() { ", interrupted" } else { "" };
    let origins = Origins {
        backend: &format!("{}{mark}", config.backend.name()),
        seed: config.seed,
        epochs: trained.kept_epoch,
        train_images: data.train.len() as u32,
        train_correct: data.train.count_correct(&on_train.predictions),
        test_correct: data.test.count_correct(&on_test.predictions),
    };
    let Exported { bytes, test } = export(network.plan(), &quantized, data, &origins)?;
    let unpaired = Model::parse(&bytes)?;

    let mut quantization = measure_deviation(network, &layers, &on_train.largest, &quantized, &unpaired, &data.train)?;
    let bytes = if has_convolution(&unpaired) { pair(&unpaired, data, &mut quantization)? } else { bytes.clone() };
    let view = Model::parse(&bytes)?;
    let evaluation = evaluate::describe(&view, &data.test, &test);
    let changed = test.predictions.iter().zip(&on_test.predictions).filter(|(fixed, float)| fixed != float);
    let outcome = Outcome {
        model_id: view.id().to_string(),
        model_bytes: bytes.len(),
        parameters: view.layers().iter().map(Layer::parameters).sum(),
        epochs: trained.history.len() as u32,
        kept_epoch: trained.kept_epoch,
        stop: trained.stop,
        train_accuracy_float: on_train.accuracy(&data.train),
        test_accuracy_float: on_test.accuracy(&data.test),
        test_accuracy_fixed: evaluation.accuracy,
        test_accuracy_before_qat: before.map(|before| before.accuracy(&data.test)),
        predictions_changed: changed.count(),
        train_seconds: trained.history.iter().fold(0.0, |sum, epoch| sum + epoch.seconds),
    };

    let held_out = validation.map(|validation| validation.held_out).unwrap_or_default();
    let history = HistoryRun { name: &name(config, data), epochs: &trained.history, kept: Some(outcome.kept()) };
    let history = History::of(&[history]).whole();
    let confusion = plot::confusion(&evaluation);
    let mistakes = plot::mistakes(&evaluation, &data.test, plot::size(data.shape))?;
    let configuration = Configuration::new(config, held_out, data).with_data(data, run);
    let records = vec![
        (RunFile::Configuration, json(&configuration)?),
        (RunFile::History, json(&trained.history)?),
        (RunFile::Outcome, json(&outcome)?),
        (RunFile::Evaluation, json(&evaluation)?),
        (RunFile::Quantization, json(&quantization)?),
        (RunFile::Weights, encode_weights(&layers, Some(&outcome.model_id)).map_err(RecordError::from)?),
        (RunFile::HistoryPlot, history.into_bytes()),
        (RunFile::ConfusionPlot, confusion.into_bytes()),
        (RunFile::MistakesPlot, mistakes.into_bytes()),
        (RunFile::Model, bytes.clone()),
    ];
    Ok(Completed { outcome, records, moved_configuration: json(&configuration.moved(data))? })
}

/// Returns true if a layer is a convolution. Only then channels are paired, so that dense networks
/// keep their ids.
fn has_convolution(model: &Model<'_>) -> bool {
    model.layers().iter().any(|layer| matches!(layer.kind(), LayerKind::Convolution(_)))
}

/// Returns `model` with channels paired on the training images, and updates the shares of zero
/// pairs.
fn pair(model: &Model<'_>, data: &Dataset, quantization: &mut Quantization) -> Result<Vec<u8>, ReorderError> {
    let (bytes, shares) = reorder(model, None, Some(&data.train))?;
    for Paired { layer, after, .. } in shares {
        let place = model.layers().iter().take(layer).filter(|layer| layer.matrix().is_some()).count();
        if let Some(layer) = quantization.layers.get_mut(place) {
            layer.zero_pairs = Some(after);
        }
    }
    Ok(bytes)
}

impl Completed {
    /// Returns the model.
    pub fn model(&self) -> &[u8] {
        let model = self.records.iter().find(|(file, _)| *file == RunFile::Model);
        model.map_or(&[], |(_, bytes)| bytes)
    }

    /// Writes all files to `folder`, and the model to `export`, if they are given. An error in one
    /// of them does not keep the other from being written.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written. All old files of the folder are then as they
    /// were, and the new ones are kept in another folder.
    pub fn write(&self, folder: Option<&RunFolder>, export: Option<&Path>) -> Result<(), WriteError> {
        let exported = export.map_or(Ok(()), |path| files::write(path, self.model()));
        let Some(folder) = folder else { return exported };
        // The run's model must be the last: see `RunFile::Model`.
        let files: Vec<_> = self.records.iter().map(|(file, bytes)| (folder.file(*file), bytes)).collect();
        let mut files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice())).collect();
        let written = files::write_together(&files).map_err(|error| {
            for ((file, _), (_, bytes)) in self.records.iter().zip(&mut files) {
                if *file == RunFile::Configuration {
                    *bytes = &self.moved_configuration;
                }
            }
            files::keep(&files, error)
        });
        WriteError::join(written, exported)
    }
}

/// Returns the network's name in plots: its layers and its seed.
fn name(config: &TrainConfig, data: &Dataset) -> String {
    format!("{}, seed {}", config.network_name(data.train.width, data.class_names.len()), config.seed)
}
