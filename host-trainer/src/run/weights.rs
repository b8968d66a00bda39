//! `weights.safetensors`: the float network, and the id of the model quantized from it.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::network::DenseParameters;
use crate::support::tensor_header::check_header;

/// Key of the model's id in the file's metadata.
const MODEL_ID: &str = "model_id";

/// The content of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    pub layers: Vec<DenseParameters>,
    /// The id of the model quantized from them; `None` in older files.
    pub model_id: Option<String>,
}

/// Encodes layers as tensors `layers.N.weight`, `[output, input]` like PyTorch, and
/// `layers.N.bias`, `[output]`. `model_id` is the model quantized from them, if there is one.
pub fn encode(layers: &[DenseParameters], model_id: Option<&str>) -> Result<Vec<u8>, SafeTensorError> {
    let bytes = |values: &mut dyn Iterator<Item = f32>| values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let tensors = layers.iter().enumerate().flat_map(|(index, layer)| {
        let weights = bytes(&mut (0..layer.outputs).flat_map(|output| layer.column(output)));
        let biases = bytes(&mut layer.biases.iter().copied());
        [
            (weight_name(index), vec![layer.outputs, layer.inputs], weights),
            (bias_name(index), vec![layer.outputs], biases),
        ]
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors
        .iter()
        .map(|(name, shape, data)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data)?)));
    let metadata = model_id.map(|id| HashMap::from([(MODEL_ID.to_owned(), id.to_owned())]));
    safetensors::serialize(views.collect::<Result<Vec<_>, SafeTensorError>>()?, metadata)
}

/// Decodes the output of [`encode`]. Returns `None` for other bytes, or if a number is not finite.
pub fn decode(bytes: &[u8]) -> Option<Weights> {
    check_header(bytes).ok()?;
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    let model_id = header.metadata().as_ref().and_then(|all| all.get(MODEL_ID)).cloned();
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let numbers = |view: &TensorView<'_>| -> Option<Vec<f32>> {
        (view.dtype() == Dtype::F32)
            .then(|| view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    };
    let layers = (0..tensors.len() / 2).map(|index| {
        let (weight, bias) = (tensors.tensor(&weight_name(index)).ok()?, tensors.tensor(&bias_name(index)).ok()?);
        let [outputs, inputs] = *weight.shape() else { return None };
        let (by_output, biases) = (numbers(&weight)?, numbers(&bias)?);
        let is_finite = by_output.iter().chain(&biases).all(|number| number.is_finite());
        // An empty matrix could claim any number of columns.
        (inputs > 0 && outputs > 0 && biases.len() == outputs && is_finite)
            .then(|| DenseParameters::from_rows(inputs, outputs, &by_output, biases))
    });
    Some(Weights { layers: layers.collect::<Option<_>>()?, model_id })
}

fn weight_name(layer: usize) -> String {
    format!("layers.{layer}.weight")
}

fn bias_name(layer: usize) -> String {
    format!("layers.{layer}.bias")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::support::damage::damaged;

    fn layers() -> [DenseParameters; 2] {
        let layer = DenseParameters {
            inputs: 3,
            outputs: 2,
            weights: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            biases: vec![7.0, 8.0],
        };
        let last = DenseParameters { inputs: 2, outputs: 1, weights: vec![9.0, 10.0], biases: vec![11.0] };
        [layer, last]
    }

    /// Returns layers of numbers that often stop being finite if a bit changes.
    fn largest() -> [DenseParameters; 2] {
        layers().map(|layer| DenseParameters { weights: vec![f32::MAX; layer.weights.len()], ..layer })
    }

    #[test]
    fn weights_are_stored_by_output_and_survive_the_round_trip() {
        let layers = layers();
        let bytes = encode(&layers, Some("01234567")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let weight = tensors.tensor("layers.0.weight").unwrap();
        assert_eq!(weight.shape(), [2, 3]);
        let values: Vec<f32> = weight.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(values, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        assert_eq!(tensors.tensor("layers.0.bias").unwrap().shape(), [2]);
        let layers = layers.to_vec();
        assert_eq!(decode(&bytes).unwrap(), Weights { layers, model_id: Some("01234567".to_owned()) });
    }

    #[test]
    fn other_tensors_are_refused() {
        assert_eq!(decode(b""), None);
        let data = 1.0_f32.to_le_bytes();
        let view = || TensorView::new(Dtype::F32, vec![1], &data).unwrap();
        let other = safetensors::serialize([("layers.0.weight", view()), ("layers.0.bias", view())], None).unwrap();
        assert_eq!(decode(&other), None);
    }

    #[test]
    fn infinite_numbers_and_empty_matrices_are_refused() {
        let network = |shape: [usize; 2], weight: &[u8], bias: &[u8]| {
            let view = |shape: &[usize], data| TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap();
            let (weight, bias) = (view(&shape, weight), view(&shape[..1], bias));
            decode(&safetensors::serialize([("layers.0.weight", weight), ("layers.0.bias", bias)], None).unwrap())
        };
        let [one, infinite] = [1.0, f32::INFINITY].map(f32::to_le_bytes);
        assert!(network([1, 1], &one, &one).is_some());
        assert_eq!(network([1, 1], &infinite, &one), None);
        assert_eq!(network([1, 1], &one, &f32::NAN.to_le_bytes()), None);
        assert_eq!(network([0, 1 << 50], &[], &[]), None);
        assert_eq!(network([1, 0], &[], &one), None);
    }

    proptest! {
        #[test]
        fn damaged_weights_are_refused_or_finite(bytes in damaged(encode(&largest(), Some("01234567")).unwrap())) {
            for layer in decode(&bytes).map(|weights| weights.layers).unwrap_or_default() {
                prop_assert_eq!(layer.weights.len(), layer.inputs * layer.outputs);
                prop_assert_eq!(layer.biases.len(), layer.outputs);
                prop_assert!(layer.weights.iter().chain(&layer.biases).all(|number| number.is_finite()));
            }
        }
    }
}
