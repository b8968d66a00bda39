//! Writes a blob. Runs on the desk, but without a heap: slices in, bytes into the caller's buffer.

#![allow(clippy::arithmetic_side_effects, reason = "lengths of what is in a desk's memory all at once")]

use serde::Serialize;
use thiserror::Error;

use super::format::{
    CHECKSUM_BYTES, FORMAT_VERSION, MAGIC, MAX_WIDTH, Prefix, Provenance, TABLE_ALIGNMENT, saturating_u32,
};
use super::{BlobError, Model};
use crate::bytes::{write_i32s, write_u16s};
use crate::checksum::Checksum;
use crate::fixed::Requant;
use crate::kernel::{BlockLengths, WeightOrder, write_blocks, write_counts, write_places};

/// A quantized network, as the trainer has it.
#[derive(Clone, Copy, Debug)]
pub struct ModelSource<'a> {
    /// Class names, one for each output of the last layer.
    pub class_names: &'a [&'a str],
    /// Rows of a picture.
    pub rows: u16,
    /// Columns of a picture.
    pub columns: u16,
    /// Layers, first to last.
    pub layers: &'a [LayerSource<'a>],
    /// Golden vectors: encode without them, infer, and encode again with the answers.
    pub golden: &'a [GoldenSource<'a>],
    /// Where the model comes from.
    pub provenance: Provenance<'a>,
}

/// A quantized dense layer, as the trainer has it.
#[derive(Clone, Copy, Debug)]
pub struct LayerSource<'a> {
    /// How its weights lie in the blob.
    pub order: WeightOrder,
    /// One bias for each output, on the scale of its accumulator.
    pub biases: &'a [i32],
    /// One rescaling for each output.
    pub requants: &'a [Requant],
    /// Weights, row-major `[output][input]`, none larger than [`WeightOrder::largest_weight`].
    pub weights: &'a [i8],
}

/// A picture with its answers, as the trainer has it.
#[derive(Clone, Copy, Debug)]
pub struct GoldenSource<'a> {
    /// Raw pixels, row-major.
    pub input: &'a [u8],
    /// Logits in Q15.16, one for each class.
    pub logits: &'a [i32],
    /// Probabilities in Q1.15, one for each class.
    pub probabilities: &'a [u16],
}

/// Why a network cannot be written as a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A layer's tables do not fit together, or do not fit the layer before.
    #[error(
        "layer {layer}: {weights} weights and {requants} rescalings do not fit {inputs} inputs and {outputs} outputs"
    )]
    Shape {
        /// The layer, from 0.
        layer: usize,
        /// Inputs: outputs of the layer before, or pixels.
        inputs: usize,
        /// Outputs: number of biases.
        outputs: usize,
        /// Number of rescalings.
        requants: usize,
        /// Number of weights.
        weights: usize,
    },
    /// The buffer is too short; [`ModelSource::encoded_length_bound`] says what is enough.
    #[error("the buffer for the encoded model is too short")]
    BufferTooShort,
    /// The buffer is longer than the format's 32-bit length can say.
    #[error("the model is too large for the format")]
    TooLarge,
    /// What was written does not parse: the network breaks a rule of the format.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl ModelSource<'_> {
    /// A buffer of this many bytes is long enough for [`encode`](Self::encode).
    #[must_use]
    pub fn encoded_length_bound(&self) -> usize {
        // Two length fields of at most five bytes each, and the padding.
        let table = |length: usize| length + TABLE_ALIGNMENT + 10;
        let names: usize = self.class_names.iter().map(|name| name.len() + 5).sum();
        let mut inputs = self.pixels();
        let mut layers = 0;
        for layer in self.layers {
            let outputs = layer.biases.len();
            // Three tables at most.
            let weights = layer.order.packed_length(layer.weights, inputs) + 2 * table(0);
            layers += 10 + 2 * table(4 * outputs) + table(outputs) + table(weights);
            inputs = outputs;
        }
        let golden = self.golden.len() * (table(self.pixels()) + table(4 * inputs) + table(2 * inputs));
        let provenance = self.provenance.trainer.len() + self.provenance.backend.len() + 128;
        Prefix::BYTES + 64 + names + layers + golden + provenance + CHECKSUM_BYTES
    }

    /// Writes the blob to the front of `buffer` and returns its length, after parsing it as a device will.
    ///
    /// # Errors
    ///
    /// Where shapes do not fit together, the buffer is too short, or the network breaks a rule of the format: some input
    /// could overflow an accumulator, say.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        self.check_shapes()?;
        let mut writer = Writer { buffer, position: 0 };
        writer.put(&Prefix { magic: MAGIC, version: FORMAT_VERSION, length: [0; 4] })?;
        writer.put(&(self.rows, self.columns))?;
        writer.put(self.class_names)?;

        writer.put(&self.layers.len())?;
        let mut inputs = self.pixels();
        for layer in self.layers {
            layer.write(&mut writer, inputs)?;
            inputs = layer.biases.len();
        }

        writer.put(&self.golden.len())?;
        for golden in self.golden {
            writer.put_table(golden.input.len(), |target| copy(golden.input, target))?;
            writer.put_table(4 * golden.logits.len(), |target| write_i32s(golden.logits, target))?;
            writer.put_table(2 * golden.probabilities.len(), |target| write_u16s(golden.probabilities, target))?;
        }
        writer.put(&self.provenance)?;
        writer.finish()
    }

    fn pixels(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    fn check_shapes(&self) -> Result<(), EncodeError> {
        let check_width = |width: usize| match width {
            1..=MAX_WIDTH => Ok(()),
            _ => Err(BlobError::Width { found: saturating_u32(width), most: MAX_WIDTH as u32 }),
        };
        let mut inputs = self.pixels();
        check_width(inputs)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let outputs = layer.biases.len();
            if layer.requants.len() != outputs || Some(layer.weights.len()) != inputs.checked_mul(outputs) {
                return Err(EncodeError::Shape {
                    layer: index,
                    inputs,
                    outputs,
                    requants: layer.requants.len(),
                    weights: layer.weights.len(),
                });
            }
            check_width(outputs)?;
            if layer.order.has_no_room_for(layer.weights) {
                return Err(BlobError::Weight { layer: index as u8 }.into());
            }
            inputs = outputs;
        }
        Ok(())
    }
}

