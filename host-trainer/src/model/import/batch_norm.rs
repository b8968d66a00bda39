//! Batch normalization: finds it by the names of its tensors, and folds it into another layer.
//!
//! ```text
//!  dense or convolution -> batch norm -> ReLU     folds into the layer before, exactly
//!  ReLU -> batch norm -> dense                    folds into the dense layer after, exactly
//! ```

use std::collections::HashMap;

use super::error::{BatchNormError, ImportError};
use super::layer::Layer;
use super::name::{precedes, split};
use super::tensors::Tensor;
use crate::network::DenseParameters;

/// PyTorch's default of the number that is added to the variance; files do not contain it.
const PYTORCH_EPSILON: f64 = 1e-5;

/// Keras' default of the same.
const KERAS_EPSILON: f64 = 1e-3;

/// A layer of batch normalization.
#[derive(Clone, Debug)]
pub struct BatchNorm<'a> {
    /// The name of its mean, which other names are compared with.
    mean: &'a Tensor<'a>,
    variance: &'a Tensor<'a>,
    scale: Option<&'a Tensor<'a>>,
    shift: Option<&'a Tensor<'a>>,
    epsilon: f64,
}

/// The layer that a batch normalization is folded into, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// It takes the outputs of this layer, before ReLU.
    After(usize),
    /// It gives the inputs of this layer.
    Before(usize),
}

/// Finds all layers of batch normalization, by the names of PyTorch and Keras. Without `epsilon`,
/// each has the default of its framework.
pub fn find<'a>(tensors: &'a [Tensor<'a>], epsilon: Option<f64>) -> Vec<BatchNorm<'a>> {
    let by_name: HashMap<&str, &Tensor<'_>> = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let found = tensors.iter().filter_map(|mean| {
        let (whole, variable) = match mean.name.strip_suffix(":0") {
            Some(whole) => (whole, ":0"),
            None => (mean.name.as_str(), ""),
        };
        let (layer, last) = split(whole);
        let tensor = |name: &str| by_name.get(format!("{layer}{name}{variable}").as_str()).copied();
        let is_vector = |tensor: &&Tensor<'_>| tensor.shape.len() == 1 && tensor.shape == mean.shape;
        let ([variance, scale, shift], default) = match last {
            "running_mean" => (["running_var", "weight", "bias"], PYTORCH_EPSILON),
            "moving_mean" => (["moving_variance", "gamma", "beta"], KERAS_EPSILON),
            // Keras' own files number a layer's variables.
            "2" if layer.ends_with("vars/") => (["3", "0", "1"], KERAS_EPSILON),
            _ => return None,
        };
        let epsilon = epsilon.unwrap_or(default);
        let variance = tensor(variance).filter(is_vector)?;
        let (scale, shift) = (tensor(scale), tensor(shift));
        let is_whole = scale.is_none_or(|scale| is_vector(&scale)) && shift.is_none_or(|shift| is_vector(&shift));
        is_whole.then_some(BatchNorm { mean, variance, scale, shift, epsilon })
    });
    found.collect()
}

/// Finds the place of each of `norms` among `layers`: by names, and by widths, which are channels
/// after a convolution.
///
/// # Errors
///
/// Returns an error if several places fit, or none, or if the place relative to ReLU is unknown.
pub fn place<'n, 'a>(
    norms: &'n [BatchNorm<'a>],
    layers: &[Layer<'_>],
    pixels: usize,
) -> Result<Vec<(&'n BatchNorm<'a>, Fold)>, ImportError> {
    let mut search = Search { norms, layers, pixels, found: Vec::new(), steps: MAX_STEPS };
    let is_whole = search.extend(&mut Vec::new()).is_some();
    let error = |norm: &BatchNorm<'_>, reason| ImportError::BatchNorm { name: norm.name().to_owned(), reason };
    let Some(first) = norms.first() else { return Ok(Vec::new()) };
    let places = match &search.found[..] {
        [] | [_] if !is_whole => return Err(error(first, BatchNormError::Steps)),
        [] => return Err(error(first, BatchNormError::NoPlace)),
        [places] => places,
        _ => return Err(error(first, BatchNormError::Places)),
    };
    let folds = norms.iter().zip(places).map(|(norm, &place)| {
        let fold = if place == 0 {
            Fold::Before(0)
        } else if place == layers.len() {
            Fold::After(place - 1)
        } else {
            norm.side(place, layers).map_err(|reason| error(norm, reason))?
        };
        match fold {
            Fold::Before(index) if !layers.get(index).is_some_and(|layer| norm.is_for_inputs_of(layer)) => {
                Err(error(norm, BatchNormError::Window))
            }
            _ => Ok((norm, fold)),
        }
    });
    folds.collect()
}

