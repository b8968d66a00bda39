//! The network of a file: its layers, and the other tensors.

use std::collections::HashSet;

use super::batch_norm::{self, BatchNorm, Fold};
use super::described::{self, Described};
use super::error::ImportError;
use super::layer::{Layer, LayerChoice};
use super::layers::{candidates, find, follow};
use super::leftover::{describe, foreign, is_convolution, is_named, is_state};
use super::resolve::resolve;
use super::sketch::sketch;
use super::tensors::Tensor;
use crate::network::DenseParameters;

/// The tensors of a file without those that the user ignores, with weights that are stored in parts
/// computed.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub tensors: Vec<Tensor<'a>>,
    /// Names of the ignored tensors.
    pub ignored: Vec<String>,
    /// Sentences about tensors that were computed.
    pub notes: Vec<String>,
}

impl<'a> Prepared<'a> {
    /// Prepares `tensors` for [`FoundNetwork::find`]; `ignored` are names of tensors, of layers, or
    /// of parts of the network.
    pub fn new(mut tensors: Vec<Tensor<'a>>, ignored: &[String]) -> Result<Self, ImportError> {
        let is_unknown = |ignored: &&String| !tensors.iter().any(|tensor| is_named(tensor, ignored));
        if let Some(name) = ignored.iter().find(is_unknown) {
            return Err(ImportError::Ignored(name.clone()));
        }
        let is_ignored = |tensor: &mut Tensor<'_>| ignored.iter().any(|name| is_named(tensor, name));
        let ignored = tensors.extract_if(.., is_ignored).map(|tensor| tensor.name).collect();
        let (tensors, notes) = resolve(tensors)?;
        Ok(Self { tensors, ignored, notes })
    }
}

/// The network that a file has to contain.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    pub pixels: usize,
    pub classes: usize,
    /// All layers; without them, layers are dense, and their shapes show their order.
    pub layers: Option<&'e [Described]>,
}

/// The user's permission to fold other layers into dense layers and convolutions.
#[derive(Clone, Copy, Debug)]
pub struct Folding {
    /// Number added to the variance of a batch normalization; `None` for the default of the
    /// framework that uses such names.
    pub epsilon: Option<f64>,
}

/// The layers with weights, and the batch normalization that is folded into them.
#[derive(Debug)]
pub struct FoundNetwork<'a> {
    pub layers: Vec<Layer<'a>>,
    norms: Vec<(BatchNorm<'a>, Fold)>,
    /// Names of tensors that no network needs, such as an optimizer's state.
    pub unused: Vec<&'a str>,
    classes: usize,
}

impl<'a> FoundNetwork<'a> {
    /// Finds the `expected` network in `prepared`: the layers that `choices` name, or the only
    /// sequence that fits.
    ///
    /// # Errors
    ///
    /// Returns an error if several sequences fit, or none, if a tensor is not used that a network
    /// may need, or if layers have to be folded without permission.
    pub fn find(
        prepared: &'a Prepared<'a>,
        choices: &[LayerChoice],
        expected: Expected<'_>,
        folding: Option<Folding>,
    ) -> Result<Self, ImportError> {
        let Expected { pixels, classes, layers: described } = expected;
        let Prepared { tensors, notes, .. } = prepared;
        let norms = batch_norm::find(tensors, folding.and_then(|folding| folding.epsilon));
        let of_norms = || norms.iter().flat_map(BatchNorm::tensors);
        if choices.is_empty() {
            let candidates = if described.is_some() { described::candidates(tensors) } else { candidates(tensors) };
            let used = candidates.iter().flat_map(|found| [Some(found.weight), found.bias]).flatten();
            let left = leftovers(tensors, used.chain(of_norms()));
            if left.iter().any(|tensor| foreign(tensor).is_some()) {
                return Err(refuse(&left, tensors));
            }
        }
        check_folding(notes, &norms, folding)?;
        let layers = match (described, choices) {
            (Some(described), choices) => described::find(tensors, described, choices)?,
            (None, []) => find(tensors, pixels, classes)?,
            (None, choices) => follow(choices, tensors, pixels, classes)?,
        };
        let used = layers.iter().flat_map(|layer| [Some(layer.weight), layer.bias]).flatten();
        let left = leftovers(tensors, used.chain(of_norms()));
        if !left.is_empty() {
            return Err(refuse(&left, tensors));
        }
        let norms = batch_norm::place(&norms, &layers, pixels)?;
        let norms: Vec<_> = norms.into_iter().map(|(norm, fold)| (norm.clone(), fold)).collect();
        let is_unused = |tensor: &&Tensor<'_>| is_state(tensor) && !norms.iter().any(|(norm, _)| norm.counts(tensor));
        let unused = tensors.iter().filter(is_unused).map(|tensor| tensor.name.as_str()).collect();
        Ok(Self { layers, norms, unused, classes })
    }

