//! A layer with a window, with the reference computation in 64 bits.

use prenda::{LayerKind, LayerSource, Requant};

use crate::layer::Layer;
use crate::random::Random;
use crate::shape::IS_ROOMY;
use crate::weights;
use crate::window::WindowCase;

/// Maximum number of values of a window.
pub const MAX_WINDOW: usize = if IS_ROOMY { 600 } else { 272 };

/// Maximum number of weights of a layer whose window has padded rows. Others are in flash.
pub const MAX_PADDED_WEIGHTS: usize = if IS_ROOMY { 4096 } else { 192 };

pub struct Walk<'a> {
    case: WindowCase,
    /// Empty for a pool.
    pub matrix: Layer<'a>,
}

impl<'a> Walk<'a> {
    /// Draws numbers that the parser accepts, or returns `None` if `room` is too short for the
    /// weights. The other slices have one place for each output of the matrix.
    pub fn new(
        random: &mut Random,
        case: WindowCase,
        room: &'a mut [i8],
        biases: &'a mut [i32],
        requants: &'a mut [Requant],
    ) -> Option<Self> {
        let inputs = case.kind().matrix_inputs(case.input());
        let mut weights = weights::some(random, case.order(), inputs * biases.len());
        if let Some(used) = case.padded_row() {
            let room = room.get_mut(..weights.len())?;
            room.copy_from_slice(weights);
            let rows = room.chunks_mut(used + 1);
            rows.for_each(|row| row.iter_mut().skip(used).for_each(|weight| *weight = 0));
            weights = room;
        }
        Some(Self { case, matrix: Layer::of(random, case.order(), inputs, weights, (biases, requants), false) })
    }

    /// Returns the layer for the encoder.
    pub fn source(&self) -> LayerSource<'_> {
        LayerSource { kind: self.case.kind(), ..self.matrix.source() }
    }

    /// Writes the activations for `pixels` to `target`.
    pub fn outputs(&self, pixels: &[u8], target: &mut [u8]) {
        let mut window = [0; MAX_WINDOW];
        let values = &mut window;
        let [rows, columns] = self.case.positions();
        let mut target = target.iter_mut();
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let at = At { case: &self.case, pixels, row, column };
            let inputs = if self.matrix.inputs == 0 { 0 } else { at.convolution(values) };
            for (channel, place) in (0..self.case.outputs).zip(&mut target) {
                let output = match self.case.kind() {
                    LayerKind::MaxPool(_) => at.inside(channel).max().unwrap_or(0).into(),
                    LayerKind::AveragePool(_) => at.mean(channel),
                    LayerKind::Depthwise(_) => {
                        let inputs = at.depthwise(channel, values);
                        self.matrix.output(channel, values.get(..inputs).unwrap_or_default())
                    }
                    _ => self.matrix.output(channel, values.get(..inputs).unwrap_or_default()),
                };
                *place = output.clamp(0, 255) as u8;
            }
        }
    }
}

/// A window at one position.
struct At<'a> {
    case: &'a WindowCase,
    pixels: &'a [u8],
    row: usize,
    column: usize,
}

impl At<'_> {
    /// Returns the value at a place of the window; `None` in the padding.
    fn value(&self, row: usize, column: usize, channel: usize) -> Option<u8> {
        let (shape, window) = (self.case.input(), self.case.window());
        let row = (self.row * usize::from(window.stride[0]) + row).checked_sub(window.padding[0].into())?;
        let column = (self.column * usize::from(window.stride[1]) + column).checked_sub(window.padding[1].into())?;
        let is_inside = row < usize::from(shape.rows) && column < usize::from(shape.columns);
        let pixel = row * usize::from(shape.columns) + column;
        let value = self.pixels.get(pixel * usize::from(shape.channels) + channel).copied();
        value.filter(|_| is_inside)
    }

    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let [rows, columns] = self.case.window().kernel.map(usize::from);
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    /// Writes the values of a convolution's window to `values`; returns their number.
    fn convolution(&self, values: &mut [u8; MAX_WINDOW]) -> usize {
        let (window, channels) = (self.case.window(), usize::from(self.case.input().channels));
        let row_inputs = (usize::from(window.kernel[1]) * channels).next_multiple_of(2);
        values.fill(0);
        for (row, column) in self.places() {
            for channel in 0..channels {
                if let Some(place) = values.get_mut(row * row_inputs + column * channels + channel) {
                    *place = self.value(row, column, channel).unwrap_or(0);
                }
            }
        }
        row_inputs * usize::from(window.kernel[0])
    }

    /// Writes the values of one channel to `values`; returns their number.
    fn depthwise(&self, channel: usize, values: &mut [u8; MAX_WINDOW]) -> usize {
        let window = self.places().map(|(row, column)| self.value(row, column, channel).unwrap_or(0));
        values.iter_mut().zip(window).map(|(place, value)| *place = value).count()
    }

    /// Returns the values of one channel that are not in the padding.
    fn inside(&self, channel: usize) -> impl Iterator<Item = u8> {
        self.places().filter_map(move |(row, column)| self.value(row, column, channel))
    }

    /// Returns the mean of the values that are not in the padding, rounded half up.
    fn mean(&self, channel: usize) -> i64 {
        let count = self.inside(channel).count() as i64;
        let sum: i64 = self.inside(channel).map(i64::from).sum();
        (2 * sum + count) / (2 * count.max(1))
    }
}
