//! `Model::parse`: parse once, then trust.

use core::iter;

use heapless::Vec;

use super::error::BlobError;
use super::format::{
    CHECKSUM_BYTES, MAX_CLASSES, MAX_GOLDEN_VECTORS, MAX_LAYERS, ModelId, Prefix, Provenance, blob_length,
    saturating_u32,
};
use super::layer::DenseLayer;
use super::reader::Reader;
use crate::checksum::Checksum;

const MAX_HIDDEN_LAYERS: usize = MAX_LAYERS - 1;

/// A model, parsed and proved runnable. It borrows its bytes and reads them in place.
///
/// Only [`Model::parse`] makes one, so code that has a `Model` need not check it again.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    bytes: &'a [u8],
    id: ModelId,
    rows: u16,
    columns: u16,
    /// Offset of the class names in bytes, and their count.
    class_names: (u32, usize),
    /// All layers but the last, which always exists.
    hidden: Vec<DenseLayer<'a>, MAX_HIDDEN_LAYERS>,
    last: DenseLayer<'a>,
    /// Offset of the golden vectors in bytes, and their count.
    golden: (u32, usize),
    provenance: Provenance<'a>,
}

/// A golden vector: an image with the outputs of the host that exported the model.
///
/// A device compares its own outputs with them: see [`self_test`](crate::self_test).
#[derive(Clone, Copy, Debug)]
pub struct Golden<'a> {
    /// Raw pixels, row-major, one byte each.
    pub input: &'a [u8],
    /// Logits in Q15.16, little-endian `i32`, one for each class.
    pub logits: &'a [u8],
    /// Probabilities in Q1.15, little-endian `u16`, one for each class.
    pub probabilities: &'a [u8],
}

