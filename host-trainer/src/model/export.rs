//! Encodes the quantized network as `model.bin`.

use prenda::{
    EncodeError, GoldenSource, HostWorkspace, InferError, Matrix, Model, ModelSource, NetworkSource, Provenance,
};
use thiserror::Error;

use crate::data::{Dataset, OwnedFeature, Split};
use crate::model::evaluate::{self, Evaluated};
use crate::network::LayerPlan;
use crate::quantize::{QuantizedLayer, encode, sources};

/// Most golden vectors in a model. A device tests itself with them.
const MAX_GOLDEN_IMAGES: usize = 4;

/// Bytes of weights for each golden vector, so that images do not dominate a small model.
const WEIGHT_BYTES_PER_GOLDEN_IMAGE: usize = 8192;

/// Why a network cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    #[error("cannot encode the network as a model; are its weights too large? try a smaller --learning-rate")]
    Encode(#[from] EncodeError),
    #[error("cannot run the exported model; this is a bug in host-trainer, please report it")]
    Infer(#[from] InferError),
}

/// The results of the float network, for the model's provenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origins<'a> {
    pub backend: &'a str,
    pub seed: u64,
    pub epochs: u32,
    pub train_images: u32,
    /// Training images that the float network classifies correctly.
    pub train_correct: u32,
    /// Test images that the float network classifies correctly.
    pub test_correct: u32,
}

/// A model and its answers in fixed point.
#[derive(Debug)]
pub struct Exported {
    /// The contents of `model.bin`.
    pub bytes: Vec<u8>,
    pub test: Evaluated,
}

/// Encodes a network of `plan` with the matrices `layers` as a model for images or rows
/// like those of `data`, evaluates it, and encodes it again with golden vectors and provenance.
///
/// # Errors
///
/// Returns an error if the network breaks a rule of the format, for example if some image could
/// overflow a logit.
pub fn export(
    plan: &[LayerPlan],
    layers: &[QuantizedLayer],
    data: &Dataset,
    origins: &Origins<'_>,
) -> Result<Exported, ExportError> {
    let class_names: Vec<&str> = data.class_names.iter().map(String::as_str).collect();
    let features: Vec<_> = data.features.iter().map(OwnedFeature::as_feature).collect();
    let sources = sources(plan, layers);
    let networks = [NetworkSource::only(&sources)];
    let source = ModelSource {
        class_names: &class_names,
        image: data.shape,
        features: &features,
        networks: &networks,
        golden: &[],
        provenance: Provenance {
            trainer: concat!("host-trainer ", env!("CARGO_PKG_VERSION")),
            backend: origins.backend,
            seed: origins.seed,
            epochs: origins.epochs,
            data_sha256: data.train_hash,
            train_images: origins.train_images,
            train_correct_float: origins.train_correct,
            test_images: data.test.len() as u32,
            test_correct_float: origins.test_correct,
            test_correct_fixed: 0,
        },
    };
    finish(&source, &data.test)
}

/// Encodes `source`, evaluates it over the images of `test`, and encodes it again with golden
/// vectors and the result.
pub fn finish(source: &ModelSource<'_>, test_split: &Split) -> Result<Exported, ExportError> {
    let draft = encode(source)?;
    let view = Model::parse(&draft).map_err(EncodeError::from)?;
    let test = evaluate::evaluate(&view, test_split)?;
    let test_correct_fixed = test_split.count_correct(&test.predictions);
    let provenance = Provenance { test_correct_fixed, ..source.provenance };

    let weight_bytes: usize = view.matrices().map(Matrix::weight_bytes).sum();
    let mut golden = golden_images(test_split, weight_bytes);
    // Adds an image for each network of a cascade that answers none of these.
    for network in 0..view.networks().len() as u8 {
        if !golden.iter().any(|&index| test.networks.get(index) == Some(&network)) {
            golden.extend(test.networks.iter().position(|&answered| answered == network));
        }
    }
    let mut workspace = HostWorkspace::new();
    let mut answers = Vec::new();
    for input in golden.into_iter().map(|index| test_split.image(index)) {
        let prediction = workspace.infer(&view, input)?;
        answers.push((input, prediction.logits.to_vec(), prediction.probabilities.to_vec()));
    }
    let golden = answers.iter().map(|(input, logits, probabilities)| GoldenSource { input, logits, probabilities });
    let golden: Vec<_> = golden.collect();
    let source = ModelSource { golden: &golden, provenance, ..*source };
    Ok(Exported { bytes: encode(&source)?, test })
}

/// Returns the indices of the first images with different labels, for a model with `weight_bytes`
/// of weights.
fn golden_images(split: &Split, weight_bytes: usize) -> Vec<usize> {
    let max = weight_bytes.div_ceil(WEIGHT_BYTES_PER_GOLDEN_IMAGE).min(MAX_GOLDEN_IMAGES);
    let mut labels = Vec::new();
    let mut images = Vec::new();
    for (image, label) in split.labels.iter().enumerate() {
        if images.len() < max && !labels.contains(label) {
            labels.push(*label);
            images.push(image);
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_images_have_different_labels() {
        let split = Split { width: 1, pixels: (0..8).collect(), labels: vec![3, 3, 1, 3, 0, 1, 2, 4] };
        assert_eq!(golden_images(&split, 100_000), [0, 2, 4, 6]);
        assert_eq!(golden_images(&split, 8193), [0, 2]);
        assert_eq!(golden_images(&split, 1), [0]);
    }
}
