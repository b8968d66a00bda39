//! A layer of a file: its tensors, and the order of its weights.

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

/// A dense layer or a convolution of a file.
#[derive(Clone, Debug)]
pub struct Layer<'a> {
    pub weight: &'a Tensor<'a>,
    pub bias: Option<&'a Tensor<'a>>,
    pub orientation: Orientation,
    /// True if the orientation is known from the name alone, because the shape fits both.
    pub is_by_name: bool,
    pub is_dense: bool,
    pub reads: Reads,
    pub outputs: usize,
}

/// The values that each output of a layer reads. A dense layer after a convolution reads all pixels
/// and channels, like a window that covers its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    pub rows: usize,
    pub columns: usize,
    pub channels: usize,
    /// Inputs that a row has in a matrix, with its padding.
    pub row: usize,
    /// True if the file has all pixels of a channel before those of the next, like PyTorch.
    pub is_by_channel: bool,
}

impl Reads {
    /// Returns the values of a dense layer of `inputs`.
    pub fn all(inputs: usize) -> Self {
        Self { rows: 1, columns: 1, channels: inputs, row: inputs, is_by_channel: false }
    }

    /// Returns the number of values.
    pub fn count(self) -> usize {
        self.rows * self.columns * self.channels
    }

    /// Returns the inputs of each value in a matrix, in the order of the file.
    fn inputs(self) -> Vec<usize> {
        let Self { rows, columns, channels, row, is_by_channel } = self;
        let inputs = (0..self.count()).map(|value| {
            let (pixel, channel) = match is_by_channel {
                true => (value % (rows * columns), value / (rows * columns)),
                false => (value / channels, value % channels),
            };
            pixel / columns * row + pixel % columns * channels + channel
        });
        inputs.collect()
    }
}

impl Layer<'_> {
    /// Returns the layer's weights and biases.
    pub fn parameters(&self) -> Result<DenseParameters, ImportError> {
        let Self { weight, bias, orientation, reads, outputs, .. } = *self;
        let values = weight.checked_numbers()?;
        let biases = bias.map_or_else(|| Ok(vec![0.0; outputs]), Tensor::checked_numbers)?;
        let mut weights = vec![0.0; self.matrix_inputs() * outputs];
        let count = reads.count();
        for (value, input) in reads.inputs().into_iter().enumerate() {
            for (output, weight) in weights.iter_mut().skip(input * outputs).take(outputs).enumerate() {
                let place = match orientation {
                    Orientation::OutIn => output * count + value,
                    Orientation::InOut => value * outputs + output,
                };
                *weight = values.get(place).copied().unwrap_or_default();
            }
        }
        Ok(DenseParameters { inputs: self.matrix_inputs(), outputs, weights, biases })
    }

    /// Returns the inputs of the layer's matrix.
    pub fn matrix_inputs(&self) -> usize {
        self.reads.rows * self.reads.row
    }
}
