//! The folder of a training run: how it was set up, how it went, and the float weights.

use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};
use serde::Serialize;
use thiserror::Error;

use crate::dataset::{Dataset, hex};
use crate::files::{self, WriteError};
use crate::model::DenseParameters;
use crate::train::{Epoch, TrainConfig};

/// Why a run cannot be recorded.
#[derive(Debug, Error)]
pub enum RunFolderError {
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The configuration or history cannot be written as JSON.
    #[error("cannot write the run as JSON")]
    Json(#[from] serde_json::Error),
    /// The weights cannot be written as safetensors.
    #[error("cannot write the weights as safetensors")]
    Weights(#[from] SafeTensorError),
}

/// A folder that records a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

#[derive(Serialize)]
struct Configuration<'a> {
    trainer: &'a str,
    #[serde(flatten)]
    config: &'a TrainConfig,
    validation: usize,
    pixels: usize,
    classes: &'a [String],
    data_sha256: String,
}

impl RunFolder {
    /// The folder for a run of `config`, which is the same whenever the same is trained.
    pub fn default_path(config: &TrainConfig) -> PathBuf {
        let hidden: Vec<String> = config.hidden.iter().map(ToString::to_string).collect();
        Path::new("runs").join(format!("{}-{}-seed-{}", hidden.join("-"), config.backend.name(), config.seed))
    }

    /// The files that a run in the folder `path` consists of.
    pub fn files(path: &Path) -> [PathBuf; 3] {
        ["config.json", "history.json", "weights.safetensors"].map(|name| path.join(name))
    }

    /// Creates the folder where there is none yet, and checks that it can be written to.
    ///
    /// # Errors
    ///
    /// Where it cannot.
    pub fn create(path: PathBuf) -> Result<Self, WriteError> {
        files::create_folder(&path)?;
        Self::files(&path).iter().try_for_each(|file| files::check_writable(file))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records a run, `config.json`, `history.json`, `weights.safetensors`, and last the `model` that came of it: where it
    /// goes, and its bytes.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written. A full disk leaves all as they were.
    pub fn record(
        &self,
        config: &TrainConfig,
        validation: usize,
        data: &Dataset,
        history: &[Epoch],
        layers: &[DenseParameters],
        model: (&Path, &[u8]),
    ) -> Result<(), RunFolderError> {
        let configuration = Configuration {
            trainer: concat!("host-trainer ", env!("CARGO_PKG_VERSION")),
            config,
            validation,
            pixels: data.train.width,
            classes: &data.class_names,
            data_sha256: hex(&data.train_hash),
        };
        let [config, history, weights] = [json(&configuration)?, json(&history)?, safetensors(layers)?];
        let [config_path, history_path, weights_path] = &Self::files(&self.path);
        Ok(files::write_all(&[(config_path, &config), (history_path, &history), (weights_path, &weights), model])?)
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// `layers.N.weight`, `[output, input]` as PyTorch has it, and `layers.N.bias`, `[output]`.
fn safetensors(layers: &[DenseParameters]) -> Result<Vec<u8>, SafeTensorError> {
    let bytes = |values: &mut dyn Iterator<Item = f32>| values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let tensors = layers.iter().enumerate().flat_map(|(index, layer)| {
        let weights = bytes(&mut (0..layer.outputs).flat_map(|output| layer.column(output)));
        let biases = bytes(&mut layer.biases.iter().copied());
        [
            (format!("layers.{index}.weight"), vec![layer.outputs, layer.inputs], weights),
            (format!("layers.{index}.bias"), vec![layer.outputs], biases),
        ]
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors
        .iter()
        .map(|(name, shape, data)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data)?)));
    safetensors::serialize(views.collect::<Result<Vec<_>, SafeTensorError>>()?, None)
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::*;
    use crate::backend::Backend;

    #[test]
    fn the_default_path_says_what_was_trained() {
        let mut config = TrainConfig {
            backend: Backend::Ndarray,
            hidden: vec![512, 256],
            epochs: 5,
            batch_size: 32,
            learning_rate: 1e-3,
            seed: 7,
        };
        assert_eq!(RunFolder::default_path(&config), Path::new("runs/512-256-ndarray-seed-7"));
        config.seed = 8;
        assert_eq!(RunFolder::default_path(&config), Path::new("runs/512-256-ndarray-seed-8"));
    }

    #[test]
    fn weights_are_stored_output_by_output() {
        let layer = DenseParameters {
            inputs: 3,
            outputs: 2,
            weights: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            biases: vec![7.0, 8.0],
        };
        let bytes = safetensors(&[layer]).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let weight = tensors.tensor("layers.0.weight").unwrap();
        assert_eq!(weight.shape(), [2, 3]);
        let values: Vec<f32> = weight.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(values, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        assert_eq!(tensors.tensor("layers.0.bias").unwrap().shape(), [2]);
    }
}
