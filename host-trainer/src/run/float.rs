//! Runs the float network that a model was quantized from, on one image.

use std::path::{Path, PathBuf};

use burn::tensor::TensorReadError;
use prenda::Model;
use thiserror::Error;

use crate::model::softmax::softmax;
use crate::network::{DenseParameters, LayerPlan, Network, backend, input_tensor};
use crate::run::{RecordError, RunFile, RunFolder};

/// Why the float network of a model cannot be run.
#[derive(Debug, Error)]
pub enum FloatError {
    #[error(
        "{model} is not in the folder of its run, where {} would be; name that folder, or train with --run",
        RunFile::Weights.name()
    )]
    NoRun { model: PathBuf },
    #[error("{model} is a cascade, expected one network; name the run of one of its networks")]
    Cascade { model: PathBuf },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("{path} has layers of {found} neurons, expected {expected}, the model's; train again with --run")]
    Shape { path: PathBuf, found: String, expected: String },
    #[error("the float network returns logits that are not finite: its weights are too large")]
    NotFinite,
    #[error("cannot run the float network")]
    Backend(#[from] TensorReadError),
}

/// Returns the probability of each class, 0..=1, from the float network next to the model `view` at
/// `model`. `pixels` must have the model's size.
pub fn probabilities(model: &Path, view: &Model<'_>, pixels: &[u8]) -> Result<Vec<f64>, FloatError> {
    if view.networks().len() > 1 {
        return Err(FloatError::Cascade { model: model.to_owned() });
    }
    let id = view.id().to_string();
    let run = RunFolder::of_model(model, &id)?;
    let run = run.ok_or_else(|| FloatError::NoRun { model: model.to_owned() })?;
    let layers = run.read_weights(Some(&id))?;
    let found: Vec<_> = layers.iter().map(|layer| (layer.inputs, layer.outputs)).collect();
    let expected: Vec<_> = view.matrices().map(|layer| (layer.inputs(), layer.outputs())).collect();
    if found != expected {
        let (found, expected) = (describe(&found), describe(&expected));
        return Err(FloatError::Shape { path: run.file(RunFile::Weights), found, expected });
    }
    let plan = view.layers().iter().map(|layer| LayerPlan {
        kind: layer.kind(),
        input: layer.input(),
        output: layer.output(),
    });
    let probabilities = softmax(logits(plan.collect(), layers, pixels)?.into_iter().map(f64::from));
    if probabilities.iter().all(|probability| probability.is_finite()) {
        Ok(probabilities)
    } else {
        Err(FloatError::NotFinite)
    }
}

fn logits(plan: Vec<LayerPlan>, layers: Vec<DenseParameters>, pixels: &[u8]) -> Result<Vec<f32>, TensorReadError> {
    let device = backend::processor();
    let network = Network::new(plan, layers, &device);
    network.forward(input_tensor([pixels].into_iter(), pixels.len(), &device)).try_into_vec_as()
}

/// Formats the widths of layers: `784-128, 128-10`.
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
        let layers = vec![layer(&[1.0, 0.0, 0.0, 1.0]), layer(&[2.0, 1.0, 0.0, 0.0])];
        let logits = logits(LayerPlan::dense(&layers), layers, &[255, 255]).unwrap();
        assert_eq!(logits, [2.0, 0.0]);
    }
}
