//! A dense layer of a file: its tensors and the orientation of its weights.

use std::str::FromStr;

use super::error::ImportError;
use super::orientation::Orientation;
use super::tensors::Tensor;
use crate::network::DenseParameters;

/// A layer named on the command line: `WEIGHT[,BIAS][,in-out|out-in]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerChoice {
    pub weight: String,
    pub bias: Option<String>,
    pub orientation: Option<Orientation>,
}

impl FromStr for LayerChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts: Vec<&str> = text.split(',').collect();
        let orientation =
            [Orientation::OutIn, Orientation::InOut].into_iter().find(|found| parts.last() == Some(&found.name()));
        if orientation.is_some() {
            parts.pop();
        }
        match parts[..] {
            [weight] if !weight.is_empty() => Ok(Self { weight: weight.to_owned(), bias: None, orientation }),
            [weight, bias] if !weight.is_empty() && !bias.is_empty() => {
                Ok(Self { weight: weight.to_owned(), bias: Some(bias.to_owned()), orientation })
            }
            _ => Err("expected WEIGHT[,BIAS][,in-out|out-in]"),
        }
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
        let weights = numbers(self.weight)?;
        let biases = self.bias.map_or_else(|| Ok(vec![0.0; outputs]), numbers)?;
        Ok(match self.orientation {
            Orientation::OutIn => DenseParameters::from_rows(inputs, outputs, &weights, biases),
            Orientation::InOut => DenseParameters { inputs, outputs, weights, biases },
        })
    }
}

fn numbers(tensor: &Tensor<'_>) -> Result<Vec<f32>, ImportError> {
    let name = || tensor.name.clone();
    let numbers = tensor.numbers();
    let numbers = numbers.ok_or_else(|| ImportError::DataType { name: name(), data_type: tensor.data_type() })?;
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(position) => Err(ImportError::NotFinite { name: name(), position, value: numbers[position] }),
        None => Ok(numbers),
    }
}
