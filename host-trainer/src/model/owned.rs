//! A layer of a model with tables of its own.

use shared_model::{Layer, LayerKind, LayerSource, Requant, WeightOrder};

/// A layer of a parsed model, unpacked, to be encoded again.
#[derive(Clone, Debug)]
pub struct OwnedLayer {
    kind: LayerKind,
    /// Order of the weights in the next encoding.
    pub order: WeightOrder,
    biases: Vec<i32>,
    requants: Vec<Requant>,
    weights: Vec<i8>,
}

impl OwnedLayer {
    /// Unpacks `layer`.
    pub fn of(layer: &Layer<'_>) -> Self {
        let kind = layer.kind();
        let Some(matrix) = layer.matrix() else {
            return Self { kind, order: WeightOrder::default(), biases: vec![], requants: vec![], weights: vec![] };
        };
        let outputs = || 0..matrix.outputs();
        let mut weights = Vec::with_capacity(matrix.inputs() * matrix.outputs());
        weights.extend(outputs().flat_map(|output| matrix.row(output)));
        Self {
            kind,
            order: matrix.order(),
            biases: outputs().map(|output| matrix.bias(output)).collect(),
            requants: outputs().map(|output| matrix.requant(output)).collect(),
            weights,
        }
    }

    /// Returns the encoder's input.
    pub fn source(&self) -> LayerSource<'_> {
        let Self { kind, order, biases, requants, weights } = self;
        LayerSource { kind: *kind, order: *order, biases, requants, weights }
    }
}