impl<'a> Model<'a> {
    /// Parses all of `bytes`, and proves that the model is runnable.
    ///
    /// Every table has its expected position and length, every parameter is in range, and no image
    /// can overflow an accumulator. Never panics for any bytes.
    ///
    /// # Errors
    ///
    /// Returns the first error found.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let mut parsed = Err(BlobError::Magic);
        Self::parse_into(&mut parsed, bytes);
        parsed
    }

    /// Like [`parse`](Self::parse), but writes the result to `parsed`.
    ///
    /// A returned model is moved, which takes a kilobyte of a device's stack.
    pub fn parse_into(parsed: &mut Result<Self, BlobError>, bytes: &'a [u8]) {
        let (fields, id) = match checked_fields(bytes) {
            Ok(checked) => checked,
            Err(error) => {
                *parsed = Err(error);
                return;
            }
        };
        *parsed = Ok(Self {
            bytes,
            id,
            rows: 0,
            columns: 0,
            class_names: (0, 0),
            hidden: Vec::new(),
            last: DenseLayer::EMPTY,
            golden: (0, 0),
            provenance: Provenance::default(),
        });
        let mut reader = Reader::new(fields, Prefix::BYTES);
        if let Ok(model) = parsed
            && model.fill(&mut reader).is_none()
        {
            *parsed = Err(reader.refusal());
        }
    }

    /// Reads and checks all fields. Returns `None` after it stores the error in `reader`.
    fn fill(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        (self.rows, self.columns) = (reader.take_u16()?, reader.take_u16()?);
        let pixels = reader.checked_width(u32::from(self.rows).wrapping_mul(u32::from(self.columns)))?;

        let names = reader.take_u32()?;
        self.class_names = (reader.offset(), names as usize);
        for _ in 0..names {
            reader.take_text()?;
        }

        let layer_count = reader.take_u32()?;
        let bad_count = BlobError::LayerCount { found: layer_count, most: MAX_LAYERS as u32 };
        let Some(hidden_count) = layer_count.checked_sub(1) else { return reader.refuse(bad_count) };
        let mut width = pixels;
        for index in 0..hidden_count {
            let layer = DenseLayer::take(reader, index as u8, width)?;
            width = layer.outputs();
            if self.hidden.push(layer).is_err() {
                return reader.refuse(bad_count);
            }
        }
        self.last = DenseLayer::take(reader, self.hidden.len() as u8, width)?;
        let outputs = self.last.outputs();
        if names as usize != outputs || outputs > MAX_CLASSES {
            let (outputs, most) = (saturating_u32(outputs), MAX_CLASSES as u32);
            return reader.refuse(BlobError::Classes { names, outputs, most });
        }
        for (index, layer) in self.hidden.iter().enumerate() {
            layer.prove_sound(reader, index as u8, false)?;
        }
        self.last.prove_sound(reader, self.hidden.len() as u8, true)?;

        let golden_count = reader.take_u32()?;
        if golden_count as usize > MAX_GOLDEN_VECTORS {
            return reader.refuse(BlobError::GoldenCount { found: golden_count, most: MAX_GOLDEN_VECTORS as u32 });
        }
        self.golden = (reader.offset(), golden_count as usize);
        for _ in 0..golden_count {
            Golden::take(reader, pixels, outputs)?;
        }
        self.provenance = Provenance::take(reader)?;
        reader.finish()
    }

    /// Returns the model's identity.
    #[must_use]
    pub fn id(&self) -> ModelId {
        self.id
    }

    /// Returns the whole blob.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the number of rows of an image.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.into()
    }

    /// Returns the number of columns of an image.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns.into()
    }

    /// Returns the number of pixels of an image: the inputs of the first layer.
    #[must_use]
    pub fn input_width(&self) -> usize {
        self.rows().wrapping_mul(self.columns())
    }

    /// Returns the number of classes: the outputs of the last layer.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.class_names.1
    }

    /// Returns the class names, in order of classes.
    pub fn class_names(&self) -> impl Iterator<Item = &'a str> {
        let mut reader = Reader::new(self.bytes, self.class_names.0 as usize);
        iter::from_fn(move || reader.take_text()).take(self.class_names.1)
    }

    /// Returns the layers, first to last.
    pub fn layers(&self) -> impl Iterator<Item = &DenseLayer<'a>> {
        self.hidden.iter().chain([&self.last])
    }

    /// Returns the layers that end with a ReLU: all but the last.
    #[must_use]
    pub fn hidden_layers(&self) -> &[DenseLayer<'a>] {
        &self.hidden
    }

    /// Returns the layer whose outputs are the logits.
    #[must_use]
    pub fn last_layer(&self) -> &DenseLayer<'a> {
        &self.last
    }

    /// Returns the number of golden vectors, at most [`MAX_GOLDEN_VECTORS`].
    #[must_use]
    pub fn golden_count(&self) -> usize {
        self.golden.1
    }

    /// Returns the golden vectors.
    pub fn golden(&self) -> impl Iterator<Item = Golden<'a>> {
        let mut reader = Reader::new(self.bytes, self.golden.0 as usize);
        let (inputs, classes) = (self.input_width(), self.classes());
        iter::from_fn(move || Golden::take(&mut reader, inputs, classes)).take(self.golden.1)
    }

    /// Returns the model's origin.
    #[must_use]
    pub fn provenance(&self) -> Provenance<'a> {
        self.provenance
    }
}

impl<'a> Golden<'a> {
    fn take(reader: &mut Reader<'a>, inputs: usize, classes: usize) -> Option<Self> {
        Some(Self {
            input: reader.take_table(inputs)?,
            logits: reader.take_table(classes.wrapping_mul(4))?,
            probabilities: reader.take_table(classes.wrapping_mul(2))?,
        })
    }
}

impl<'a> Provenance<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        Some(Self {
            trainer: reader.take_text()?,
            backend: reader.take_text()?,
            seed: reader.take_u64()?,
            epochs: reader.take_u32()?,
            data_sha256: reader.take_array()?,
            train_images: reader.take_u32()?,
            train_correct_float: reader.take_u32()?,
            test_images: reader.take_u32()?,
            test_correct_float: reader.take_u32()?,
            test_correct_fixed: reader.take_u32()?,
        })
    }
}

/// Checks length and checksum. Returns the fields, with the prefix before them, and the id.
fn checked_fields(bytes: &[u8]) -> Result<(&[u8], ModelId), BlobError> {
    let found = saturating_u32(bytes.len());
    let length = blob_length(bytes)?;
    if length != bytes.len() {
        return Err(BlobError::Length { declared: saturating_u32(length), found });
    }
    let (fields, stored) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(BlobError::TooShort { found })?;
    let (stored, computed) = (u32::from_le_bytes(*stored), Checksum::of(fields));
    if stored != computed {
        return Err(BlobError::Checksum { stored, computed });
    }
    Ok((fields, ModelId(stored)))
}
