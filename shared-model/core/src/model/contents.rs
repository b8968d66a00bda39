//! The contents of a parsed model.

use core::iter;

use super::format::Provenance;
use super::id::ModelId;
use super::layer::Layer;
use super::matrix::Matrix;
use super::network::Network;
use super::parse::Model;
use super::reader::Reader;
use super::shape::Shape;

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

impl<'a, const LAYERS: usize> Model<'a, LAYERS> {
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

    /// Returns the shape of an image.
    #[must_use]
    pub fn image(&self) -> Shape {
        self.image
    }

    /// Returns the number of pixels of an image, of all channels: the inputs of the first layer.
    #[must_use]
    pub fn input_width(&self) -> usize {
        self.image.count()
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

    /// Returns the networks, in the order in which they see an image: one, or those of a cascade.
    pub fn networks(&self) -> impl ExactSizeIterator<Item = Network<'_, 'a>> {
        let mut start = 0;
        self.networks.iter().map(move |part| {
            let end = part.end.into();
            let layers = self.layers.get(start..end).unwrap_or_default();
            start = end;
            Network { layers, margin: part.margin }
        })
    }

    /// Returns the layers of all networks, first to last.
    #[must_use]
    pub fn layers(&self) -> &[Layer<'a>] {
        &self.layers
    }

    /// Returns the matrices of all layers that have one.
    pub fn matrices(&self) -> impl Iterator<Item = &Matrix<'a>> {
        self.layers.iter().filter_map(Layer::matrix)
    }

    /// Returns the smallest `MEMORY` of a [`Workspace`](crate::Workspace) for this model, in bytes:
    /// the most that a layer needs while it runs. See [`Layer::memory_bytes`].
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes as usize
    }

    /// Returns the number of golden vectors, at most
    /// [`MAX_GOLDEN_VECTORS`](crate::MAX_GOLDEN_VECTORS).
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
        Provenance::take(&mut Reader::new(self.bytes, self.provenance as usize)).unwrap_or_default()
    }
}

impl<'a> Golden<'a> {
    pub(super) fn take(reader: &mut Reader<'a>, inputs: usize, classes: usize) -> Option<Self> {
        Some(Self {
            input: reader.take_table(inputs)?,
            logits: reader.take_table(classes.wrapping_mul(4))?,
            probabilities: reader.take_table(classes.wrapping_mul(2))?,
        })
    }
}

impl<'a> Provenance<'a> {
    pub(super) fn take(reader: &mut Reader<'a>) -> Option<Self> {
        Some(Self {
            trainer: reader.take_text()?,
            backend: reader.take_text()?,
            seed: reader.take_u64()?,
            epochs: reader.take_u32()?,
            data_sha256: *reader.take_array()?,
            train_images: reader.take_u32()?,
            train_correct_float: reader.take_u32()?,
            test_images: reader.take_u32()?,
            test_correct_float: reader.take_u32()?,
            test_correct_fixed: reader.take_u32()?,
        })
    }
}
