//! Finds the dense layers among named tensors. Names show which weights and biases belong together,
//! shapes the order of the layers.

use std::collections::HashMap;

use super::chain::{Candidate, choose, matrix, orient};
use super::error::{ImportError, LayersError};
use super::layer::{Layer, LayerChoice};
use super::leftover::{foreign, is_state};
use super::name::Convention;
use super::suggest;
use super::tensors::Tensor;

/// Returns the matrices that may be the weights of dense layers, by the conventions of names.
pub fn candidates<'a>(tensors: &'a [Tensor<'a>]) -> Vec<Candidate<'a>> {
    let by_name = by_name(tensors);
    let weights = tensors.iter().filter(|tensor| !is_state(tensor) && foreign(tensor).is_none());
    weights
        .filter_map(|weight| {
            let Convention { orientation, bias } = Convention::of(&weight.name)?;
            let bias = by_name.get(bias.as_str()).copied();
            Some(Candidate { weight, shape: matrix(weight)?, bias, asked: None, convention: Some(orientation) })
        })
        .collect()
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

type ByName<'a> = HashMap<&'a str, &'a Tensor<'a>>;

fn by_name<'a>(tensors: &'a [Tensor<'a>]) -> ByName<'a> {
    tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect()
}

fn obey<'a>(
    choices: &[LayerChoice],
    by_name: &ByName<'a>,
    pixels: usize,
    classes: usize,
) -> Result<Vec<Layer<'a>>, LayersError> {
    let tensor = |name: &str| by_name.get(name).copied().ok_or_else(|| LayersError::Unknown(name.to_owned()));
    let mut width = pixels;
    let mut chain: Vec<Candidate<'a>> = Vec::with_capacity(choices.len());
    for choice in choices {
        let names = choice.split(|name| by_name.contains_key(name));
        let ((name, bias), orientation) =
            (names.map_err(|name| LayersError::Unknown(name.to_owned()))?, choice.orientation);
        let weight = tensor(name)?;
        if chain.iter().any(|earlier| earlier.weight.name == *name) {
            return Err(LayersError::Twice(name.to_owned()));
        }
        let convention = Convention::of(name);
        let bias = match bias {
            Some(bias) => Some(tensor(bias)?),
            None => convention.as_ref().and_then(|convention| by_name.get(convention.bias.as_str()).copied()),
        };
        let shape = matrix(weight).ok_or_else(|| LayersError::NoMatrix(name.to_owned()))?;
        let convention = convention.map(|convention| convention.orientation);
        let candidate = Candidate { weight, shape, bias, asked: orientation, convention };
        let no_fit = || LayersError::NoFit { name: name.to_owned(), inputs: width, orientation };
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
    for Layer { weight, bias, outputs, .. } in &layers {
        if let Some(bias) = bias.filter(|bias| bias.shape != [*outputs]) {
            return Err(ImportError::Bias {
                bias: bias.name.clone(),
                bias_shape: bias.shape.clone(),
                weight: weight.name.clone(),
                outputs: *outputs,
            });
        }
    }
    Ok(layers)
}

/// Most tensors that an error lists.
const MAX_LISTED: usize = 40;

/// Lists `tensors` and shows how to choose among them.
fn listing(tensors: &[Tensor<'_>], pixels: usize, classes: usize) -> String {
    let mut text = "\nThe file contains\n".to_owned();
    for tensor in tensors.iter().take(MAX_LISTED) {
        text += &format!("  {} {:?}, {}\n", tensor.name.escape_debug(), tensor.shape, tensor.data_type());
    }
    if tensors.len() > MAX_LISTED {
        text += &format!("  and {} more\n", tensors.len() - MAX_LISTED);
    }
    text += "Name the network's layers, first to last, with one --layer WEIGHT[,BIAS][,in-out|out-in] each";
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
