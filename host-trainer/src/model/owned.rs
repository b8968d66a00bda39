//! A layer of a model with tables of its own.

use prenda::{Layer, LayerKind, LayerSource, Requant, WeightOrder};

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

    /// Gives outputs another order: the first is then the old output `order[0]`.
    pub fn order_outputs(&mut self, order: &[usize]) {
        let inputs = self.weights.len().checked_div(self.biases.len()).unwrap_or(0);
        if inputs == 0 {
            return;
        }
        let Self { biases, requants, weights, .. } = self.clone();
        self.biases = order.iter().map(|&output| biases[output]).collect();
        self.requants = order.iter().map(|&output| requants[output]).collect();
        self.weights = order.iter().flat_map(|&output| &weights[output * inputs..][..inputs]).copied().collect();
    }

    /// Gives the channels of the inputs of a dense layer or a convolution another order.
    pub fn order_inputs(&mut self, order: &[usize]) {
        let channels = order.len();
        let inputs = self.weights.len() / self.biases.len();
        // A row of a window may end with padding.
        let row = self.kind.window().map_or(inputs, |window| window.row_inputs(channels as u16));
        let weights = self.weights.clone();
        for (row, old) in self.weights.chunks_mut(row).zip(weights.chunks(row)) {
            for (position, old) in row.chunks_exact_mut(channels).zip(old.chunks_exact(channels)) {
                position.iter_mut().zip(order).for_each(|(weight, &channel)| *weight = old[channel]);
            }
        }
    }
}