impl LayerSource<'_> {
    fn write(&self, writer: &mut Writer<'_>, inputs: usize) -> Result<(), EncodeError> {
        let outputs = self.biases.len();
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

    /// Counts, places and blocks.
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

/// Writes a table of a pruned layer, of weights and a number of inputs.
type WriteTable = fn(&[i8], usize, &mut [u8]);

/// Appends postcard fields to a buffer.
struct Writer<'a> {
    buffer: &'a mut [u8],
    position: usize,
}

impl Writer<'_> {
    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let rest = self.buffer.get_mut(self.position..).ok_or(EncodeError::BufferTooShort)?;
        let used = postcard::to_slice(value, rest).map_err(|_| EncodeError::BufferTooShort)?.len();
        self.position += used;
        Ok(())
    }

    /// Puts the least padding that aligns the table's data, then the table's length, then its data, by `fill`.
    fn put_table(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> Option<usize>) -> Result<(), EncodeError> {
        // The padding's own length takes one byte, since it is below 128.
        let unpadded = self.position + 1 + varint_length(length);
        let padding = unpadded.next_multiple_of(TABLE_ALIGNMENT) - unpadded;
        self.put([0_u8; TABLE_ALIGNMENT].get(..padding).unwrap_or_default())?;
        self.put(&length)?;
        let target = self.buffer.get_mut(self.position..).and_then(|rest| rest.get_mut(..length));
        fill(target.ok_or(EncodeError::BufferTooShort)?).ok_or(EncodeError::BufferTooShort)?;
        self.position += length;
        Ok(())
    }

    /// Fills in length and checksum, and parses the result.
    fn finish(self) -> Result<usize, EncodeError> {
        let length = self.position + CHECKSUM_BYTES;
        let blob = self.buffer.get_mut(..length).ok_or(EncodeError::BufferTooShort)?;
        let declared = u32::try_from(length).map_err(|_| EncodeError::TooLarge)?;
        let prefix = Prefix { magic: MAGIC, version: FORMAT_VERSION, length: declared.to_le_bytes() };
        postcard::to_slice(&prefix, blob).map_err(|_| EncodeError::BufferTooShort)?;
        let (fields, checksum) = blob.split_last_chunk_mut::<CHECKSUM_BYTES>().ok_or(EncodeError::BufferTooShort)?;
        *checksum = Checksum::of(fields).to_le_bytes();
        Model::parse(blob)?;
        Ok(length)
    }
}

fn copy(source: &[u8], target: &mut [u8]) -> Option<usize> {
    target.get_mut(..source.len())?.copy_from_slice(source);
    Some(source.len())
}

/// Bytes that postcard's varint takes for `value`: seven bits a byte.
fn varint_length(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}
