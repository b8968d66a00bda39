//! A parsed model and its contents.

use core::iter;

use heapless::Vec;

use super::format::Provenance;
use super::id::ModelId;
use super::layer::Layer;
use super::limits::{MAX_LAYERS, MAX_NETWORKS};
use super::matrix::Matrix;
use super::network::Network;
use super::reader::Reader;
use super::shape::Shape;

/// A model, parsed and proved runnable. It borrows its bytes and reads them in place.
///
/// Only parsing makes one, so code that has a `Model` need not check it again.
///
/// `LAYERS` is the largest number of layers of all networks together. Each takes about 100 bytes of
/// RAM on a 32-bit core.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{BlobError, Model};
///
/// let blob = std::fs::read("shoes.bin").unwrap();
/// assert_eq!(Model::<2>::try_from(&blob[..]).unwrap().layers().len(), 2);
/// let error = Model::<1>::try_from(&blob[..]).err();
/// assert_eq!(error, Some(BlobError::LayerCount { found: 2, most: 1 }));
/// ```
#[derive(Clone, Debug)]
pub struct Model<'a, const LAYERS: usize = MAX_LAYERS> {
    pub(super) bytes: &'a [u8],
    pub(super) id: ModelId,
    pub(super) image: Shape,
    /// Offset of the class names in bytes, and their count.
    pub(super) class_names: (u32, usize),
    /// Offset of the features in bytes; 0 without features.
    pub(super) features: u32,
    /// The layers of all networks.
    pub(super) layers: Vec<Layer<'a>, LAYERS>,
    pub(super) networks: Vec<Part, MAX_NETWORKS>,
    /// The most that a layer needs while it runs: see [`Layer::memory_bytes`].
    pub(super) memory_bytes: u32,
    /// Offset of the golden vectors in bytes, and their count.
    pub(super) golden: (u32, usize),
    /// Offset of the provenance in bytes.
    pub(super) provenance: u32,
}

/// The layers of a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Index after the network's last layer.
    pub end: u8,
    /// `None` for the last network.
    pub margin: Option<i32>,
}

/// A golden vector: an image with the outputs of the host that exported the model.
///
/// A device compares its own outputs with them: see [`self_test`](crate::self_test).
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// let golden = model.golden().next().unwrap();
/// assert_eq!([golden.input, golden.logits, golden.probabilities].map(<[u8]>::len), [784, 40, 20]);
/// let first = i32::from_le_bytes(*golden.logits.first_chunk().unwrap());
/// assert_eq!(first, -906_514); // -13.8 in Q15.16
/// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert_eq!(model.id().to_string(), "ec8a016f"); // the same on host and device
    /// ```
    #[must_use]
    pub fn id(&self) -> ModelId {
        self.id
    }

    /// Returns the whole blob.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::Model;
    ///
    /// // The bytes of the model alone, without those after it.
    /// let copy = model.bytes().to_vec();
    /// assert_eq!(Model::parse(&copy).unwrap().id(), model.id());
    /// ```
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the shape of an image.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let image = model.image();
    /// assert_eq!((image.rows, image.columns, image.channels), (28, 28, 1));
    /// ```
    #[must_use]
    pub fn image(&self) -> Shape {
        self.image
    }

    /// Returns the number of pixels of an image, of all channels: the inputs of the first layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let frame = vec![0; model.input_width()]; // from a camera
    /// let mut workspace = prenda::Workspace::<360, 10>::new();
    /// assert_eq!((frame.len(), workspace.infer(&model, &frame).unwrap().class), (784, 5));
    /// ```
    #[must_use]
    pub fn input_width(&self) -> usize {
        self.image.count()
    }

    /// Returns the number of classes: the outputs of the last layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let mut confusion = vec![vec![0; model.classes()]; model.classes()];
    /// confusion[9][5] += 1; // an ankle boot, taken for a sandal
    /// assert_eq!(confusion.concat().len(), 100);
    /// ```
    #[must_use]
    pub fn classes(&self) -> usize {
        self.class_names.1
    }

    /// Returns the class names, in order of classes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let mut workspace = prenda::Workspace::<360, 10>::new();
    /// let answer = workspace.infer(&model, &[0; 784]).unwrap();
    /// assert_eq!(model.class_names().nth(answer.class), Some("Sandal"));
    /// ```
    pub fn class_names(&self) -> impl Iterator<Item = &'a str> {
        let mut reader = Reader::new(self.bytes, self.class_names.0 as usize);
        iter::from_fn(move || reader.take_text()).take(self.class_names.1)
    }

    /// Returns the networks, in the order in which they see an image: one, or those of a cascade.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let networks: Vec<_> = model.networks().map(|network| network.to_string()).collect();
    /// assert_eq!(networks, ["dense 64; dense 10"]);
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::Layer;
    ///
    /// let parameters: usize = model.layers().iter().map(Layer::parameters).sum();
    /// assert_eq!(parameters, 784 * 64 + 64 + 64 * 10 + 10);
    /// ```
    #[must_use]
    pub fn layers(&self) -> &[Layer<'a>] {
        &self.layers
    }

    /// Returns the matrices of all layers that have one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let bytes: usize = model.matrices().map(|matrix| matrix.weight_bytes()).sum();
    /// assert_eq!((bytes, model.bytes().len()), (6800, 8655));
    /// ```
    pub fn matrices(&self) -> impl Iterator<Item = &Matrix<'a>> {
        self.layers.iter().filter_map(Layer::matrix)
    }

    /// Returns the smallest `MEMORY` of a [`Workspace`](crate::Workspace) for this model, in bytes:
    /// the most that a layer needs while it runs. See [`Layer::memory_bytes`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// const MEMORY: usize = 1024; // of this device's workspace
    /// assert!(model.memory_bytes() <= MEMORY);
    /// ```
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes as usize
    }

    /// Returns the number of golden vectors, at most
    /// [`MAX_GOLDEN_VECTORS`](crate::MAX_GOLDEN_VECTORS).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// // The self-test that a device runs at its start takes one inference.
    /// assert_eq!(model.golden_count(), 1);
    /// ```
    #[must_use]
    pub fn golden_count(&self) -> usize {
        self.golden.1
    }

    /// Returns the golden vectors.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let mut workspace = prenda::Workspace::<360, 10>::new();
    /// for golden in model.golden() {
    ///     let answer = workspace.infer(&model, golden.input).unwrap();
    ///     let first = golden.logits.first_chunk().map(|bytes| i32::from_le_bytes(*bytes));
    ///     assert_eq!(first, answer.logits.first().copied());
    /// }
    /// ```
    pub fn golden(&self) -> impl Iterator<Item = Golden<'a>> {
        let mut reader = Reader::new(self.bytes, self.golden.0 as usize);
        let (inputs, classes) = (self.input_width(), self.classes());
        iter::from_fn(move || Golden::take(&mut reader, inputs, classes)).take(self.golden.1)
    }

    /// Returns the model's origin.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let origin = model.provenance();
    /// let accuracy = f64::from(origin.test_correct_fixed) / f64::from(origin.test_images);
    /// assert_eq!((origin.seed, origin.epochs, accuracy), (1, 250, 0.8869));
    /// ```
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
