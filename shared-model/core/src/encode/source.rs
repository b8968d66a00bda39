//! The encoder's input, and the order of its fields in a blob.

use super::error::EncodeError;
use super::layer::{LayerSource, check_width};
use super::writer::Writer;
use crate::bytes::{write_i32s, write_u16s};
use crate::model::{
    CHECKSUM_BYTES, FEATURE_BYTES, Feature, LayerKind, MAGIC, Prefix, Provenance, Shape, TABLE_ALIGNMENT,
};

/// A quantized model, ready to be encoded.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{HostWorkspace, LayerSource, Model, ModelSource, NetworkSource, Requant, Shape};
///
/// // The brighter one of two pixels is the class.
/// let layers = [LayerSource {
///     biases: &[0, 0],
///     requants: &[Requant::new(1 << 30, 22).expect("in range"); 2],
///     weights: &[1, 0, 0, 1],
///     ..LayerSource::default()
/// }];
/// let source = ModelSource {
///     class_names: &["left", "right"],
///     image: Shape::grey(1, 2),
///     features: &[],
///     networks: &[NetworkSource::only(&layers)],
///     golden: &[],
///     provenance: prenda::Provenance::default(),
/// };
/// let mut buffer = vec![0; source.encoded_length_bound()];
/// let length = source.encode(&mut buffer)?;
///
/// let model = Model::parse(&buffer[..length])?;
/// assert_eq!(HostWorkspace::new().infer(&model, &[100, 200])?.class, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ModelSource<'a> {
    /// Class names, one for each output of the last layer; 1..=[`MAX_CLASSES`](crate::MAX_CLASSES).
    pub class_names: &'a [&'a str],
    /// Shape of an image.
    pub image: Shape,
    /// A feature for each input, or none if the model takes images.
    pub features: &'a [Feature<'a>],
    /// One network, or those of a cascade; 1..=[`MAX_NETWORKS`](crate::MAX_NETWORKS).
    pub networks: &'a [NetworkSource<'a>],
    /// Golden vectors, at most [`MAX_GOLDEN_VECTORS`](crate::MAX_GOLDEN_VECTORS).
    ///
    /// To fill them, encode without them, infer, and encode again with the outputs.
    pub golden: &'a [GoldenSource<'a>],
    /// The model's origin.
    pub provenance: Provenance<'a>,
}

/// A network of a model, ready to be encoded.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{LayerSource, NetworkSource};
///
/// # let (small, large): ([LayerSource; 1], [LayerSource; 2]) = Default::default();
/// // A cascade: the small network answers if it is certain.
/// let networks = [
///     NetworkSource { layers: &small, margin: Some(2 << 16) }, // 2 in Q15.16
///     NetworkSource { layers: &large, margin: None },
/// ];
/// assert!(networks.last().unwrap().margin.is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NetworkSource<'a> {
    /// Layers, first to last; the last one is dense. All networks together have at most
    /// [`MAX_LAYERS`](crate::MAX_LAYERS).
    pub layers: &'a [LayerSource<'a>],
    /// See [`Network::margin`](crate::Network::margin). `None` for the last network, and only for
    /// it.
    pub margin: Option<i32>,
}

impl<'a> NetworkSource<'a> {
    /// Returns the only network of a model.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{LayerSource, NetworkSource};
    ///
    /// let hidden_and_last = [LayerSource::default(); 2];
    /// let network = NetworkSource::only(&hidden_and_last);
    /// assert_eq!((network.layers.len(), network.margin), (2, None));
    /// ```
    #[must_use]
    pub const fn only(layers: &'a [LayerSource<'a>]) -> Self {
        Self { layers, margin: None }
    }
}

