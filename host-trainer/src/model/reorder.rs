//! Stores a model's weights in another order, for another core, or its channels for more zeros.

use prenda::{EncodeError, GoldenSource, InferError, Layer, LayerKind, Model, ModelSource, NetworkSource, WeightOrder};
use thiserror::Error;

use super::owned::OwnedLayer;
use super::pairing::{Paired, pair_channels};
use crate::data::Split;
use crate::quantize::encode;

/// Most weights of a model, pruned ones included: each takes a byte of memory during reordering.
/// More than one layer of the greatest width has.
const MAX_WEIGHTS: usize = 264 << 20;

/// Why a model cannot be reordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReorderError {
    #[error("its layers have {found} weights, pruned ones included; expected at most {MAX_WEIGHTS}")]
    TooManyWeights { found: usize },
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Infer(#[from] InferError),
}

/// Returns true if `layer` has 8-bit weights in another order than `order`.
pub fn is_changed(layer: &Layer<'_>, order: WeightOrder) -> bool {
    // The kernel of depthwise convolutions reads pairs only.
    let Some(matrix) = layer.matrix().filter(|_| !matches!(layer.kind(), LayerKind::Depthwise(_))) else {
        return false;
    };
    matches!(matrix.order(), WeightOrder::Pairs | WeightOrder::Vectors) && matrix.order() != order
}

/// Returns `model` with another id and the same answers.
///
/// With `order`, 8-bit weights are in this order, pairs or vectors. Layers with other weights are
/// unchanged. With `images`, channels that are often zero together are neighbours: see
/// [`pair_channels`].
pub fn reorder(
    model: &Model<'_>,
    order: Option<WeightOrder>,
    images: Option<&Split>,
) -> Result<(Vec<u8>, Vec<Paired>), ReorderError> {
    check_count(model.matrices().map(|matrix| (matrix.inputs(), matrix.outputs())))?;
    let class_names: Vec<_> = model.class_names().collect();
    let features: Vec<_> = model.features().collect();
    let mut layers: Vec<_> = model.layers().iter().map(OwnedLayer::of).collect();
    for (owned, layer) in layers.iter_mut().zip(model.layers()) {
        if let Some(order) = order.filter(|order| is_changed(layer, *order)) {
            owned.order = order;
        }
    }
    let paired = images.map_or(Ok(Vec::new()), |images| pair_channels(model, &mut layers, images))?;
    let sources: Vec<_> = layers.iter().map(OwnedLayer::source).collect();
    let mut rest = &sources[..];
    let networks = model.networks().map(|network| {
        let (layers, others) = rest.split_at(network.layers().len());
        rest = others;
        NetworkSource { layers, margin: network.margin() }
    });
    let networks: Vec<_> = networks.collect();
    let answers: Vec<_> = model
        .golden()
        .map(|golden| {
            let logits = golden.logits.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes));
            let probabilities = golden.probabilities.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
            (golden.input, logits.collect::<Vec<_>>(), probabilities.collect::<Vec<_>>())
        })
        .collect();
    let golden: Vec<_> =
        answers.iter().map(|(input, logits, probabilities)| GoldenSource { input, logits, probabilities }).collect();
    let bytes = encode(&ModelSource {
        class_names: &class_names,
        image: model.image(),
        features: &features,
        networks: &networks,
        golden: &golden,
        provenance: model.provenance(),
    })?;
    Ok((bytes, paired))
}

/// Checks that layers of these inputs and outputs fit in memory.
fn check_count(layers: impl Iterator<Item = (usize, usize)>) -> Result<(), ReorderError> {
    let found = layers.map(|(inputs, outputs)| inputs * outputs).sum();
    if found > MAX_WEIGHTS { Err(ReorderError::TooManyWeights { found }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::DenseParameters;
    use crate::quantize::{encode_plain, quantize_dense};

    #[test]
    fn too_many_weights_are_refused() {
        let widest = (16_384, 16_384);
        assert_eq!(check_count([widest, (16_384, 512)].into_iter()), Ok(()));
        let error = check_count([widest, (16_384, 513)].into_iter()).unwrap_err();
        assert_eq!(error, ReorderError::TooManyWeights { found: 276_840_448 });
        assert!(error.to_string().contains("276840448 weights") && error.to_string().contains("at most 276824064"));
    }

    #[test]
    fn reordering_twice_restores_the_model() {
        let layer = DenseParameters {
            inputs: 3,
            outputs: 2,
            weights: vec![1.0, -0.5, 0.25, 0.75, 0.0, -1.0],
            biases: vec![0.5, -0.5],
        };
        let bytes = encode_plain(&quantize_dense(&[layer], &[]).unwrap(), 3);
        let view = Model::parse(&bytes).unwrap();
        let (vectors, _) = reorder(&view, Some(WeightOrder::Vectors), None).unwrap();
        let there = Model::parse(&vectors).unwrap();
        assert_ne!(there.id(), view.id());
        assert_eq!(there.matrices().next().unwrap().order(), WeightOrder::Vectors);
        assert_eq!(reorder(&there, Some(WeightOrder::Pairs), None).unwrap().0, bytes);
    }
}