/// Splits the name of a tensor's layer into a prefix and the number at its end: `net.` and 2.
fn numbered<'t>(tensor: &'t Tensor<'_>) -> Option<(&'t str, usize)> {
    let (layer, _) = split(&tensor.name);
    let layer = layer.trim_end_matches(super::name::SEPARATORS);
    let number = layer.rsplit(super::name::SEPARATORS).next()?;
    Some((layer.strip_suffix(number)?, number.parse().ok()?))
}

/// Places tried before a search gives up.
const MAX_STEPS: u32 = 100_000;

/// A search for places: `0` is before the first layer, `layers.len()` after the last.
struct Search<'s, 'a> {
    norms: &'s [BatchNorm<'a>],
    layers: &'s [Layer<'s>],
    pixels: usize,
    found: Vec<Vec<usize>>,
    steps: u32,
}

impl Search<'_, '_> {
    /// Collects at most two ways to go on after `places`. Returns `None` if there are too many to
    /// try.
    fn extend(&mut self, places: &mut Vec<usize>) -> Option<()> {
        let Some(norm) = self.norms.get(places.len()) else {
            self.found.push(places.clone());
            return Some(());
        };
        for place in 0..=self.layers.len() {
            if self.found.len() == 2 {
                return Some(());
            }
            self.steps = self.steps.checked_sub(1)?;
            let is_before = |(place_of_other, other): (&usize, &BatchNorm<'_>)| {
                if precedes(&other.mean.name, &norm.mean.name) {
                    *place_of_other < place
                } else if precedes(&norm.mean.name, &other.mean.name) {
                    *place_of_other > place
                } else {
                    *place_of_other != place
                }
            };
            if self.fits(norm, place) && places.iter().zip(self.norms).all(is_before) {
                places.push(place);
                self.extend(places)?;
                places.pop();
            }
        }
        Some(())
    }

    fn fits(&self, norm: &BatchNorm<'_>, place: usize) -> bool {
        let width = match place.checked_sub(1).and_then(|before| self.layers.get(before)) {
            Some(layer) => layer.outputs,
            None => self.pixels,
        };
        let (before, after) = self.layers.split_at_checked(place).unwrap_or_default();
        let name = norm.mean.name.as_str();
        norm.mean.shape == [width]
            && !before.iter().any(|layer| precedes(name, &layer.weight.name))
            && !after.iter().any(|layer| precedes(&layer.weight.name, name))
    }
}

impl<'a> BatchNorm<'a> {
    /// Returns the layer's name.
    pub fn name(&self) -> &str {
        let (layer, _) = split(self.mean.name.strip_suffix(":0").unwrap_or(&self.mean.name));
        layer.strip_suffix("vars/").unwrap_or(layer).trim_end_matches(super::name::SEPARATORS)
    }

    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// Returns true if `tensor` counts its batches.
    pub fn counts(&self, tensor: &Tensor<'_>) -> bool {
        split(&tensor.name) == (split(&self.mean.name).0, "num_batches_tracked")
    }

