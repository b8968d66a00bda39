//! An example of `--network` for a file with convolutions: what names and shapes show of its
//! network.

use super::leftover::{is_convolution, is_state};
use super::name::Convention;
use super::orientation::Orientation;
use super::tensors::Tensor;
use crate::network::Architecture;

/// Returns the layers of `tensors` in words, convolutions first, with stride 1 and no padding, the
/// defaults of frameworks. Returns `None` without convolutions, or if a size is impossible.
pub fn sketch(tensors: &[Tensor<'_>]) -> Option<String> {
    let weights = || tensors.iter().filter(|tensor| !is_state(tensor));
    let (mut channels, mut layers) = (0, Vec::new());
    for tensor in weights().filter(|tensor| is_convolution(tensor)) {
        let orientation = Convention::of(&tensor.name)?.orientation;
        let (outputs, inputs, kernel) = match (orientation, &tensor.shape[..]) {
            (Orientation::OutIn, &[outputs, inputs, rows, columns]) => (outputs, inputs, [rows, columns]),
            (Orientation::InOut, &[rows, columns, inputs, outputs]) => (outputs, inputs, [rows, columns]),
            _ => return None,
        };
        let is_depthwise = channels > 1
            && match orientation {
                Orientation::OutIn => inputs == 1 && outputs == channels,
                Orientation::InOut => outputs == 1 && inputs == channels,
            };
        let words = if is_depthwise { "depthwise".to_owned() } else { format!("conv {outputs}") };
        layers.push(format!("{words} {}x{} stride 1 valid", kernel[0], kernel[1]));
        channels = if is_depthwise { channels } else { outputs };
    }
    if layers.is_empty() {
        return None;
    }
    for tensor in weights().filter(|tensor| tensor.shape.len() == 2) {
        let Some(Convention { orientation, .. }) = Convention::of(&tensor.name) else { continue };
        let outputs = tensor.shape.get(if orientation == Orientation::OutIn { 0 } else { 1 })?;
        layers.push(format!("dense {outputs}"));
    }
    let text = layers.join("; ");
    text.parse::<Architecture>().is_ok().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_described_as_far_as_shapes_show_them() {
        let sketch = |tensors: &[(&str, &[usize])]| {
            let tensors: Vec<_> = tensors
                .iter()
                .map(|(name, shape)| Tensor::computed((*name).to_owned(), shape.to_vec(), [0.0]))
                .collect();
            sketch(&tensors)
        };
        let pytorch: &[(&str, &[usize])] = &[
            ("classifier.weight", &[10, 400]),
            ("classifier.bias", &[10]),
            ("features.0.weight", &[8, 1, 3, 5]),
            ("features.3.weight", &[8, 1, 3, 3]),
            ("features.6.weight", &[16, 8, 1, 1]),
        ];
        let expected = "conv 8 3x5 stride 1 valid; depthwise 3x3 stride 1 valid; conv 16 1x1 stride 1 valid; dense 10";
        assert_eq!(sketch(pytorch).unwrap(), expected);
        let keras: &[(&str, &[usize])] = &[
            ("conv2d/kernel", &[3, 5, 1, 8]),
            ("dense/kernel", &[400, 10]),
            ("depthwise_conv2d/kernel", &[3, 3, 8, 1]),
        ];
        assert_eq!(sketch(keras).unwrap(), "conv 8 3x5 stride 1 valid; depthwise 3x3 stride 1 valid; dense 10");
        assert_eq!(sketch(&[("fc.weight", &[10, 400])]), None);
        assert_eq!(sketch(&[("conv.weight", &[0, 1, 300, 3])]), None);
    }
}
