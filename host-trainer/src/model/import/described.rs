//! Finds the tensors of a network that the user describes with `--network`: a file has neither
//! strides nor padding nor pools.

use host_support::shell::quoted;
use prenda::LayerKind;

use super::chain::{Candidate, MAX_LISTED_CHAINS, whole_chains};
use super::error::{DescribedError, ImportError, LayersError};
use super::layer::{Layer, LayerChoice, Reads};
use super::layers::{check_biases, choosable, contents};
use super::leftover::is_state;
use super::orientation::Orientation;
use super::tensors::{Tensor, by_name};
use crate::network::LayerPlan;
use crate::text::is_control;

/// A layer that the user describes.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its place in the network, from 0.
    pub index: usize,
    /// The layer in words.
    pub text: String,
    pub plan: LayerPlan,
    /// True if the file may have one output for two, as for a sigmoid.
    pub may_have_one_output: bool,
}

/// A shape of weights, their orientation, and the number of outputs.
type Form = (Vec<usize>, Orientation, usize);

/// Returns the tensors that may be weights of dense layers and convolutions, by the conventions of
/// names.
pub fn candidates<'a>(tensors: &'a [Tensor<'a>]) -> Vec<Candidate<'a>> {
    let by_name = by_name(tensors);
    let is_weight = |tensor: &&Tensor<'_>| !is_state(tensor) && matches!(tensor.shape.len(), 2 | 4);
    tensors.iter().filter(is_weight).filter_map(|weight| Candidate::of(weight, &by_name)).collect()
}

/// Finds the weights of each layer of `network` that has weights: the only order of `tensors` that
/// fits, or the weights that `choices` name.
pub fn find<'a>(
    tensors: &'a [Tensor<'a>],
    network: &[Described],
    choices: &[LayerChoice],
) -> Result<Vec<Layer<'a>>, ImportError> {
    let layers: Vec<&Described> = network.iter().filter(|layer| layer.plan.kind.has_matrix()).collect();
    let listing = |reason| ImportError::Described { reason: Box::new(reason), listing: contents(tensors) };
    let chain = match choices {
        [] => arrange(candidates(tensors), &layers).map_err(listing)?,
        choices => {
            let unknown = |reason| ImportError::Layers { reason, listing: choosable(tensors) };
            obey(choices, tensors, &layers).map_err(unknown)?
        }
    };
    if let Some((layer, candidate)) = layers.iter().zip(&chain).find(|(layer, candidate)| !layer.accepts(candidate)) {
        return Err(listing(layer.mismatch(candidate)));
    }
    let found = orient(&layers, &chain).map_err(listing)?;
    check_biases(&found)?;
    Ok(found)
}

/// Returns the weights that `choices` name, one for each layer.
fn obey<'a>(
    choices: &[LayerChoice],
    tensors: &'a [Tensor<'a>],
    layers: &[&Described],
) -> Result<Vec<Candidate<'a>>, LayersError> {
    if choices.len() != layers.len() {
        return Err(LayersError::Choices { found: choices.len(), expected: layers.len() });
    }
    let by_name = by_name(tensors);
    let mut chain: Vec<Candidate<'a>> = Vec::with_capacity(choices.len());
    for choice in choices {
        let candidate = Candidate::chosen(choice, &by_name)?;
        if chain.iter().any(|earlier| earlier.weight.name == candidate.weight.name) {
            return Err(LayersError::Twice(candidate.weight.name.clone()));
        }
        chain.push(candidate);
    }
    Ok(chain)
}

