//! The encoder's input, and the order of its fields in a blob.

use super::error::EncodeError;
use super::writer::Writer;
use crate::bytes::{write_i32s, write_u16s};
use crate::fixed::Requant;
use crate::model::{
    BlobError, CHECKSUM_BYTES, FORMAT_VERSION, MAGIC, MAX_WIDTH, Prefix, Provenance, TABLE_ALIGNMENT, saturating_u32,
};
use crate::weights::{BlockLengths, WeightOrder, write_blocks, write_counts, write_places};

/// A quantized network, ready to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct ModelSource<'a> {
    /// Class names, one for each output of the last layer; 1..=[`MAX_CLASSES`](crate::MAX_CLASSES).
    pub class_names: &'a [&'a str],
    /// Number of rows of an image.
    pub rows: u16,
    /// Number of columns of an image.
    pub columns: u16,
    /// Layers, first to last; 1..=[`MAX_LAYERS`](crate::MAX_LAYERS).
    pub layers: &'a [LayerSource<'a>],
    /// Golden vectors, at most [`MAX_GOLDEN_VECTORS`](crate::MAX_GOLDEN_VECTORS).
    ///
    /// To fill them, encode without them, infer, and encode again with the outputs.
    pub golden: &'a [GoldenSource<'a>],
    /// The model's origin.
    pub provenance: Provenance<'a>,
}

/// A quantized dense layer, ready to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct LayerSource<'a> {
    /// Layout of the weights in the blob.
    pub order: WeightOrder,
    /// Biases, one for each output, on the scale of its accumulator.
    pub biases: &'a [i32],
    /// Requantizations, one for each output.
    pub requants: &'a [Requant],
    /// Weights, row-major `[output][input]`, each at most [`WeightOrder::largest_weight`] in
    /// magnitude.
    pub weights: &'a [i8],
}

/// An image with its outputs, ready to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct GoldenSource<'a> {
    /// Raw pixels, row-major, one byte each.
    pub input: &'a [u8],
    /// Logits in Q15.16, one for each class.
    pub logits: &'a [i32],
    /// Probabilities in Q1.15, one for each class.
    pub probabilities: &'a [u16],
}

impl ModelSource<'_> {
    /// Returns a buffer length, in bytes, that is sufficient for [`encode`](Self::encode).
    #[must_use]
    pub fn encoded_length_bound(&self) -> usize {
        // Two length fields of at most five bytes each, and padding.
        let table = |length: usize| length + TABLE_ALIGNMENT + 10;
        let names: usize = self.class_names.iter().map(|name| name.len() + 5).sum();
        let mut inputs = self.pixels();
        let mut layers = 0;
        for layer in self.layers {
            let outputs = layer.biases.len();
            // The weights take at most three tables.
            let weights = layer.order.packed_length(layer.weights, inputs) + 2 * table(0);
            layers += 10 + 2 * table(4 * outputs) + table(outputs) + table(weights);
            inputs = outputs;
        }
        let golden = self.golden.len() * (table(self.pixels()) + table(4 * inputs) + table(2 * inputs));
        let provenance = self.provenance.trainer.len() + self.provenance.backend.len() + 128;
        Prefix::BYTES + 64 + names + layers + golden + provenance + CHECKSUM_BYTES
    }

    /// Writes the blob to the start of `buffer`, parses it as a device does, and returns its length
    /// in bytes.
    ///
    /// # Errors
    ///
    /// Returns an [`EncodeError`] if shapes do not match, the buffer is too short, or the network
    /// breaks a rule of the format, for example if some input could overflow an accumulator.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        self.check_shapes()?;
        let mut writer = Writer::new(buffer);
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
            if layer.order.is_exceeded_by(layer.weights) {
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

/// Writes one table of a pruned layer: weights, number of inputs, target.
type WriteTable = fn(&[i8], usize, &mut [u8]);

fn copy(source: &[u8], target: &mut [u8]) -> Option<usize> {
    target.get_mut(..source.len())?.copy_from_slice(source);
    Some(source.len())
}