    /// Returns the layers' parameters, for pixels in the form of the training.
    pub fn parameters(&self) -> Result<Vec<DenseParameters>, ImportError> {
        let mut parameters = self.layers.iter().map(Layer::parameters).collect::<Result<Vec<_>, _>>()?;
        for (norm, fold) in &self.norms {
            norm.fold_into(&mut parameters, *fold)?;
        }
        if let Some(last) = parameters.last_mut().filter(|_| self.has_one_output()) {
            last.split_output();
        }
        Ok(parameters)
    }

    /// Returns true if the network distinguishes two classes by one output, as for a sigmoid.
    pub fn has_one_output(&self) -> bool {
        self.classes == 2 && self.layers.last().is_some_and(|layer| layer.outputs == 1)
    }

    /// Returns a sentence about each layer of batch normalization.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.norms.iter().map(|(norm, fold)| {
            let (index, place) = match fold {
                Fold::After(index) => (*index, "outputs, before ReLU,"),
                Fold::Before(index) => (*index, "inputs"),
            };
            let layer = self.layers.get(index).map_or("", |layer| &layer.weight.name);
            format!(
                "{}: batch normalization of the {place} of {}, folded into it with epsilon {:e}",
                norm.name().escape_debug(),
                layer.escape_debug(),
                norm.epsilon()
            )
        })
    }
}

/// Fails if something has to be folded without permission.
fn check_folding(notes: &[String], norms: &[BatchNorm<'_>], folding: Option<Folding>) -> Result<(), ImportError> {
    if folding.is_some() || (notes.is_empty() && norms.is_empty()) {
        return Ok(());
    }
    let norms = norms.iter().map(|norm| format!("{}: batch normalization", norm.name().escape_debug()));
    let lines: Vec<String> = notes.iter().cloned().chain(norms).collect();
    let mut listing: String = lines.iter().take(MAX_NAMED).map(|line| format!("\n  {line}")).collect();
    if lines.len() > MAX_NAMED {
        listing += &format!("\n  and {} more", lines.len() - MAX_NAMED);
    }
    Err(ImportError::Unfolded { listing })
}

/// Returns the `tensors` that are not `used` and that a network may need.
fn leftovers<'t, 'a: 't>(tensors: &'t [Tensor<'a>], used: impl Iterator<Item = &'t Tensor<'a>>) -> Vec<&'t Tensor<'a>> {
    let used: HashSet<&str> = used.map(|tensor| tensor.name.as_str()).collect();
    tensors.iter().filter(|tensor| !used.contains(tensor.name.as_str()) && !is_state(tensor)).collect()
}

/// Most tensors that an error names.
const MAX_NAMED: usize = 20;

/// Returns the error for the tensors `left` of a file with `tensors`.
fn refuse(left: &[&Tensor<'_>], tensors: &[Tensor<'_>]) -> ImportError {
    let mut listing = String::new();
    for tensor in left.iter().take(MAX_NAMED) {
        let (name, shape) = (tensor.name.escape_debug(), &tensor.shape);
        listing += &format!("\n  {name} {shape:?}, {}: {}", tensor.data_type(), describe(tensor));
    }
    if left.len() > MAX_NAMED {
        listing += &format!("\n  and {} more", left.len() - MAX_NAMED);
    }
    let example = sketch(tensors).filter(|_| left.iter().any(|tensor| is_convolution(tensor)));
    let advice = example.map(|layers| {
        format!(
            "\nA file has neither strides nor padding nor pools: if the network has convolutions, describe all of it, \
             for example\n  --network '{layers}'\nwith the strides and padding of its training, and with its pools"
        )
    });
    ImportError::Leftover { listing, advice: advice.unwrap_or_default() }
}
