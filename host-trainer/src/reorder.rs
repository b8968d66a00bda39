//! The same model with its weights in another order, for another core.

use shared_model::{EncodeError, GoldenSource, LayerSource, ModelSource, ModelView, Requant, WeightOrder};

use crate::export::encode;

/// `model` with its weights of 8 bits in `order`, pairs or vectors: another blob, with another id, that answers the same.
/// Layers in other orders, which are for other weights, stay as they are.
///
/// # Errors
///
/// Where the blob would be too large for the format.
pub fn reorder(model: &ModelView<'_>, order: WeightOrder) -> Result<Vec<u8>, EncodeError> {
    let class_names: Vec<_> = model.class_names().collect();
    let tables: Vec<_> = model
        .layers()
        .map(|layer| {
            let outputs = || 0..layer.outputs();
            let weights = outputs().flat_map(|output| layer.row(output));
            let biases: Vec<i32> = outputs().map(|output| layer.bias(output)).collect();
            let requants: Vec<Requant> = outputs().map(|output| layer.requant(output)).collect();
            let is_of_eight_bits = matches!(layer.order(), WeightOrder::Pairs | WeightOrder::Vectors);
            let order = if is_of_eight_bits { order } else { layer.order() };
            (order, biases, requants, weights.collect::<Vec<i8>>())
        })
        .collect();
    let layers: Vec<_> = tables
        .iter()
        .map(|(order, biases, requants, weights)| LayerSource { order: *order, biases, requants, weights })
        .collect();
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
    encode(&ModelSource {
        class_names: &class_names,
        rows: model.rows() as u16,
        columns: model.columns() as u16,
        layers: &layers,
        golden: &golden,
        provenance: model.provenance(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::encode_plain;
    use crate::model::DenseParameters;
    use crate::quantize::quantize;
    use crate::train::WeightBits;

    #[test]
    fn there_and_back_is_the_same_model() {
        let layer = DenseParameters {
            inputs: 3,
            outputs: 2,
            weights: vec![1.0, -0.5, 0.25, 0.75, 0.0, -1.0],
            biases: vec![0.5, -0.5],
        };
        let bytes = encode_plain(&quantize(&[layer], &[], WeightBits::Eight).unwrap(), 3);
        let view = ModelView::parse(&bytes).unwrap();
        let vectors = reorder(&view, WeightOrder::Vectors).unwrap();
        let there = ModelView::parse(&vectors).unwrap();
        assert_ne!(there.id(), view.id());
        assert_eq!(there.last_layer().order(), WeightOrder::Vectors);
        assert_eq!(reorder(&there, WeightOrder::Pairs).unwrap(), bytes);
    }
}
