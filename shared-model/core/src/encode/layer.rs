//! One layer of the encoder's input.

use super::error::EncodeError;
use super::writer::Writer;
use crate::bytes::write_i32s;
use crate::fixed::Requant;
use crate::model::{BlobError, LayerKind, MAX_WIDTH, Shape, saturating_u32};
use crate::weights::{BlockLengths, WeightOrder, write_blocks, write_counts, write_places};

/// A quantized layer, ready to be encoded. A pool has no biases, requantizations and weights.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{LayerSource, Requant, WeightOrder};
///
/// // Two outputs of three inputs, with ternary weights.
/// let layer = LayerSource {
///     order: WeightOrder::TernaryPairs,
///     biases: &[10, -10],
///     requants: &[Requant::new(1 << 30, 31).expect("in range"); 2],
///     weights: &[1, 0, -1, 0, 1, 1],
///     ..LayerSource::default()
/// };
/// assert_eq!(layer.weights.len(), 3 * layer.biases.len());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LayerSource<'a> {
    /// The operation.
    pub kind: LayerKind,
    /// Layout of the weights in the blob. That of a depthwise convolution is
    /// [`WeightOrder::Pairs`].
    pub order: WeightOrder,
    /// Biases, one for each output of the matrix, on the scale of its accumulator.
    pub biases: &'a [i32],
    /// Requantizations, one for each output of the matrix.
    pub requants: &'a [Requant],
    /// Weights, row-major `[output][input]`, each at most [`WeightOrder::largest_weight`] in
    /// magnitude. The inputs of a convolution are the rows of its window, each
    /// [`Window::row_inputs`](crate::Window::row_inputs) long; those of a depthwise convolution are
    /// the pixels of its window.
    pub weights: &'a [i8],
}

impl LayerSource<'_> {
    /// Returns the number of inputs of the matrix, as far as the tables match.
    pub(super) fn inputs(&self) -> usize {
        self.weights.len().checked_div(self.biases.len()).unwrap_or(0)
    }

    /// Checks the lengths of the tables of layer `index` for inputs of shape `input`. Returns the
    /// shape of the outputs.
    pub(super) fn check_shape(&self, index: usize, input: Shape) -> Result<Shape, EncodeError> {
        let positions = self.kind.window().map_or(Ok([1, 1]), |window| window.positions(input));
        let positions = positions.map_err(|error| error.of(index as u8))?;
        let inputs = self.kind.matrix_inputs(input);
        let outputs = if self.kind.has_matrix() { self.biases.len() } else { 0 };
        let has_lengths = [self.biases.len(), self.requants.len()] == [outputs; 2];
        if !has_lengths || Some(self.weights.len()) != inputs.checked_mul(outputs) {
            return Err(EncodeError::Shape {
                layer: index,
                inputs,
                outputs,
                requants: self.requants.len(),
                weights: self.weights.len(),
            });
        }
        let mut channels = input.channels;
        if self.kind.has_matrix() {
            check_width(inputs)?;
            check_width(outputs)?;
            channels = outputs as u16;
        }
        if self.order.is_exceeded_by(self.weights) {
            return Err(BlobError::Weight { layer: index as u8 }.into());
        }
        let output = Shape { rows: positions[0], columns: positions[1], channels };
        check_width(output.count())?;
        Ok(output)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>, is_format_2: bool) -> Result<(), EncodeError> {
        if is_format_2 {
            writer.put(&self.kind.number())?;
            if let Some(window) = self.kind.window() {
                writer.put(&window.to_bytes())?;
            }
        }
        if self.kind.has_matrix() { self.write_matrix(writer) } else { Ok(()) }
    }

    fn write_matrix(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let (inputs, outputs) = (self.inputs(), self.biases.len());
        writer.put(&self.order.number())?;
        writer.put(&outputs)?;
        writer.put_table(4 * outputs, |target| write_i32s(self.biases, target))?;
        writer.put_table(4 * outputs, |target| {
            for (chunk, requant) in target.as_chunks_mut::<4>().0.iter_mut().zip(self.requants) {
                *chunk = requant.multiplier().to_le_bytes();
            }
            Some(target.len())
        })?;
        writer.put_table(outputs, |target| {
            for (byte, requant) in target.iter_mut().zip(self.requants) {
                *byte = requant.shift();
            }
            Some(target.len())
        })?;
        if self.order == WeightOrder::Blocks {
            return self.write_blocks(writer, inputs);
        }
        writer.put_table(self.order.packed_length(self.weights, inputs), |target| {
            self.order.pack(self.weights, inputs, target)?;
            Some(target.len())
        })
    }

    fn write_blocks(&self, writer: &mut Writer<'_>, inputs: usize) -> Result<(), EncodeError> {
        let lengths = BlockLengths::of(self.weights, inputs);
        let tables: [(usize, WriteTable); 3] =
            [(lengths.counts, write_counts), (lengths.places, write_places), (lengths.blocks, write_blocks)];
        for (length, write) in tables {
            writer.put_table(length, |target| {
                write(self.weights, inputs, target);
                Some(target.len())
            })?;
        }
        Ok(())
    }
}

/// Checks a number of pixels or outputs.
pub(super) fn check_width(width: usize) -> Result<(), BlobError> {
    match width {
        1..=MAX_WIDTH => Ok(()),
        _ => Err(BlobError::Width { found: saturating_u32(width), most: MAX_WIDTH as u32 }),
    }
}

/// Writes one table of a pruned layer: weights, number of inputs, target.
type WriteTable = fn(&[i8], usize, &mut [u8]);
