//! A dense layer of a file: its tensors and the orientation of its weights.

use std::str::FromStr;

use super::error::ImportError;
use super::orientation::Orientation;
use super::tensors::Tensor;
use crate::network::DenseParameters;

/// A layer named on the command line: `WEIGHT[,BIAS][,in-out|out-in]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerChoice {
    /// `WEIGHT[,BIAS]`; names may contain commas.
    names: String,
    pub orientation: Option<Orientation>,
}

impl LayerChoice {
    /// Returns the names of the weights and the biases; `exists` returns true for names of tensors.
    ///
    /// # Errors
    ///
    /// Returns a name that does not exist.
    pub fn split(&self, exists: impl Fn(&str) -> bool) -> Result<(&str, Option<&str>), &str> {
        let names = self.names.as_str();
        if exists(names) {
            return Ok((names, None));
        }
        let pairs = || names.match_indices(',').filter_map(|(comma, _)| names.get(..comma).zip(names.get(comma + 1..)));
        if let Some((weight, bias)) = pairs().find(|(weight, bias)| exists(weight) && exists(bias)) {
            return Ok((weight, Some(bias)));
        }
        Err(match (pairs().next(), pairs().nth(1)) {
            (Some((weight, bias)), None) => {
                if exists(weight) {
                    bias
                } else {
                    weight
                }
            }
            _ => names,
        })
    }
}

impl FromStr for LayerChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let orientation =
            |name: &str| [Orientation::OutIn, Orientation::InOut].into_iter().find(|it| it.name() == name);
        let (names, last) = text.rsplit_once(',').unwrap_or(("", text));
        let orientation = orientation(last);
        let names = if orientation.is_some() { names } else { text };
        if names.is_empty() || names.starts_with(',') || names.ends_with(',') {
            return Err("expected WEIGHT[,BIAS][,in-out|out-in]");
        }
        Ok(Self { names: names.to_owned(), orientation })
    }
}

/// A dense layer of a file.
#[derive(Clone, Debug)]
pub struct Layer<'a> {
    pub weight: &'a Tensor<'a>,
    pub bias: Option<&'a Tensor<'a>>,
    pub orientation: Orientation,
    /// True if the orientation is known from the name alone, because the matrix is square.
    pub is_by_name: bool,
    pub inputs: usize,
    pub outputs: usize,
}

impl Layer<'_> {
    /// Returns the layer's weights and biases.
    pub fn parameters(&self) -> Result<DenseParameters, ImportError> {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let weights = self.weight.checked_numbers()?;
        let biases = self.bias.map_or_else(|| Ok(vec![0.0; outputs]), Tensor::checked_numbers)?;
        Ok(match self.orientation {
            Orientation::OutIn => DenseParameters::from_rows(inputs, outputs, &weights, biases),
            Orientation::InOut => DenseParameters { inputs, outputs, weights, biases },
        })
    }
}