/// Puts all `candidates` in the only order that fits `layers`. If none fits, returns an order whose
/// first mismatch is worth an error.
fn arrange<'a>(candidates: Vec<Candidate<'a>>, layers: &[&Described]) -> Result<Vec<Candidate<'a>>, DescribedError> {
    if candidates.len() != layers.len() {
        let shape = |candidate: &Candidate<'_>| {
            format!("{} {:?}", candidate.weight.name.escape_debug(), candidate.weight.shape)
        };
        let found = candidates.iter().map(shape).collect();
        return Err(DescribedError::Count { found, expected: layers.iter().map(|layer| layer.text.clone()).collect() });
    }
    let take = |candidate: &Candidate<'_>, index: usize| {
        layers.get(index).filter(|layer| layer.accepts(candidate)).map(|_| index + 1)
    };
    let found = whole_chains(&candidates, 0, layers.len(), &take);
    match found.as_deref() {
        Some([chain]) => Ok(chain.iter().filter_map(|&index| candidates.get(index)).cloned().collect()),
        Some([]) => Ok(nearest(candidates, layers)),
        found => {
            let lines = found.unwrap_or_default().iter().take(MAX_LISTED_CHAINS);
            let lines = lines.filter_map(|chain| options(chain, &candidates)).collect();
            Err(DescribedError::Several { lines })
        }
    }
}

/// Puts candidates that fit no order next to the layers they resemble, with as many fits as is
/// easily found.
fn nearest<'a>(candidates: Vec<Candidate<'a>>, layers: &[&Described]) -> Vec<Candidate<'a>> {
    let arranged = |prefers_fits: bool| -> Vec<Candidate<'a>> {
        let mut rest = candidates.clone();
        let chain = layers.iter().filter_map(|layer| {
            let fits = rest.iter().position(|candidate| layer.accepts(candidate)).filter(|_| prefers_fits);
            let dimensions = if layer.plan.kind == LayerKind::Dense { 2 } else { 4 };
            let resembles = || rest.iter().position(|candidate| candidate.weight.shape.len() == dimensions);
            let index = fits.or_else(resembles).or((!rest.is_empty()).then_some(0))?;
            Some(rest.remove(index))
        });
        chain.collect()
    };
    let fits = |chain: &[Candidate<'_>]| {
        layers.iter().zip(chain).filter(|(layer, candidate)| layer.accepts(candidate)).count()
    };
    let (in_order, by_fit) = (arranged(false), arranged(true));
    if fits(&by_fit) > fits(&in_order) { by_fit } else { in_order }
}

/// Returns the options that choose `chain`, or `None` if a name cannot be printed.
fn options(chain: &[usize], candidates: &[Candidate<'_>]) -> Option<String> {
    let names = chain.iter().filter_map(|&index| candidates.get(index)).map(|candidate| candidate.weight.name.as_str());
    let names: Vec<&str> = names.collect();
    let is_printable = names.iter().all(|name| !name.contains(is_control));
    let options = names.iter().map(|name| format!("--layer {}", quoted(name)));
    is_printable.then(|| options.collect::<Vec<_>>().join(" "))
}

/// Finds the orientation of the weights of each layer: by shape, otherwise by name, unless another
/// layer's shape contradicts its name.
fn orient<'a>(layers: &[&Described], chain: &[Candidate<'a>]) -> Result<Vec<Layer<'a>>, DescribedError> {
    let forms: Vec<Vec<Form>> = layers.iter().zip(chain).map(|(layer, candidate)| layer.fitting(candidate)).collect();
    let is_contradicted = forms.iter().zip(chain).any(|(forms, candidate)| match (&forms[..], candidate.convention) {
        ([(_, orientation, _)], Some(convention)) => *orientation != convention,
        _ => false,
    });
    // Only convolutions show the order of an image's values; a grey image has one order.
    let mut is_by_channel = false;
    let found = layers.iter().zip(chain).zip(forms).map(|((layer, candidate), forms)| {
        let &Candidate { weight, bias, convention, .. } = candidate;
        let convention = convention.filter(|_| !is_contradicted);
        let by_name = || forms.iter().find(|(_, orientation, _)| Some(*orientation) == convention);
        let (form, is_by_name) = match &forms[..] {
            [form] => (Some(form), false),
            _ => (by_name(), true),
        };
        let order = || DescribedError::Order { name: weight.name.clone(), shape: weight.shape.clone() };
        let &(_, orientation, outputs) = form.ok_or_else(order)?;
        let is_dense = layer.plan.kind == LayerKind::Dense;
        if !is_dense {
            is_by_channel = orientation == Orientation::OutIn;
        }
        Ok(Layer { weight, bias, orientation, is_by_name, is_dense, reads: layer.reads(is_by_channel), outputs })
    });
    found.collect()
}

