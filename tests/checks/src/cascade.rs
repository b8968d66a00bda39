//! A small cascade with layers of every kind.

use prenda::{LayerKind, Requant, Shape, WeightOrder, Window};

use crate::{Layer, Network, clear_padding, fit};

/// Shape of an image of [`cascade`].
const IMAGE: Shape = Shape { rows: 5, columns: 6, channels: 1 };

const CLASSES: usize = 3;

/// Builds a cascade of two networks whose weights are in `order` where the format allows it: one
/// of convolutions and a pool, then one of a pool and a depthwise convolution.
///
/// The window's rows are odd, so they are padded, and one layer has two tiles.
pub fn cascade(order: WeightOrder) -> Network {
    let window = |kernel, stride, padding| Window { kernel, stride, padding };
    let first = [
        (LayerKind::Convolution(window([3, 3], [2, 2], [0, 0, 1, 1])), 3),
        (LayerKind::Convolution(window([2, 3], [1, 1], [0, 1, 0, 1])), 9),
        (LayerKind::MaxPool(window([1, 2], [1, 1], [0; 4])), 0),
        (LayerKind::Dense, CLASSES),
    ];
    let second = [
        (LayerKind::AveragePool(window([2, 2], [2, 2], [0, 0, 1, 0])), 0),
        (LayerKind::Depthwise(window([2, 2], [1, 1], [0; 4])), 1),
        (LayerKind::Dense, CLASSES),
    ];
    let layers = [chain(order, &first), chain(order, &second)].concat();
    Network {
        shape: IMAGE,
        features: Vec::new(),
        ends: vec![(first.len(), 3000)],
        class_names: (0..CLASSES).map(|class| format!("class {class}")).collect(),
        layers,
        image: (0..30_u8).map(|place| place.wrapping_mul(53)).collect(),
    }
}

/// Builds layers of these kinds and outputs, one after the other.
fn chain(order: WeightOrder, kinds: &[(LayerKind, usize)]) -> Vec<Layer> {
    let mut shape = IMAGE;
    let mut layers = Vec::new();
    for &(kind, outputs) in kinds {
        let layer = layer(kind, order, shape, outputs);
        shape = layer.output_shape(shape);
        layers.push(layer);
    }
    layers
}

fn layer(kind: LayerKind, order: WeightOrder, input: Shape, outputs: usize) -> Layer {
    if !kind.has_matrix() {
        return Layer { kind, ..Layer::default() };
    }
    let order = if matches!(kind, LayerKind::Depthwise(_)) { WeightOrder::Pairs } else { order };
    let inputs = kind.matrix_inputs(input);
    let mut weights: Vec<i8> = (0..inputs * outputs).map(|place| (place * 37 % 127) as i8 - 50).collect();
    fit(order, inputs, 1, &mut weights);
    clear_padding(kind, input, &mut weights);
    // Logits are accumulators.
    let shift = if kind == LayerKind::Dense { 30 } else { 37 };
    let requant = Requant::new(Requant::MIN_MULTIPLIER, shift).unwrap_or_default();
    Layer { kind, order, biases: vec![-300; outputs], requants: vec![requant; outputs], weights }
}
