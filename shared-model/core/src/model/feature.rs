//! Features: the inputs of a model for rows of sensor data.

#[cfg(feature = "parse")]
use super::{
    contents::Model,
    error::BlobError,
    format::saturating_u32,
    limits::{MAX_DECIMALS, MAX_FEATURE_NAME_BYTES},
    reader::Reader,
};
use crate::scaling::Scaling;
#[cfg(feature = "parse")]
use crate::{error::RowError, fixed::Requant};

/// An input of a model for rows of sensor data: a column of the training data.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("iris.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// let feature = model.features().nth(2).unwrap();
/// assert_eq!((feature.name, feature.decimals), ("petal length (cm)", 1));
/// // 1.0 cm, as a word of millimetres; the longest petals have 69 mm.
/// assert_eq!([10, 69].map(|raw| feature.scaling.input(raw)), [0, 255]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature<'a> {
    /// Name, of 1..=[`MAX_FEATURE_NAME_BYTES`] bytes.
    pub name: &'a str,
    /// A raw word is the value of the training data times 10 to the power of this number, at most
    /// [`MAX_DECIMALS`].
    pub decimals: u8,
    /// The scaling of raw words.
    pub scaling: Scaling,
}

/// Bytes of a feature after its name.
pub(crate) const FEATURE_BYTES: usize = 10;

impl Feature<'_> {
    /// Returns the bytes after the name: decimals, offset, multiplier, shift.
    #[cfg(feature = "encode")]
    pub(crate) fn to_bytes(self) -> [u8; FEATURE_BYTES] {
        let ([a, b, c, d], requant) = (self.scaling.offset().to_le_bytes(), self.scaling.requant());
        let [e, f, g, h] = requant.multiplier().to_le_bytes();
        [self.decimals, a, b, c, d, e, f, g, h, requant.shift()]
    }
}

#[cfg(feature = "parse")]
impl<'a> Feature<'a> {
    /// Reads the feature `index`. Returns `None` after it stores the error in `reader`.
    pub(super) fn take(reader: &mut Reader<'a>, index: u32) -> Option<Self> {
        let name = reader.take_text()?;
        let [decimals, a, b, c, d, e, f, g, h, shift] = *reader.take_array::<FEATURE_BYTES>()?;
        let (offset, multiplier) = (i32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if name.is_empty() || name.len() > MAX_FEATURE_NAME_BYTES {
            return reader.refuse(BlobError::FeatureName { feature: index, found: saturating_u32(name.len()) });
        }
        let scaling = Requant::new(multiplier, shift).and_then(|requant| Scaling::new(offset, requant));
        match scaling {
            Some(scaling) if decimals <= MAX_DECIMALS => Some(Self { name, decimals, scaling }),
            _ => reader.refuse(BlobError::FeatureScaling { feature: index, decimals, multiplier, shift }),
        }
    }
}

#[cfg(feature = "parse")]
impl<'a, const LAYERS: usize> Model<'a, LAYERS> {
    /// Reads the features: one for each of `inputs`. Returns `None` after it stores the error in
    /// `reader`.
    pub(super) fn take_features(&mut self, reader: &mut Reader<'a>, inputs: usize) -> Option<()> {
        let found = reader.take_u32()?;
        if found as usize != inputs {
            return reader.refuse(BlobError::FeatureCount { found, expected: saturating_u32(inputs) });
        }
        self.features = reader.offset();
        for index in 0..found {
            Feature::take(reader, index)?;
        }
        Some(())
    }

    /// Returns the features, in the order of a row: one for each input, or none if the model takes
    /// images. Only a build with the feature `rows` reads a model that has them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Model;
    ///
    /// let (iris, shoes) = (std::fs::read("iris.bin")?, std::fs::read("shoes.bin")?);
    /// let names: Vec<_> = Model::parse(&iris)?.features().map(|feature| feature.name).collect();
    /// assert_eq!(names[..2], ["sepal length (cm)", "sepal width (cm)"]);
    /// assert_eq!(Model::parse(&shoes)?.features().count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn features(&self) -> impl Iterator<Item = Feature<'a>> {
        let mut reader = Reader::new(self.bytes, self.features as usize);
        let count = if self.features == 0 { 0 } else { self.input_width() };
        core::iter::from_fn(move || Feature::take(&mut reader, 0)).take(count)
    }

    /// Scales a row of raw words to the inputs of the network: one for each feature.
    ///
    /// # Errors
    ///
    /// Returns a [`RowError`] if the model takes images, or if a length is not its number of
    /// features. `input` is then unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("iris.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::{RowError, Workspace};
    ///
    /// // Millimetres, since the training data has centimetres with one decimal.
    /// let (raw, mut input) = ([51, 35, 14, 2], [0; 4]);
    /// model.quantize_input(&raw, &mut input)?;
    /// let answer = Workspace::<136, 3>::new().infer(&model, &input).map(|answer| answer.class);
    /// assert_eq!(answer, Ok(0)); // setosa
    ///
    /// let error = model.quantize_input(&raw[1..], &mut input).unwrap_err();
    /// assert_eq!(error, RowError::Values { expected: 4, found: 3 });
    /// # Ok::<(), RowError>(())
    /// ```
    pub fn quantize_input(&self, raw: &[i32], input: &mut [u8]) -> Result<(), RowError> {
        if self.features == 0 {
            return Err(RowError::NoFeatures);
        }
        let expected = saturating_u32(self.input_width());
        let (values, inputs) = (saturating_u32(raw.len()), saturating_u32(input.len()));
        if values != expected {
            return Err(RowError::Values { expected, found: values });
        }
        if inputs != expected {
            return Err(RowError::Inputs { expected, found: inputs });
        }
        for ((input, raw), feature) in input.iter_mut().zip(raw).zip(self.features()) {
            *input = feature.scaling.input(*raw);
        }
        Ok(())
    }
}
