//! The float network that a model was quantized from, as its run recorded it, and what it makes of
//! one image.

use std::path::{Path, PathBuf};

use burn::tensor::TensorReadError;
use shared_model::Model;
use thiserror::Error;

use crate::model::softmax::softmax;
use crate::network::backend;
use crate::network::{DenseParameters, Network, input_tensor};
use crate::run::{RecordError, RunFile, RunFolder};

/// Why there is no float network beside a model, or none that answers.
#[derive(Debug, Error)]
pub enum FloatError {
    /// The model lies alone.
    #[error(
        "{model} does not lie in the folder of the run that it came of, where {} would be; name that folder, or train one \
         with --run",
        RunFile::Weights.name()
    )]
    NoRun {
        /// The model.
        model: PathBuf,
    },
    /// The weights cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The weights are another network's.
    #[error("{path} has layers of {found}, the model of {expected} neurons: train again with --run")]
    Shape {
        /// The weights.
        path: PathBuf,
        /// Their widths.
        found: String,
        /// The model's.
        expected: String,
    },
    /// Some logit is not a number.
    #[error(
        "the float network answers with what is not a number: did training diverge? Train again with a smaller --learning-rate"
    )]
    NotFinite,
    /// The backend cannot give its results back.
    #[error("the float network cannot be run")]
    Backend(#[from] TensorReadError),
}

/// The probability of each class, 0..=1, by the float network beside the model `view` at `model`.
/// `pixels` are a image of the model's size.
///
/// # Errors
///
/// Where there is none, it is another model's, or it does not answer.
pub fn probabilities(model: &Path, view: &Model<'_>, pixels: &[u8]) -> Result<Vec<f64>, FloatError> {
    let id = view.id().to_string();
    let run = RunFolder::of_model(model, &id)?;
    let run = run.ok_or_else(|| FloatError::NoRun { model: model.to_owned() })?;
    let layers = run.read_weights(Some(&id))?;
    let found: Vec<_> = layers.iter().map(|layer| (layer.inputs, layer.outputs)).collect();
    let expected: Vec<_> = view.layers().map(|layer| (layer.inputs(), layer.outputs())).collect();
    if found != expected {
        let (found, expected) = (describe(&found), describe(&expected));
        return Err(FloatError::Shape { path: run.file(RunFile::Weights), found, expected });
    }
    let probabilities = softmax(logits(layers, pixels)?.into_iter().map(f64::from));
    if probabilities.iter().all(|probability| probability.is_finite()) {
        Ok(probabilities)
    } else {
        Err(FloatError::NotFinite)
    }
}

fn logits(layers: Vec<DenseParameters>, pixels: &[u8]) -> Result<Vec<f32>, TensorReadError> {
    let device = backend::processor();
    let network = Network::from_parameters(layers, &device);
    network.forward(input_tensor([pixels].into_iter(), pixels.len(), &device)).try_into_vec_as()
}

/// Widths of layers: 784-128, 128-10.
fn describe(layers: &[(usize, usize)]) -> String {
    let layers: Vec<String> = layers.iter().map(|(inputs, outputs)| format!("{inputs}-{outputs}")).collect();
    layers.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_are_those_of_the_layers() {
        let layer = |weights: &[f32]| DenseParameters {
            inputs: 2,
            outputs: 2,
            weights: weights.to_vec(),
            biases: vec![0.0, -1.0],
        };
        // Hidden: (1, 0). Logits: (2, 0).
        let logits = logits(vec![layer(&[1.0, 0.0, 0.0, 1.0]), layer(&[2.0, 1.0, 0.0, 0.0])], &[255, 255]).unwrap();
        assert_eq!(logits, [2.0, 0.0]);
    }
}
