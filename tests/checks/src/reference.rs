//! A slow reference for inference: weight by weight, with the formulas of docs/arithmetic.md, in 64
//! bits.

use prenda::{LayerKind, Model, Requant, Shape, Window};

use crate::Layer;

/// The outputs of the slow reference for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The network that answered, from 0.
    pub network: usize,
    /// The outputs of each layer that ran, first to last; those of each network's last layer are
    /// logits.
    pub outputs: Vec<Vec<i64>>,
}

impl Reference {
    /// Returns the logits of the network that answered.
    pub fn logits(&self) -> &[i64] {
        self.outputs.last().map_or(&[], Vec::as_slice)
    }
}

/// Computes the outputs of a parsed model for an image.
///
/// # Panics
///
/// Panics if a sum, in any order, exceeds 32 bits; a parsed model never has such a sum.
pub fn reference(view: &Model<'_>, pixels: &[u8]) -> Reference {
    let layers: Vec<Layer> = view.layers().iter().map(Layer::of).collect();
    let mut end = 0;
    let ends = view.networks().map(|network| {
        end += network.layers().len();
        (end, network.margin())
    });
    reference_of(view.image(), &layers, &ends.collect::<Vec<_>>(), pixels)
}

/// Like [`reference()`], for layers. `ends` has the index after each network's last layer, and its
/// margin.
pub(crate) fn reference_of(image: Shape, layers: &[Layer], ends: &[(usize, Option<i32>)], pixels: &[u8]) -> Reference {
    let mut found = Reference { network: 0, outputs: Vec::new() };
    let mut start = 0;
    for (network, &(end, margin)) in ends.iter().enumerate() {
        let mut shape = image;
        let mut values: Vec<i64> = pixels.iter().map(|&pixel| pixel.into()).collect();
        for (index, layer) in layers.iter().enumerate().take(end).skip(start) {
            (shape, values) = layer.reference(shape, &values, index + 1 == end);
            found.outputs.push(values.clone());
        }
        found.network = network;
        start = end;
        values.sort_unstable();
        let certain = |margin: i32| match values[..] {
            [.., second, largest] => largest - second >= margin.into(),
            _ => true,
        };
        if margin.is_none_or(certain) {
            break;
        }
    }
    found
}

impl Layer {
    /// Computes the outputs for values of shape `input`. Those of the last layer are logits.
    fn reference(&self, input: Shape, values: &[i64], is_last: bool) -> (Shape, Vec<i64>) {
        let Some(window) = self.kind.window() else {
            let outputs = self.biases.len();
            let row = |output: usize| self.row(output).iter().copied().zip(values.iter().copied());
            let output = (0..outputs).map(|output| self.output(output, row(output), is_last)).collect();
            return (Shape { rows: 1, columns: 1, channels: outputs as u16 }, output);
        };
        let shape @ Shape { rows, columns, channels } = self.output_shape(input);
        let mut output = Vec::new();
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let pixels = Pixels { input, values, window, row, column };
            output.extend((0..usize::from(channels)).map(|channel| self.at(&pixels, channel)));
        }
        (shape, output)
    }

    /// Computes an output channel of one window.
    fn at(&self, pixels: &Pixels<'_>, channel: usize) -> i64 {
        match self.kind {
            LayerKind::Convolution(window) => {
                let row_inputs = window.row_inputs(pixels.input.channels);
                let mut products = Vec::new();
                for (row, column) in pixels.places() {
                    for input in 0..usize::from(pixels.input.channels) {
                        let place = row * row_inputs + column * usize::from(pixels.input.channels) + input;
                        products.push((self.row(channel)[place], pixels.value(row, column, input).unwrap_or(0)));
                    }
                }
                self.output(channel, products.into_iter(), false)
            }
            LayerKind::Depthwise(window) => {
                let products = pixels.places().map(|(row, column)| {
                    let weight = self.row(channel)[row * usize::from(window.kernel[1]) + column];
                    (weight, pixels.value(row, column, channel).unwrap_or(0))
                });
                self.output(channel, products, false)
            }
            LayerKind::MaxPool(_) => pixels.inside(channel).max().expect("a window has a pixel"),
            LayerKind::AveragePool(_) => {
                let count = pixels.inside(channel).count() as i64;
                // Rounds half up: the floor of the mean plus a half.
                (2 * pixels.inside(channel).sum::<i64>() + count).div_euclid(2 * count)
            }
            kind => unreachable!("{kind:?} has no window"),
        }
    }

    /// Returns the weights of an output of the matrix.
    fn row(&self, output: usize) -> &[i8] {
        let inputs = self.weights.len() / self.biases.len();
        &self.weights[output * inputs..][..inputs]
    }

    /// Returns one requantized output; half rounds up. Applies ReLU, except in the last layer.
    fn output(&self, output: usize, products: impl Iterator<Item = (i8, i64)>, is_last: bool) -> i64 {
        let (bias, requant): (i32, Requant) = (self.biases[output], self.requants[output]);
        // Every partial sum, in any order, is between these two.
        let (mut least, mut greatest) = (i64::from(bias.min(0)), i64::from(bias.max(0)));
        for (weight, value) in products {
            let product = i64::from(weight) * value;
            least += product.min(0);
            greatest += product.max(0);
        }
        assert!([least, greatest].iter().all(|&sum| i32::try_from(sum).is_ok()), "a sum of {least}..={greatest}");
        let product = (least + greatest) * i64::from(requant.multiplier());
        let value = (product + (1 << (requant.shift() - 1))).div_euclid(1 << requant.shift());
        if is_last { value } else { value.clamp(0, 255) }
    }
}

/// The pixels of a window at one position.
struct Pixels<'a> {
    input: Shape,
    values: &'a [i64],
    window: Window,
    row: u16,
    column: u16,
}

impl Pixels<'_> {
    /// Returns the rows and columns of the window.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let [rows, columns] = self.window.kernel.map(usize::from);
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    /// Returns the value at a place of the window; `None` in the padding.
    fn value(&self, row: usize, column: usize, channel: usize) -> Option<i64> {
        let [top, left, ..] = self.window.padding.map(usize::from);
        let row = usize::from(self.row) * usize::from(self.window.stride[0]) + row;
        let column = usize::from(self.column) * usize::from(self.window.stride[1]) + column;
        let (row, column) = (row.checked_sub(top)?, column.checked_sub(left)?);
        let is_inside = row < self.input.rows.into() && column < self.input.columns.into();
        let place = (row * usize::from(self.input.columns) + column) * usize::from(self.input.channels) + channel;
        is_inside.then(|| self.values[place])
    }

    /// Returns a channel's values that are not in the padding.
    fn inside(&self, channel: usize) -> impl Iterator<Item = i64> {
        self.places().filter_map(move |(row, column)| self.value(row, column, channel))
    }
}