/// An image with its outputs, ready to be encoded.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::{GoldenSource, HostWorkspace};
///
/// let (mut workspace, input) = (HostWorkspace::new(), &[0; 784]);
/// let answer = workspace.infer(&model, input).unwrap();
/// let (logits, probabilities) = (answer.logits, answer.probabilities);
/// let golden = GoldenSource { input, logits, probabilities };
/// assert_eq!(golden.logits[5], -235_514);
/// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{ModelSource, NetworkSource, Provenance, Shape};
    ///
    /// # let (class_names, image, provenance) = (&["a"], Shape::grey(1, 1), Provenance::default());
    /// # let networks = &[NetworkSource::only(&[])];
    /// # let (features, golden) = (&[], &[]);
    /// let source = ModelSource { class_names, image, features, networks, golden, provenance };
    /// let buffer = vec![0; source.encoded_length_bound()];
    /// assert!(buffer.len() < 300); // with some bytes to spare
    /// ```
    #[must_use]
    pub fn encoded_length_bound(&self) -> usize {
        // Two length fields of at most five bytes each, and padding.
        let table = |length: usize| length + TABLE_ALIGNMENT + 10;
        let names: usize = self.class_names.iter().map(|name| name.len() + 5).sum();
        let features: usize = self.features.iter().map(|feature| feature.name.len() + 5 + FEATURE_BYTES).sum();
        let mut layers = 0;
        for layer in self.networks.iter().flat_map(|network| network.layers) {
            let outputs = layer.biases.len();
            // Order, outputs, kind and window. The weights take at most three tables.
            let weights = layer.order.packed_length(layer.weights, layer.inputs()) + 2 * table(0);
            layers += 24 + 2 * table(4 * outputs) + table(outputs) + table(weights);
        }
        // Their counts of layers and their margins.
        layers += 10 * self.networks.len();
        let (pixels, classes) = (self.image.count(), self.class_names.len());
        let golden = self.golden.len() * (table(pixels) + table(4 * classes) + table(2 * classes));
        let provenance = self.provenance.trainer.len() + self.provenance.backend.len() + 128;
        Prefix::BYTES + 64 + names + features + layers + golden + provenance + CHECKSUM_BYTES
    }

    /// Writes the blob to the start of `buffer`, parses it as a device does, and returns its length
    /// in bytes.
    ///
    /// # Errors
    ///
    /// Returns an [`EncodeError`] if shapes do not match, the buffer is too short, or the network
    /// breaks a rule of the format, for example if some input could overflow an accumulator.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{BlobError, EncodeError, ModelSource, NetworkSource, Provenance, Shape};
    ///
    /// # let (class_names, image, provenance) = (&["a"], Shape::grey(1, 1), Provenance::default());
    /// let networks = &[NetworkSource::only(&[])]; // no layers
    /// # let (features, golden) = (&[], &[]);
    /// let source = ModelSource { class_names, image, features, networks, golden, provenance };
    /// let reason = BlobError::LayerCount { found: 0, most: 16 };
    /// assert_eq!(source.encode(&mut [0; 300]), Err(EncodeError::Blob(reason)));
    /// assert_eq!(source.encode(&mut [0; 10]), Err(EncodeError::BufferTooShort));
    /// ```
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        self.check_shapes()?;
        let version = self.version();
        let is_format_2 = version >= 2;
        let mut writer = Writer::new(buffer);
        writer.put(&self.prefix().to_bytes())?;
        writer.put(&(self.image.rows, self.image.columns))?;
        if is_format_2 {
            writer.put(&self.image.channels)?;
        }
        writer.put(self.class_names)?;
        if version == 3 {
            writer.put(&self.features.len())?;
            for feature in self.features {
                writer.put(feature.name)?;
                writer.put(&feature.to_bytes())?;
            }
        }

        if is_format_2 {
            writer.put(&self.networks.len())?;
        }
        for network in self.networks {
            writer.put(&network.layers.len())?;
            for layer in network.layers {
                layer.write(&mut writer, is_format_2)?;
            }
            if let Some(margin) = network.margin {
                writer.put(&margin.to_le_bytes())?;
            }
        }

        writer.put(&self.golden.len())?;
        for golden in self.golden {
            writer.put_table(golden.input.len(), |target| copy(golden.input, target))?;
            writer.put_table(4 * golden.logits.len(), |target| write_i32s(golden.logits, target))?;
            writer.put_table(2 * golden.probabilities.len(), |target| write_u16s(golden.probabilities, target))?;
        }
        writer.put(&self.provenance)?;
        writer.finish(self.prefix())
    }

    /// Returns the prefix, still without the length.
    fn prefix(&self) -> Prefix {
        Prefix { magic: MAGIC, version: self.version(), length: [0; 4] }
    }

    /// Returns the oldest format version that can express the model.
    fn version(&self) -> u8 {
        let is_dense = |network: &NetworkSource<'_>| network.layers.iter().all(|layer| layer.kind == LayerKind::Dense);
        let is_format_1 = self.image.channels == 1 && self.networks.len() == 1 && self.networks.iter().all(is_dense);
        match (self.features, is_format_1) {
            ([], true) => 1,
            ([], false) => 2,
            _ => 3,
        }
    }

    /// Checks the lengths of all tables. The parser checks everything else.
    fn check_shapes(&self) -> Result<(), EncodeError> {
        check_width(self.image.count())?;
        let mut index = 0;
        for (position, network) in self.networks.iter().enumerate() {
            let is_last = position + 1 == self.networks.len();
            if network.margin.is_none() != is_last {
                return Err(EncodeError::Margin { network: position });
            }
            let mut shape = self.image;
            for layer in network.layers {
                shape = layer.check_shape(index, shape)?;
                index += 1;
            }
        }
        Ok(())
    }
}

fn copy(source: &[u8], target: &mut [u8]) -> Option<usize> {
    target.get_mut(..source.len())?.copy_from_slice(source);
    Some(source.len())
}
