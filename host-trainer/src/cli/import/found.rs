//! The network of a file: its layers for the images of a data set.

use anyhow::{Context as _, Result};
use networks::GraphNetwork;
use prenda::WeightOrder;

use super::ImportArguments;
use super::report::FoundLayer;
use crate::cli::UsageError;
use crate::data::Dataset;
use crate::limits::MAX_WEIGHT_BYTES;
use crate::model::import::{
    Described, Expected, Folding, FoundNetwork, GraphContent, GraphFile, Integers, Layer, NetworkFile, Prepared,
};
use crate::network::backend::{self, Backend};
use crate::network::{Architecture, DenseParameters, LayerPlan, Network, PixelForm};
use crate::support::progress;
use crate::train::{Recipe, Stop, TrainConfig, Trained};

/// Most unused tensors named in a warning.
const MAX_NAMED_UNUSED: usize = 20;

/// A file that has been parsed as far as it can be without a data set.
pub enum Source<'a> {
    Tensors(Prepared<'a>),
    Graph(&'a GraphFile),
}

/// A network, complete in floating point.
pub struct Found {
    /// Takes pixels in 0..=1.
    parameters: Vec<DenseParameters>,
    /// All layers; `None` for dense layers.
    plan: Option<Vec<LayerPlan>>,
    /// All layers in words, unless they are dense.
    network: Option<Architecture>,
    /// Neurons of each hidden layer, if all layers are dense.
    hidden: Vec<usize>,
    pub layers: Vec<FoundLayer>,
    /// The file's own integers, if a model computes like it.
    pub integers: Option<Integers>,
    /// Names of tensors that the network does not have.
    pub unused: Vec<String>,
}

impl<'a> Source<'a> {
    /// Parses `file`.
    pub fn of(file: &'a NetworkFile, arguments: &ImportArguments) -> Result<Self> {
        match file {
            NetworkFile::Tensors(file) => {
                let tensors = file.tensors().with_context(|| arguments.failure())?;
                let prepared = Prepared::new(tensors, &arguments.ignore).with_context(|| arguments.failure())?;
                Ok(Self::Tensors(prepared))
            }
            NetworkFile::Graph(file) => {
                let ImportArguments { network, layers, fold, epsilon, ignore, .. } = arguments;
                let given = [
                    (network.is_some(), "--network"),
                    (!layers.is_empty(), "--layer"),
                    (*fold, "--fold"),
                    (epsilon.is_some(), "--epsilon"),
                    (!ignore.is_empty(), "--ignore"),
                ];
                match given.iter().find(|(is_given, _)| *is_given) {
                    Some((_, option)) => Err(UsageError(format!(
                        "{option}: {} is {}, which has all layers of its network; leave the option out",
                        arguments.weights.display(),
                        file.name()
                    ))
                    .into()),
                    None => Ok(Self::Graph(file)),
                }
            }
        }
    }

    /// Returns the network for the images and classes of `data`. Logs what was found.
    pub fn find(&self, arguments: &ImportArguments, data: &Dataset) -> Result<Found> {
        match self {
            Self::Tensors(prepared) => of_tensors(arguments, prepared, data),
            Self::Graph(file) => of_graph(arguments, file, data),
        }
    }
}

impl Found {
    /// Returns the network as if it had been trained here.
    pub fn trained(&self) -> Trained {
        let device = backend::processor();
        let parameters = self.parameters.clone();
        let network = match &self.plan {
            Some(plan) => Network::new(plan.clone(), parameters, &device),
            None => Network::from_parameters(parameters, &device),
        };
        let quantized = self.integers.as_ref().map(|integers| integers.layers.clone());
        Trained { network, kept_epoch: 0, history: Vec::new(), stop: Stop::Epochs, quantized, float: None }
    }

    /// Returns the recorded configuration of a training of which only the layers are known.
    pub fn config(&self) -> TrainConfig {
        let recipe = Recipe::Lecture.config(Backend::Imported, self.hidden.clone(), 0);
        TrainConfig { network: self.network.clone(), epochs: 0, batch_size: 0, learning_rate: 0.0, ..recipe }
    }
}

fn of_tensors(arguments: &ImportArguments, prepared: &Prepared<'_>, data: &Dataset) -> Result<Found> {
    let plan = described(arguments, data)?;
    let network = find(arguments, prepared, data, plan.as_deref()).with_context(|| arguments.failure())?;
    let unused: Vec<String> =
        network.unused.iter().copied().map(str::to_owned).chain(prepared.ignored.iter().cloned()).collect();
    log_unused(&unused);
    log_square(&network.layers);
    prepared.notes.iter().cloned().chain(network.notes()).for_each(progress::log);
    log_one_output(network.has_one_output(), &data.class_names);
    let mut parameters = network.parameters().with_context(|| arguments.failure())?;
    fold_pixels(arguments, &mut parameters).with_context(|| arguments.failure())?;
    let places: Vec<usize> = match &plan {
        Some(layers) => layers.iter().filter(|l| l.plan.kind.has_matrix()).map(|layer| layer.index).collect(),
        None => (0..network.layers.len()).collect(),
    };
    let dense = match &arguments.network {
        Some(network) => network.hidden(),
        None => Some(network.layers.iter().skip(1).map(|layer| layer.reads.count()).collect()),
    };
    Ok(Found {
        parameters,
        plan: plan.map(|layers| layers.iter().map(|layer| layer.plan).collect()),
        network: arguments.network.clone().filter(|_| dense.is_none()),
        hidden: dense.unwrap_or_default(),
        layers: network.layers.iter().zip(places).map(|(layer, place)| FoundLayer::of(layer, place)).collect(),
        integers: None,
        unused,
    })
}

fn of_graph(arguments: &ImportArguments, file: &GraphFile, data: &Dataset) -> Result<Found> {
    let content = file.content(data.shape, data.class_names.len(), form(arguments));
    let GraphContent { network, notes, integers } = content.with_context(|| arguments.failure())?;
    notes.into_iter().for_each(progress::log);
    let GraphNetwork { architecture, plan, mut parameters, names, has_one_output } = network;
    log_one_output(has_one_output, &data.class_names);
    if let Some(first) = plan.iter().find(|plan| plan.kind.has_matrix()) {
        let name = names.first().map_or("", |name| name.operator.as_str());
        check_padding(arguments, first, name)?;
    }
    fold_pixels(arguments, &mut parameters).with_context(|| arguments.failure())?;
    let hidden = architecture.hidden();
    Ok(Found {
        parameters,
        plan: Some(plan),
        network: Some(architecture).filter(|_| hidden.is_none()),
        hidden: hidden.unwrap_or_default(),
        layers: names.into_iter().map(FoundLayer::of_operator).collect(),
        integers,
        unused: Vec::new(),
    })
}

/// Returns the layers of --network for the images of `data`.
fn described(arguments: &ImportArguments, data: &Dataset) -> Result<Option<Vec<Described>>, UsageError> {
    let Some(network) = &arguments.network else { return Ok(None) };
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
    if let Some(Described { index, text, plan, .. }) = layers.iter().find(|layer| layer.plan.kind.has_matrix()) {
        check_padding(arguments, plan, &format!("layer {index}, {text},"))?;
    }
    Ok(Some(layers))
}

/// Checks that the first layer with weights, `name`, does not pad images whose mean is not black.
fn check_padding(arguments: &ImportArguments, plan: &LayerPlan, name: &str) -> Result<(), UsageError> {
    if arguments.mean == 0.0 || plan.kind.window().is_none_or(|window| window.padding == [0; 4]) {
        return Ok(());
    }
    Err(UsageError(format!(
        "--mean {}: {name} pads images with zeros, which are then not black but the mean; train it without a mean or \
         without padding",
        arguments.mean
    )))
}

fn find<'a>(
    arguments: &ImportArguments,
    prepared: &'a Prepared<'a>,
    data: &Dataset,
    layers: Option<&[Described]>,
) -> Result<FoundNetwork<'a>> {
    let fold = arguments.fold.then_some(Folding { epsilon: arguments.epsilon });
    let expected = Expected { pixels: data.train.width, classes: data.class_names.len(), layers };
    let network = FoundNetwork::find(prepared, &arguments.layers, expected, fold)?;
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