    /// Returns the tensors that it consists of.
    pub fn tensors(&self) -> impl Iterator<Item = &'a Tensor<'a>> + use<'a> {
        [Some(self.mean), Some(self.variance), self.scale, self.shift].into_iter().flatten()
    }

    /// Returns true if `layer` is dense and each of its inputs has a mean.
    fn is_for_inputs_of(&self, layer: &Layer<'_>) -> bool {
        layer.is_dense && self.mean.shape == [layer.reads.count()]
    }

    /// Finds its place relative to the ReLU between two layers; `place` is the layer after it.
    ///
    /// ReLU's outputs have no negative mean. Numbers in names that are equal otherwise, as in a
    /// `Sequential`, may show that a layer without parameters is on one of its sides.
    fn side(&self, place: usize, layers: &[Layer<'_>]) -> Result<Fold, BatchNormError> {
        let own = numbered(self.mean).map(|(prefix, _)| prefix);
        let index = |tensor| numbered(tensor).filter(|(prefix, _)| Some(*prefix) == own).map(|(_, number)| number);
        let neighbours = place.checked_sub(1).and_then(|before| layers.get(before)).zip(layers.get(place));
        let numbers = neighbours
            .and_then(|(before, after)| Some((index(before.weight)?, index(self.mean)?, index(after.weight)?)))
            .map(|(before, own, after)| (before + 1 == own, own + 1 == after));
        let is_negative = self.mean.numbers().unwrap_or_default().iter().any(|mean| *mean < 0.0);
        match numbers {
            Some((false, true)) if is_negative => Err(BatchNormError::Activation),
            Some((false, true)) => Ok(Fold::Before(place)),
            Some((true, false)) => Ok(Fold::After(place - 1)),
            _ if is_negative => Ok(Fold::After(place - 1)),
            // Usual after a convolution.
            None if neighbours.is_some_and(|(before, _)| !before.is_dense) => Ok(Fold::After(place - 1)),
            _ => Err(BatchNormError::Side),
        }
    }

    /// Folds it into the layer of `fold`.
    pub fn fold_into(&self, layers: &mut [DenseParameters], fold: Fold) -> Result<(), ImportError> {
        let width = self.mean.shape.iter().product();
        let or = |tensor: Option<&Tensor<'_>>, default: f32| {
            tensor.map_or_else(|| Ok(vec![default; width]), Tensor::checked_numbers)
        };
        let (means, variances) = (self.mean.checked_numbers()?, self.variance.checked_numbers()?);
        let (scales, shifts) = (or(self.scale, 1.0)?, or(self.shift, 0.0)?);
        let factor = |(scale, variance): (f32, f32)| f64::from(scale) / (f64::from(variance) + self.epsilon).sqrt();
        let factors: Vec<f64> = scales.into_iter().zip(variances).map(factor).collect();
        // A normalized value is `factor * value + offset`.
        let offset = |((shift, mean), factor): ((f32, f32), &f64)| f64::from(shift) - f64::from(mean) * factor;
        let offsets: Vec<f64> = shifts.into_iter().zip(means).zip(&factors).map(offset).collect();
        let index = match fold {
            Fold::After(index) | Fold::Before(index) => index,
        };
        let Some(layer) = layers.get_mut(index) else { return Ok(()) };
        let outputs = layer.outputs.max(1);
        match fold {
            Fold::After(_) => {
                for row in layer.weights.chunks_mut(outputs) {
                    row.iter_mut().zip(&factors).for_each(|(weight, factor)| scale(weight, *factor));
                }
                for ((bias, factor), offset) in layer.biases.iter_mut().zip(&factors).zip(&offsets) {
                    *bias = (f64::from(*bias) * factor + offset) as f32;
                }
            }
            Fold::Before(_) => {
                let mut biases: Vec<f64> = layer.biases.iter().copied().map(f64::from).collect();
                for ((row, factor), offset) in layer.weights.chunks_mut(outputs).zip(&factors).zip(&offsets) {
                    for (weight, bias) in row.iter_mut().zip(&mut biases) {
                        *bias += f64::from(*weight) * offset;
                        scale(weight, *factor);
                    }
                }
                layer.biases = biases.into_iter().map(|bias| bias as f32).collect();
            }
        }
        let is_finite = layer.weights.iter().chain(&layer.biases).all(|number| number.is_finite());
        let reason = BatchNormError::NotFinite;
        is_finite.then_some(()).ok_or_else(|| ImportError::BatchNorm { name: self.name().to_owned(), reason })
    }
}

fn scale(weight: &mut f32, factor: f64) {
    *weight = (f64::from(*weight) * factor) as f32;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::import::layer::Reads;
    use crate::model::import::orientation::Orientation;

    #[test]
    fn a_place_is_unique_only_after_a_whole_search() {
        let tensor = |name: &str, shape: &[usize]| {
            Tensor::computed(name.to_owned(), shape.to_vec(), vec![1.0; shape.iter().product()])
        };
        let weights = [tensor("a.weight", &[3, 4]), tensor("c.weight", &[2, 3])];
        let layers: Vec<Layer<'_>> = weights
            .iter()
            .map(|weight| Layer {
                weight,
                bias: None,
                orientation: Orientation::OutIn,
                is_by_name: false,
                is_dense: true,
                reads: Reads::all(weight.shape[1]),
                outputs: weight.shape[0],
            })
            .collect();
        let statistics = [tensor("b.running_mean", &[3]), tensor("b.running_var", &[3])];
        let norms = find(&statistics, None);
        let search = |steps| {
            let mut search = Search { norms: &norms, layers: &layers, pixels: 4, found: Vec::new(), steps };
            (search.extend(&mut Vec::new()), search.found)
        };
        // The only place is the second of three.
        assert_eq!(search(1), (None, vec![]));
        assert_eq!(search(2), (None, vec![vec![1]]));
        assert_eq!(search(3), (Some(()), vec![vec![1]]));
    }
}
