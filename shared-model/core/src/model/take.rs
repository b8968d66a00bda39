//! Reads layers and their matrices from a blob.

use super::error::BlobError;
use super::format::saturating_u32;
use super::layer::{Layer, LayerKind, list_pairs};
use super::matrix::Matrix;
use super::reader::Reader;
use super::requants::Requants;
use super::shape::{Shape, Window, WindowError};
use crate::weights::{BLOCK_BYTES, TILE_OUTPUTS, WeightOrder};

impl<'a> Layer<'a> {
    /// Reads the layer `index`, with every table's length checked; [`Self::prove_sound`] checks its
    /// values.
    ///
    /// Format 1 has no kind: all of its layers are dense.
    pub(super) fn take(reader: &mut Reader<'a>, index: u8, input: Shape, has_kinds: bool) -> Option<Self> {
        let kind = if has_kinds { Self::take_kind(reader, index)? } else { LayerKind::Dense };
        let positions = match kind.window().map_or(Ok([1, 1]), |window| window.positions(input)) {
            Ok(positions) => positions,
            Err(error) => return reader.refuse(error.of(index)),
        };
        let mut matrix = Matrix::EMPTY;
        let mut channels = input.channels;
        if kind.has_matrix() {
            let inputs = reader.checked_width(saturating_u32(kind.matrix_inputs(input)))?;
            matrix = Matrix::take(reader, index, inputs)?;
            channels = matrix.outputs() as u16;
        }
        if matches!(kind, LayerKind::Depthwise(_)) {
            if channels != input.channels {
                let (expected, found) = (input.channels.into(), channels.into());
                return reader.refuse(BlobError::Channels { layer: index, expected, found });
            }
            if matrix.order() != WeightOrder::Pairs {
                return reader.refuse(BlobError::WeightOrder { layer: index, found: matrix.order().number() });
            }
        }
        let output = Shape { rows: positions[0], columns: positions[1], channels };
        reader.checked_width(saturating_u32(output.count()))?;
        let list_pairs = list_pairs(kind, &matrix);
        Some(Self { kind, input, output, matrix, list_pairs })
    }

    fn take_kind(reader: &mut Reader<'a>, index: u8) -> Option<LayerKind> {
        let number = reader.take_u32()?;
        let kind = match number {
            0 => return Some(LayerKind::Dense),
            1 if cfg!(feature = "convolution") => LayerKind::Convolution,
            2 if cfg!(feature = "depthwise") => LayerKind::Depthwise,
            3 if cfg!(feature = "pool") => LayerKind::MaxPool,
            4 if cfg!(feature = "pool") => LayerKind::AveragePool,
            _ => return reader.refuse(BlobError::LayerKind { layer: index, found: number }),
        };
        Some(kind(Window::from_bytes(*reader.take_array()?)))
    }

    /// Checks every parameter, and that no input overflows an accumulator or, in the last layer, a
    /// logit.
    ///
    /// Returns `None` after it stores the error in `reader`.
    pub(super) fn prove_sound(&self, reader: &mut Reader<'_>, index: u8, is_last: bool) -> Option<()> {
        let mut padded = 0;
        if let LayerKind::Convolution(window) = self.kind {
            let row = window.row_inputs(self.input.channels);
            // A row with an odd number of values ends with a zero weight.
            if row != usize::from(window.kernel[1]).wrapping_mul(self.input.channels.into()) {
                padded = row;
            }
        }
        if self.kind.has_matrix() { self.matrix.prove_sound(reader, index, padded, is_last) } else { Some(()) }
    }
}

impl<'a> Matrix<'a> {
    /// Reads the matrix of layer `index`, with every table's length checked;
    /// [`Self::prove_sound`] checks its values.
    pub(super) fn take(reader: &mut Reader<'a>, index: u8, inputs: usize) -> Option<Self> {
        let order = reader.take_u32()?;
        let Some(order) = WeightOrder::from_number(order) else {
            return reader.refuse(BlobError::WeightOrder { layer: index, found: order });
        };
        let outputs = reader.take_u32()?;
        let outputs = reader.checked_width(outputs)?;
        let mut layer = Self {
            order,
            inputs: inputs as u16,
            outputs: outputs as u16,
            biases: reader.take_table(outputs.wrapping_mul(4))?,
            requants: Requants::new(reader.take_table(outputs.wrapping_mul(4))?, reader.take_table(outputs)?),
            ..Self::EMPTY
        };
        if order == WeightOrder::Blocks {
            layer.counts = reader.take_table(outputs.div_ceil(TILE_OUTPUTS).wrapping_mul(2))?;
            // At most 2,048 tiles of less than 2^16 blocks each, so at most 2^31 bytes.
            let count: usize = layer.block_lists().counts().sum();
            layer.max_blocks = layer.block_lists().counts().max().unwrap_or(0) as u16;
            layer.places = reader.take_table(count.wrapping_mul(2))?;
            layer.weights = reader.take_table(count.wrapping_mul(BLOCK_BYTES))?;
        } else {
            layer.weights = reader.take_table(order.packed_length_bound(inputs, outputs))?;
        }
        Some(layer)
    }
}

impl WindowError {
    /// Returns the parser's error for `layer`.
    pub(crate) const fn of(self, layer: u8) -> BlobError {
        match self {
            Self::Empty => BlobError::EmptyWindow { layer },
            Self::Padding => BlobError::WindowPadding { layer },
            // An image of more rows or columns than a model can have.
            Self::TooLarge | Self::TooMany => BlobError::WindowTooLarge { layer },
        }
    }
}
