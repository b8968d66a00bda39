//! Finds the dense layers among named tensors. Names show which weights and biases belong together,
//! shapes the order of the layers.

use std::collections::HashMap;

use shared_model::MAX_LAYERS;

use super::chain::{Candidate, choose, matrix, orient};
use super::error::{ImportError, LayersError};
use super::layer::{Layer, LayerChoice};
use super::name::Convention;
use super::orientation::Orientation;
use super::tensors::Tensor;

/// Finds the layers of the network from `pixels` to `classes`.
///
/// Tries all weights in the order of `tensors`, then in the only other order that fits, then the
/// only subset that fits.
pub fn find<'a>(tensors: &'a [Tensor<'a>], pixels: usize, classes: usize) -> Result<Vec<Layer<'a>>, ImportError> {
    let by_name = by_name(tensors);
    let candidates: Vec<_> = tensors
        .iter()
        .filter_map(|weight| {
            let Convention { orientation, bias } = Convention::of(&weight.name)?;
            let bias = by_name.get(bias.as_str()).copied();
            Some(Candidate { weight, shape: matrix(weight)?, bias, asked: None, convention: Some(orientation) })
        })
        .collect();
    let found = choose(&candidates, pixels, classes).and_then(|chain| orient(&chain, pixels));
    finish(found, tensors)
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
    finish(found, tensors)
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
    for LayerChoice { weight: name, bias, orientation } in choices {
        let weight = tensor(name)?;
        if chain.iter().any(|earlier| earlier.weight.name == *name) {
            return Err(LayersError::Twice(name.clone()));
        }
        let convention = Convention::of(name);
        let bias = match bias {
            Some(bias) => Some(tensor(bias)?),
            None => convention.as_ref().and_then(|convention| by_name.get(convention.bias.as_str()).copied()),
        };
        let shape = matrix(weight).ok_or_else(|| LayersError::NoMatrix(name.clone()))?;
        let convention = convention.map(|convention| convention.orientation);
        let candidate = Candidate { weight, shape, bias, asked: *orientation, convention };
        let no_fit = || LayersError::NoFit { name: name.clone(), inputs: width, orientation: *orientation };
        (width, _) = candidate.take(width).ok_or_else(no_fit)?;
        chain.push(candidate);
    }
    if width != classes {
        return Err(LayersError::Last { outputs: width, classes });
    }
    orient(&chain.iter().collect::<Vec<_>>(), pixels)
}

/// Checks that the biases fit; adds a list of `tensors` to an error.
fn finish<'a>(
    found: Result<Vec<Layer<'a>>, LayersError>,
    tensors: &[Tensor<'_>],
) -> Result<Vec<Layer<'a>>, ImportError> {
    let layers = found.map_err(|reason| ImportError::Layers { reason, listing: listing(tensors) })?;
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
fn listing(tensors: &[Tensor<'_>]) -> String {
    let mut text = "\nThe file contains\n".to_owned();
    for tensor in tensors.iter().take(MAX_LISTED) {
        text += &format!("  {} {:?}, {}\n", tensor.name.escape_debug(), tensor.shape, tensor.data_type());
    }
    if tensors.len() > MAX_LISTED {
        text += &format!("  and {} more\n", tensors.len() - MAX_LISTED);
    }
    let by_name = by_name(tensors);
    let example = tensors.iter().filter(|tensor| matrix(tensor).is_some()).take(MAX_LAYERS).map(|tensor| {
        let convention = Convention::of(&tensor.name);
        let bias =
            convention.as_ref().map(|convention| convention.bias.as_str()).filter(|bias| by_name.contains_key(bias));
        let bias = bias.map(|bias| format!(",{}", bias.escape_debug())).unwrap_or_default();
        let orientation = convention.map_or(Orientation::OutIn, |convention| convention.orientation).name();
        format!(" --layer {}{bias},{orientation}", tensor.name.escape_debug())
    });
    let example: String = example.collect();
    if !example.is_empty() {
        text += "Name the network's layers, first to last, with one --layer WEIGHT[,BIAS][,in-out|out-in] each; \
                 choose from\n ";
        text += &example;
    }
    text
}

#[cfg(test)]
mod tests;
