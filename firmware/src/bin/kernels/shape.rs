//! Which networks are tried.

use shared_model::WeightOrder;

/// Widths of a network.
#[derive(Clone, Copy)]
pub struct Shape {
    pub inputs: usize,
    /// Neurons of the hidden layer; 0 where there is none.
    pub hidden: usize,
    pub outputs: usize,
}

impl Shape {
    /// Weights of the largest layer.
    pub fn largest_layer(self) -> usize {
        if self.hidden == 0 { self.inputs * self.outputs } else { self.hidden * self.inputs.max(self.outputs) }
    }
}

/// A network, but for its numbers.
#[derive(Clone, Copy)]
pub struct Case {
    pub shape: Shape,
    /// Of the hidden layer's weights, and of the last one's.
    pub orders: [WeightOrder; 2],
}

/// Most neurons of a hidden layer.
pub const MAX_HIDDEN: usize = if cfg!(feature = "microbit") { 40 } else { 300 };

/// Most outputs.
pub const MAX_OUTPUTS: usize = 17;

/// Most inputs: more than lists of pairs hold twice.
pub const MAX_INPUTS: usize = if cfg!(feature = "microbit") { 514 } else { 1000 };

/// Tiles have eight outputs.
const OUTPUTS: [usize; 8] = [1, 2, 3, 7, 8, 9, 16, MAX_OUTPUTS];

/// Widths at which some kernel begins something anew: a word, a vector, a list.
const WIDE: [usize; 14] = [63, 64, 65, 127, 128, 129, 255, 256, 257, 258, 510, 513, 514, 784];

/// How often narrow networks are tried.
const ROUNDS: usize = 1;

/// Inputs 1 to 40, by each number of outputs, of a hidden layer and of the only one; several times,
/// with other numbers.
pub fn narrow() -> impl Iterator<Item = Case> {
    let shapes = (0..ROUNDS).flat_map(|_| 1..=40).flat_map(|inputs| {
        let count = OUTPUTS.len();
        (0..2 * count).map(move |index| {
            let other = OUTPUTS.get((inputs + index * 3) % count).copied().unwrap_or(1);
            let width = OUTPUTS.get(index % count).copied().unwrap_or(1);
            if index < count {
                Shape { inputs, hidden: width, outputs: other }
            } else {
                Shape { inputs, hidden: 0, outputs: width }
            }
        })
    });
    all_orders(shapes)
}

/// Many inputs, as pixels and as neurons of a hidden layer. What has no room here is left out by
/// whoever makes it.
pub fn wide() -> impl Iterator<Item = Case> {
    let pixels = WIDE.into_iter().chain([MAX_INPUTS]).flat_map(|inputs| {
        [1, 9, 17].map(|outputs| Shape { inputs, hidden: 0, outputs }).into_iter().chain([Shape {
            inputs,
            hidden: 8,
            outputs: 3,
        }])
    });
    let neurons = [31, 32, 33, 40, 127, 128, 129, 256, 257, MAX_HIDDEN]
        .into_iter()
        .flat_map(|hidden| [1, 9].map(|outputs| Shape { inputs: 3, hidden, outputs }));
    all_orders(pixels.chain(neurons))
}

fn all_orders(shapes: impl Iterator<Item = Shape>) -> impl Iterator<Item = Case> {
    shapes.enumerate().flat_map(|(index, shape)| {
        WeightOrder::ALL.into_iter().enumerate().map(move |(place, order)| {
            // Each order is before and behind each other one.
            let other = WeightOrder::ALL.get((place + index) % WeightOrder::ALL.len()).copied().unwrap_or_default();
            Case { shape, orders: if shape.hidden == 0 { [order; 2] } else { [order, other] } }
        })
    })
}
