//! The networks with windows to test: a layer of any kind, a dense one, and perhaps a second
//! network.

use prenda::{LayerKind, Shape, WeightOrder, Window};

use crate::random::Random;
use crate::shape::{IS_ROOMY, OUTPUTS};

/// Kinds, numbered as in a blob.
const CONVOLUTION: usize = 1;
const KINDS: [fn(Window) -> LayerKind; 4] =
    [LayerKind::Convolution, LayerKind::Depthwise, LayerKind::MaxPool, LayerKind::AveragePool];

/// Maximum number of rows and columns of most images.
const MAX_ROWS: u32 = if IS_ROOMY { 5 } else { 3 };
const MAX_COLUMNS: u32 = if IS_ROOMY { 12 } else { 5 };

/// Kernels, channels and outputs of windows that have as many pairs as a list, or more than one or
/// two lists.
const WIDE: [([u8; 2], u16, usize); 7] = [
    ([2, 2], 64, 8),
    ([1, 1], 257, 8),
    ([2, 2], 66, 2),
    ([3, 3], 29, 2),
    ([1, 1], 257, 2),
    ([3, 3], 58, 2),
    ([2, 2], 129, 2),
];

#[derive(Clone, Copy, defmt::Format)]
pub struct WindowCase {
    kind: usize,
    /// Place in [`WeightOrder::ALL`].
    order: usize,
    /// Rows, columns and channels.
    input: [u16; 3],
    /// Channels of the output.
    pub outputs: usize,
    kernel: [u8; 2],
    stride: [u8; 2],
    padding: [u8; 4],
    pub classes: usize,
    pub is_cascade: bool,
}

impl WindowCase {
    pub fn input(&self) -> Shape {
        let [rows, columns, channels] = self.input;
        Shape { rows, columns, channels }
    }

    pub fn window(&self) -> Window {
        Window { kernel: self.kernel, stride: self.stride, padding: self.padding }
    }

    pub fn kind(&self) -> LayerKind {
        KINDS.get(self.kind - CONVOLUTION).map_or(LayerKind::Dense, |kind| kind(self.window()))
    }

    /// Returns the number of inputs in a row of a convolution's window if it is odd: the encoder
    /// expects a zero after it.
    pub fn padded_row(&self) -> Option<usize> {
        let inputs = usize::from(self.kernel[1]) * usize::from(self.input().channels);
        (self.kind == CONVOLUTION && !inputs.is_multiple_of(2)).then_some(inputs)
    }

    /// Returns the rows and columns of the output.
    pub fn positions(&self) -> [usize; 2] {
        self.window().positions(self.input()).map_or([0, 0], |positions| positions.map(usize::from))
    }

    /// Returns the number of outputs of the layer with the window.
    pub fn activations(&self) -> usize {
        let [rows, columns] = self.positions();
        rows * columns * self.outputs
    }

    /// Returns the weight order of the layer with the window.
    pub fn order(&self) -> WeightOrder {
        if matches!(self.kind(), LayerKind::Depthwise(_)) { WeightOrder::Pairs } else { self.dense_order() }
    }

    /// Returns the weight order of dense layers.
    pub fn dense_order(&self) -> WeightOrder {
        WeightOrder::ALL.get(self.order).copied().unwrap_or_default()
    }

    /// Draws a case; `index` selects kind and order.
    fn draw(index: usize) -> Self {
        let mut random = Random::new(index as u32);
        let mut up_to = |most: u32| (random.below(most) + 1) as u8;
        let kernel = [up_to(4), up_to(4)];
        let mut case = Self {
            kind: index % KINDS.len() + CONVOLUTION,
            order: index / KINDS.len() % WeightOrder::ALL.len(),
            input: [up_to(MAX_ROWS).into(), up_to(MAX_COLUMNS).into(), up_to(9).into()],
            outputs: OUTPUTS.get(index / 20 % OUTPUTS.len()).copied().unwrap_or(1),
            kernel,
            stride: [up_to(3), up_to(3)],
            padding: [0, 1, 0, 1].map(|side: usize| up_to(kernel.get(side).copied().unwrap_or(1).into()) - 1),
            classes: up_to(4).into(),
            is_cascade: up_to(2) == 2,
        };
        if case.window().positions(case.input()).is_err() {
            let [rows, columns] = kernel.map(|side| side - 1);
            case.padding = [rows, columns, rows, columns];
        }
        if case.kind != CONVOLUTION {
            case.outputs = case.input().channels.into();
        }
        case
    }
}

/// Returns the networks. Some may have no room.
pub fn all() -> impl Iterator<Item = WindowCase> {
    let orders = 0..WeightOrder::ALL.len();
    let wide = WIDE.into_iter().flat_map(move |(kernel, channels, outputs)| {
        orders.clone().map(move |order| WindowCase {
            kind: CONVOLUTION,
            order,
            input: [kernel[0].into(), u16::from(kernel[1]) + 1, channels],
            outputs,
            kernel,
            stride: [1, 1],
            padding: [0; 4],
            classes: 2,
            is_cascade: false,
        })
    });
    (0..400).map(WindowCase::draw).chain(wide)
}
