//! Suggests `--layer` options that import a file.

use std::collections::HashSet;

use host_support::shell::quoted;

use super::batch_norm;
use super::chain::{Candidate, MAX_LISTED_CHAINS, chains, matrix};
use super::leftover::{foreign, is_state};
use super::name::{Convention, split};
use super::orientation::Orientation;
use super::tensors::Tensor;
use crate::text::is_control;

/// Returns options for each sequence of matrices that maps `pixels` to `classes`, at most
/// [`MAX_LISTED_CHAINS`], and true if there are more. Every line can be used as it is.
pub fn lines(tensors: &[Tensor<'_>], pixels: usize, classes: usize) -> (Vec<String>, bool) {
    let candidates: Vec<Candidate<'_>> = tensors
        .iter()
        .filter(|tensor| !is_state(tensor) && foreign(tensor).is_none())
        .filter_map(|weight| {
            let convention = Convention::of(&weight.name).map(|convention| convention.orientation);
            matrix(weight).map(|_| Candidate { weight, bias: None, asked: None, convention })
        })
        .collect();
    let chains = |outputs| chains(&candidates, pixels, outputs).unwrap_or_default();
    let found = match chains(classes) {
        found if found.is_empty() && classes == 2 => chains(1),
        found => found,
    };
    let lines = found.iter().take(MAX_LISTED_CHAINS).filter_map(|chain| {
        let chain: Vec<_> = chain.iter().filter_map(|&index| candidates.get(index)).collect();
        line(&chain, tensors, pixels)
    });
    (lines.collect(), found.len() > MAX_LISTED_CHAINS)
}

/// Returns the options for `chain`, or `None` if they would not import the file.
fn line(chain: &[&Candidate<'_>], tensors: &[Tensor<'_>], pixels: usize) -> Option<String> {
    let (mut layers, mut width) = (Vec::new(), pixels);
    for candidate in chain {
        let (outputs, orientation) = candidate.take(width)?;
        layers.push((*candidate, outputs, orientation));
        width = outputs;
    }
    let norms = batch_norm::find(tensors, None);
    let mut used: HashSet<&str> =
        norms.iter().flat_map(batch_norm::BatchNorm::tensors).map(|t| t.name.as_str()).collect();
    used.extend(chain.iter().map(|candidate| candidate.weight.name.as_str()));
    let mut biases = vec![None; layers.len()];
    for guess in [by_convention, by_layer, by_length] {
        for ((candidate, outputs, _), bias) in layers.iter().zip(&mut biases).filter(|(_, bias)| bias.is_none()) {
            let fits = |tensor: &&Tensor<'_>| tensor.shape == [*outputs] && !used.contains(tensor.name.as_str());
            let mut found = tensors.iter().filter(fits).filter(|bias| guess(&candidate.weight.name, &bias.name));
            if let (Some(only), None) = (found.next(), found.next()) {
                *bias = Some(only.name.as_str());
            }
            used.extend(*bias);
        }
    }
    let is_unused = |tensor: &&Tensor<'_>| !used.contains(tensor.name.as_str()) && !is_state(tensor);
    let ignored: Vec<&str> = tensors.iter().filter(is_unused).map(|tensor| tensor.name.as_str()).collect();
    // It is unknown if the network needs tensors other than those of dense layers.
    let is_dense = |name: &&str| {
        let of_other = |other: &&str| Convention::of(other).is_some_and(|convention| convention.bias == **name);
        Convention::of(name).is_some() || ignored.iter().any(of_other)
    };
    let is_printable = |name: &str| !name.contains(is_control);
    if !ignored.iter().all(is_dense) || !used.iter().chain(&ignored).all(|name| is_printable(name)) {
        return None;
    }
    let orientation = orientations(&layers)?;
    let layers = layers.iter().zip(biases).zip(orientation).map(|(((candidate, ..), bias), orientation)| {
        let parts = [Some(candidate.weight.name.as_str()), bias, Some(orientation.name())];
        format!("--layer {}", quoted(parts.into_iter().flatten().collect::<Vec<_>>().join(",")))
    });
    let ignored = ignored.iter().map(|name| format!("--ignore {}", quoted(name)));
    Some(layers.chain(ignored).collect::<Vec<_>>().join(" "))
}

/// Returns the orientation of each layer: that of its shape; of a square matrix that of its name,
/// or the one that all others have.
fn orientations(layers: &[(&Candidate<'_>, usize, Option<Orientation>)]) -> Option<Vec<Orientation>> {
    let known: Vec<Orientation> = layers.iter().filter_map(|(.., orientation)| *orientation).collect();
    let common = known.first().copied().filter(|first| known.iter().all(|other| other == first));
    let is_contradicted = layers.iter().any(|(candidate, _, orientation)| {
        orientation.zip(candidate.convention).is_some_and(|(found, convention)| found != convention)
    });
    let orientation = |(candidate, _, orientation): &(&Candidate<'_>, usize, Option<Orientation>)| {
        orientation.or(candidate.convention.filter(|_| !is_contradicted)).or(common)
    };
    layers.iter().map(orientation).collect()
}

fn by_convention(weight: &str, bias: &str) -> bool {
    Convention::of(weight).is_some_and(|convention| convention.bias == bias)
}

fn by_layer(weight: &str, bias: &str) -> bool {
    split(weight).0 == split(bias).0
}

fn by_length(_: &str, _: &str) -> bool {
    true
}
