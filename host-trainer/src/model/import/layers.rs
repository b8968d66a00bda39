//! Finds the dense layers among named tensors. Names show which weights and biases belong together,
//! shapes the order of the layers.

use super::chain::{Candidate, choose, matrix, orient};
use super::error::{ImportError, LayersError};
use super::layer::{Layer, LayerChoice};
use super::leftover::{foreign, is_state};
use super::suggest;
use super::tensors::{ByName, Tensor, by_name};

/// Returns the matrices that may be the weights of dense layers, by the conventions of names.
pub fn candidates<'a>(tensors: &'a [Tensor<'a>]) -> Vec<Candidate<'a>> {
    let by_name = by_name(tensors);
    let is_weight = |tensor: &&Tensor<'_>| !is_state(tensor) && foreign(tensor).is_none() && matrix(tensor).is_some();
    tensors.iter().filter(is_weight).filter_map(|weight| Candidate::of(weight, &by_name)).collect()
}

/// Finds the layers of the network from `pixels` to `classes`; two classes may have one output.
///
/// Tries all weights in the order that their names show, then in any other order, then without some
/// of them. Fails if several orders fit.
pub fn find<'a>(tensors: &'a [Tensor<'a>], pixels: usize, classes: usize) -> Result<Vec<Layer<'a>>, ImportError> {
    let candidates = candidates(tensors);
    let found = |outputs| choose(&candidates, pixels, outputs).and_then(|chain| orient(&chain, pixels));
    let layers = match found(classes) {
        Err(error @ LayersError::NoChain { .. }) if classes == 2 => match found(1) {
            Err(LayersError::NoChain { .. }) => Err(error),
            other => other,
        },
        other => other,
    };
    finish(layers, tensors, pixels, classes)
}

/// Returns the layers that `choices` name, first to last, as a network from `pixels` to `classes`.
/// A choice without biases takes the tensor that goes with the name of the weights, if there is
/// one.
pub fn follow<'a>(
    choices: &[LayerChoice],
    tensors: &'a [Tensor<'a>],
    pixels: usize,
    classes: usize,
) -> Result<Vec<Layer<'a>>, ImportError> {
    let found = obey(choices, &by_name(tensors), pixels, classes);
    finish(found, tensors, pixels, classes)
}

fn obey<'a>(
    choices: &[LayerChoice],
    by_name: &ByName<'a>,
    pixels: usize,
    classes: usize,
) -> Result<Vec<Layer<'a>>, LayersError> {
    let mut width = pixels;
    let mut chain: Vec<Candidate<'a>> = Vec::with_capacity(choices.len());
    for choice in choices {
        let candidate = Candidate::chosen(choice, by_name)?;
        let name = || candidate.weight.name.clone();
        if chain.iter().any(|earlier| earlier.weight.name == candidate.weight.name) {
            return Err(LayersError::Twice(name()));
        }
        if matrix(candidate.weight).is_none() {
            return Err(LayersError::NoMatrix(name()));
        }
        let no_fit = || LayersError::NoFit { name: name(), inputs: width, orientation: choice.orientation };
        (width, _) = candidate.take(width).ok_or_else(no_fit)?;
        chain.push(candidate);
    }
    if width != classes && (width, classes) != (1, 2) {
        return Err(LayersError::Last { outputs: width, classes });
    }
    orient(&chain.iter().collect::<Vec<_>>(), pixels)
}

/// Checks that the biases fit; adds a list of `tensors` to an error.
fn finish<'a>(
    found: Result<Vec<Layer<'a>>, LayersError>,
    tensors: &[Tensor<'_>],
    pixels: usize,
    classes: usize,
) -> Result<Vec<Layer<'a>>, ImportError> {
    let listing = |reason| ImportError::Layers { reason, listing: listing(tensors, pixels, classes) };
    let layers = found.map_err(listing)?;
    check_biases(&layers)?;
    Ok(layers)
}

/// Checks that each of `layers` has a bias for each output, or none.
pub fn check_biases(layers: &[Layer<'_>]) -> Result<(), ImportError> {
    for Layer { weight, bias, outputs, .. } in layers {
        if let Some(bias) = bias.filter(|bias| bias.shape != [*outputs]) {
            return Err(ImportError::Bias {
                bias: bias.name.clone(),
                bias_shape: bias.shape.clone(),
                weight: weight.name.clone(),
                outputs: *outputs,
            });
        }
    }
    Ok(())
}

/// Most tensors that an error lists.
const MAX_LISTED: usize = 40;

/// Lists `tensors`.
pub fn contents(tensors: &[Tensor<'_>]) -> String {
    let mut text = "\nThe file contains".to_owned();
    for tensor in tensors.iter().take(MAX_LISTED) {
        text += &format!("\n  {} {:?}, {}", tensor.name.escape_debug(), tensor.shape, tensor.data_type());
    }
    if tensors.len() > MAX_LISTED {
        text += &format!("\n  and {} more", tensors.len() - MAX_LISTED);
    }
    text
}

/// Lists `tensors`, and names the option that chooses among them.
pub fn choosable(tensors: &[Tensor<'_>]) -> String {
    let text = "\nName the network's layers, first to last, with one --layer WEIGHT[,BIAS][,in-out|out-in] each";
    contents(tensors) + text
}

/// Lists `tensors`, and shows how to choose among them.
fn listing(tensors: &[Tensor<'_>], pixels: usize, classes: usize) -> String {
    let mut text = choosable(tensors);
    let (lines, has_more) = suggest::lines(tensors, pixels, classes);
    if !lines.is_empty() {
        text += match (&lines[..], has_more) {
            (_, true) => "; several sequences fit, such as:",
            ([_], false) => "; the only sequence that fits:",
            (_, false) => "; these fit:",
        };
    }
    for line in lines {
        text += &format!("\n  {line}");
    }
    text
}

#[cfg(test)]
mod tests;