/// Returns the form of pixels in training.
pub fn form(arguments: &ImportArguments) -> PixelForm {
    PixelForm { scale: arguments.pixel_scale, mean: arguments.mean, std: arguments.std }
}

/// Converts the first layer to take pixels in 0..=1.
fn fold_pixels(arguments: &ImportArguments, parameters: &mut [DenseParameters]) -> Result<(), UsageError> {
    if let Some(first) = parameters.first_mut() {
        form(arguments).fold_into(first);
        if !first.weights.iter().chain(&first.biases).all(|number| number.is_finite()) {
            let text = "--mean, --std and --pixel-scale make weights infinite; use the values of the training";
            return Err(UsageError(text.to_owned()));
        }
    }
    Ok(())
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

fn log_unused(unused: &[String]) {
    if unused.is_empty() {
        return;
    }
    let names: Vec<String> = unused.iter().take(MAX_NAMED_UNUSED).map(|name| name.escape_debug().to_string()).collect();
    let rest = unused.len() - names.len();
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    progress::log(format_args!("warning: not used: {}{rest}", names.join(", ")));
}

/// Logs which class the only output of a network means.
fn log_one_output(has_one_output: bool, class_names: &[String]) {
    if let ([first, second], true) = (class_names, has_one_output) {
        progress::log(format_args!(
            "the last layer has one output, as for a sigmoid; below 0 it means class {first}, above 0 class {second}"
        ));
    }
}
