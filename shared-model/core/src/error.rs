//! The errors of inference and of the self-test.

/// The reason why inference is impossible.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::{InferError, Workspace};
///
/// let mut workspace = Workspace::<360, 10>::new();
/// let error = workspace.infer(&model, &[0; 100]).unwrap_err();
/// assert_eq!(error, InferError::InputLength { expected: 784, found: 100 });
/// assert_eq!(error.to_string(), "image: found 100 pixels, expected 784");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum InferError {
    /// The image does not have the model's number of pixels.
    InputLength {
        /// Pixels of the model's images.
        expected: u32,
        /// Pixels of the image given.
        found: u32,
    },
    /// The layers of the model do not fit the workspace.
    Memory {
        /// Bytes that the model needs.
        needed: u32,
        /// Bytes of the workspace.
        available: u32,
    },
    /// The model has more classes than the workspace supports.
    Classes {
        /// Classes of the model.
        needed: u32,
        /// Largest number of classes that the workspace supports.
        available: u32,
    },
}

impl core::error::Error for InferError {}

impl core::fmt::Display for InferError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::InputLength { found, expected } => write!(f, "image: found {found} pixels, expected {expected}"),
            Self::Memory { needed, available } => {
                write!(f, "the layers of the model need {needed} bytes of memory, but the workspace has {available}")
            }
            Self::Classes { needed, available } => {
                write!(f, "the model has {needed} classes, but the workspace has room for {available}")
            }
        }
    }
}

/// The reason why a self-test failed.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::{InferError, SelfTestError, Workspace, self_test};
///
/// let error = self_test(&model, &mut Workspace::<100, 10>::new());
/// let reason = InferError::Memory { needed: 360, available: 100 };
/// assert_eq!(error, Err(SelfTestError::Infer(reason)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SelfTestError {
    /// The logits differ from those stored at export.
    Logits {
        /// The vector, from 0.
        vector: u32,
    },
    /// The logits are equal, but the probabilities differ from those stored at export.
    Probabilities {
        /// The vector, from 0.
        vector: u32,
    },
    /// Inference is impossible.
    Infer(InferError),
}

impl core::error::Error for SelfTestError {}

impl From<InferError> for SelfTestError {
    fn from(error: InferError) -> Self {
        Self::Infer(error)
    }
}

impl core::fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Logits { vector } => write!(
                f,
                "golden vector {vector}: this machine computes other logits than the host that exported the \
                     model"
            ),
            Self::Probabilities { vector } => write!(
                f,
                "golden vector {vector}: this machine computes other probabilities than the host that exported \
                     the model"
            ),
            Self::Infer(error) => error.fmt(f),
        }
    }
}

/// Returns the error for an image that does not have the model's number of pixels.
#[must_use]
pub fn wrong_length(expected: usize, pixels: &[u8]) -> InferError {
    InferError::InputLength { expected: expected as u32, found: u32::try_from(pixels.len()).unwrap_or(u32::MAX) }
}

/// The reason why a row of raw words cannot be scaled.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::RowError;
///
/// let error = model.quantize_input(&[0; 784], &mut [0; 784]);
/// assert_eq!(error, Err(RowError::NoFeatures));
/// ```
#[cfg(feature = "parse")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RowError {
    /// The model takes images.
    NoFeatures,
    /// The row does not have a word for each feature.
    Values {
        /// Features of the model.
        expected: u32,
        /// Words of the row.
        found: u32,
    },
    /// There is not a place for each input.
    Inputs {
        /// Features of the model.
        expected: u32,
        /// Places given.
        found: u32,
    },
}

#[cfg(feature = "parse")]
impl core::error::Error for RowError {}

#[cfg(feature = "parse")]
impl core::fmt::Display for RowError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::NoFeatures => f.write_str("the model has no features: it takes images, not rows of raw words"),
            Self::Values { found, expected } => write!(f, "row: found {found} raw words, expected {expected}"),
            Self::Inputs { found, expected } => write!(f, "row: found room for {found} inputs, expected {expected}"),
        }
    }
}
