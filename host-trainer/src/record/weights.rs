//! `weights.safetensors`: the float network, layer by layer.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::model::DenseParameters;

/// `layers.N.weight`, `[output, input]` as PyTorch has it, and `layers.N.bias`, `[output]`.
///
/// # Errors
///
/// Where the library refuses the layers.
pub fn encode(layers: &[DenseParameters]) -> Result<Vec<u8>, SafeTensorError> {
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
    safetensors::serialize(views.collect::<Result<Vec<_>, SafeTensorError>>()?, None)
}

/// What [`encode`] wrote, first layer to last; nothing where `bytes` are something else.
pub fn decode(bytes: &[u8]) -> Option<Vec<DenseParameters>> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let numbers = |view: &TensorView<'_>| -> Option<Vec<f32>> {
        (view.dtype() == Dtype::F32)
            .then(|| view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    };
    let layers = (0..tensors.len() / 2).map(|index| {
        let (weight, bias) = (tensors.tensor(&weight_name(index)).ok()?, tensors.tensor(&bias_name(index)).ok()?);
        let [outputs, inputs] = *weight.shape() else { return None };
        let (by_output, biases) = (numbers(&weight)?, numbers(&bias)?);
        (biases.len() == outputs).then(|| DenseParameters::from_rows(inputs, outputs, &by_output, biases))
    });
    layers.collect()
}

fn weight_name(layer: usize) -> String {
    format!("layers.{layer}.weight")
}

fn bias_name(layer: usize) -> String {
    format!("layers.{layer}.bias")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_stored_output_by_output_and_come_back() {
        let layer = DenseParameters {
            inputs: 3,
            outputs: 2,
            weights: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            biases: vec![7.0, 8.0],
        };
        let last = DenseParameters { inputs: 2, outputs: 1, weights: vec![9.0, 10.0], biases: vec![11.0] };
        let layers = [layer, last];
        let bytes = encode(&layers).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let weight = tensors.tensor("layers.0.weight").unwrap();
        assert_eq!(weight.shape(), [2, 3]);
        let values: Vec<f32> = weight.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(values, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        assert_eq!(tensors.tensor("layers.0.bias").unwrap().shape(), [2]);
        assert_eq!(decode(&bytes).unwrap(), layers);
    }

    #[test]
    fn what_is_something_else_is_no_network() {
        assert_eq!(decode(b""), None);
        let data = 1.0_f32.to_le_bytes();
        let view = || TensorView::new(Dtype::F32, vec![1], &data).unwrap();
        let other = safetensors::serialize([("layers.0.weight", view()), ("layers.0.bias", view())], None).unwrap();
        assert_eq!(decode(&other), None);
    }
}