impl Described {
    /// Returns the forms of weights that this layer can have.
    fn forms(&self) -> Vec<Form> {
        let LayerPlan { kind, input, output } = self.plan;
        let [kernel_rows, kernel_columns] = kind.window().map_or([0; 2], |window| window.kernel.map(usize::from));
        let (inputs, outputs) = (usize::from(input.channels), usize::from(output.channels));
        let both = |out_in: Vec<usize>, in_out: Vec<usize>, outputs| {
            [(out_in, Orientation::OutIn, outputs), (in_out, Orientation::InOut, outputs)]
        };
        match kind {
            LayerKind::Dense => {
                let one = (self.may_have_one_output && outputs == 2).then_some(1);
                let dense = |outputs| both(vec![outputs, input.count()], vec![input.count(), outputs], outputs);
                [outputs].into_iter().chain(one).flat_map(dense).collect()
            }
            LayerKind::Depthwise(_) => both(
                vec![outputs, 1, kernel_rows, kernel_columns],
                vec![kernel_rows, kernel_columns, outputs, 1],
                outputs,
            )
            .to_vec(),
            _ => both(
                vec![outputs, inputs, kernel_rows, kernel_columns],
                vec![kernel_rows, kernel_columns, inputs, outputs],
                outputs,
            )
            .to_vec(),
        }
    }

    /// Returns the forms that `candidate` has.
    fn fitting(&self, candidate: &Candidate<'_>) -> Vec<Form> {
        let mut forms = self.forms();
        forms.retain(|(shape, orientation, _)| {
            *shape == candidate.weight.shape && candidate.asked.is_none_or(|asked| asked == *orientation)
        });
        forms
    }

    fn accepts(&self, candidate: &Candidate<'_>) -> bool {
        !self.fitting(candidate).is_empty()
    }

    /// Returns the values that each output reads.
    fn reads(&self, is_by_channel: bool) -> Reads {
        let LayerPlan { kind, input, .. } = self.plan;
        let [rows, columns] = match kind.window() {
            Some(window) => window.kernel.map(usize::from),
            None => [input.rows, input.columns].map(usize::from),
        };
        let channels = if matches!(kind, LayerKind::Depthwise(_)) { 1 } else { usize::from(input.channels) };
        let row = match kind {
            LayerKind::Convolution(window) => window.row_inputs(input.channels),
            _ => columns * channels,
        };
        Reads { rows, columns, channels, row, is_by_channel }
    }

    /// Returns the error for `candidate`, which does not fit.
    fn mismatch(&self, candidate: &Candidate<'_>) -> DescribedError {
        let LayerPlan { kind, input, .. } = self.plan;
        let asked = |(_, orientation, _): &Form| candidate.asked.is_none_or(|asked| asked == *orientation);
        let forms = self.forms().into_iter().filter(asked);
        let forms = forms.map(|(shape, orientation, _)| format!("{shape:?} ({})", orientation.framework()));
        let input = match kind {
            LayerKind::Dense => {
                format!("{}x{}x{} = {} values", input.rows, input.columns, input.channels, input.count())
            }
            _ => format!("{} channels", input.channels),
        };
        DescribedError::Shape {
            layer: format!("layer {}, {}", self.index, self.text),
            name: candidate.weight.name.clone(),
            found: candidate.weight.shape.clone(),
            expected: format!("{}, for an input of {input}", forms.collect::<Vec<_>>().join(" or ")),
        }
    }
}

#[cfg(test)]
mod tests;
