//! The dense networks to test.

use firmware::hw;
use prenda::WeightOrder;

#[derive(Clone, Copy)]
pub struct Shape {
    pub inputs: usize,
    /// 0 for a network of one layer.
    pub hidden: usize,
    pub outputs: usize,
}

impl Shape {
    /// Returns the number of weights of the largest layer.
    pub fn largest_layer(self) -> usize {
        if self.hidden == 0 { self.inputs * self.outputs } else { self.hidden * self.inputs.max(self.outputs) }
    }
}

#[derive(Clone, Copy)]
pub struct DenseCase {
    pub shape: Shape,
    /// Weight orders of the hidden and the last layer.
    pub orders: [WeightOrder; 2],
}

impl defmt::Format for DenseCase {
    fn format(&self, formatter: defmt::Formatter<'_>) {
        let Self { shape: Shape { inputs, hidden, outputs }, orders: [first, last] } = *self;
        defmt::write!(
            formatter,
            "{=usize}-{=usize}-{=usize}, weight orders {=u8} and {=u8}",
            inputs,
            hidden,
            outputs,
            first as u8,
            last as u8
        );
    }
}

/// True if the board's RAM holds large cases.
pub const IS_ROOMY: bool = hw::Buffers::FRAME >= 2048;

pub const MAX_HIDDEN: usize = if IS_ROOMY { 300 } else { 40 };

pub const MAX_OUTPUTS: usize = 17;

/// More than two full lists of pairs.
pub const MAX_INPUTS: usize = if IS_ROOMY { 1000 } else { 514 };

/// Tiles have eight outputs.
pub const OUTPUTS: [usize; 8] = [1, 2, 3, 7, 8, 9, 16, MAX_OUTPUTS];

/// Widths at which some kernel begins another word, vector or list.
const WIDE: [usize; 14] = [63, 64, 65, 127, 128, 129, 255, 256, 257, 258, 510, 513, 514, 784];

/// Returns networks of 1 to 40 inputs, with each number of outputs, of one layer and of two.
pub fn narrow() -> impl Iterator<Item = DenseCase> {
    let shapes = (1..=40).flat_map(|inputs| {
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

/// Returns networks of many inputs, as pixels and as hidden neurons. Some may have no room.
pub fn wide() -> impl Iterator<Item = DenseCase> {
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

fn all_orders(shapes: impl Iterator<Item = Shape>) -> impl Iterator<Item = DenseCase> {
    shapes.enumerate().flat_map(|(index, shape)| {
        WeightOrder::ALL.into_iter().enumerate().map(move |(place, order)| {
            // Each order is before and after each other one.
            let other = WeightOrder::ALL.get((place + index) % WeightOrder::ALL.len()).copied().unwrap_or_default();
            DenseCase { shape, orders: if shape.hidden == 0 { [order; 2] } else { [order, other] } }
        })
    })
}
