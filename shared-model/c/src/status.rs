//! The result of a function, as a number and as text.

use core::ffi::CStr;

use prenda::{BlobError, InferError, RowError, SelfTestError};

/// The result of a function. New values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum prenda_status {
    /// Success.
    Ok = 0,
    /// A pointer is null.
    NullPointer = 1,
    /// A pointer is not aligned.
    Unaligned = 2,
    /// The model was not opened.
    NotOpen = 3,
    /// The image does not have the model's number of pixels.
    PixelCount = 4,
    /// The workspace is smaller than prenda_workspace_bytes().
    WorkspaceSize = 5,
    /// A buffer overlaps another, or the end of the address space.
    Overlap = 6,
    /// The model has no class of this index.
    ClassIndex = 7,
    /// The buffer has no room for the text.
    BufferSize = 8,
    /// The model takes images, not rows of raw words.
    NoFeatures = 9,
    /// The bytes are not a model.
    NotAModel = 16,
    /// The model's format is newer than this library.
    TooNew = 17,
    /// The model is longer than its bytes.
    TooShort = 18,
    /// A byte of the model has changed since its export.
    Damaged = 19,
    /// The model breaks a rule of the format.
    Malformed = 20,
    /// The model has more layers than a prenda_model has room for.
    TooManyLayers = 21,
    /// The library has no code for a layer, or for the order of its weights.
    Unsupported = 22,
    /// This machine computes other results than the one that exported the model.
    SelfTest = 32,
}

impl prenda_status {
    const ALL: [Self; 18] = [
        Self::Ok,
        Self::NullPointer,
        Self::Unaligned,
        Self::NotOpen,
        Self::PixelCount,
        Self::WorkspaceSize,
        Self::Overlap,
        Self::ClassIndex,
        Self::BufferSize,
        Self::NoFeatures,
        Self::NotAModel,
        Self::TooNew,
        Self::TooShort,
        Self::Damaged,
        Self::Malformed,
        Self::TooManyLayers,
        Self::Unsupported,
        Self::SelfTest,
    ];

    /// Returns the description of a number that a caller passed.
    pub(crate) fn text_of(number: i32) -> &'static CStr {
        Self::ALL.into_iter().find(|status| *status as i32 == number).map_or(c"unknown status", Self::text)
    }

    const fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"ok",
            Self::NullPointer => c"a pointer is null",
            Self::Unaligned => c"a pointer is not aligned: see prenda.h",
            Self::NotOpen => c"the model is not open: call prenda_open first",
            Self::PixelCount => c"the image does not have the model's number of pixels",
            Self::WorkspaceSize => c"the workspace is smaller than prenda_workspace_bytes returns",
            Self::Overlap => c"a buffer overlaps another one or the end of the address space",
            Self::ClassIndex => c"the model has no class of this index",
            Self::BufferSize => c"the buffer has no room for the text and its end",
            Self::NoFeatures => c"the model takes images, not rows of raw words",
            Self::NotAModel => c"not a model: the first bytes are not those of a model.bin",
            Self::TooNew => c"the model's format is newer than this library: update the library or export again",
            Self::TooShort => c"the model is longer than the bytes given: copy it again",
            Self::Damaged => c"damaged model: its checksum differs; copy it again",
            Self::Malformed => c"malformed model: export it again",
            Self::TooManyLayers => c"the model has more layers than a prenda_model has room for",
            Self::Unsupported => c"no code for a layer or its weight order: export the model again",
            Self::SelfTest => c"self-test: this machine computes other results than the host that exported the model",
        }
    }
}

impl From<BlobError> for prenda_status {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::TooShort { .. } | BlobError::Magic => Self::NotAModel,
            BlobError::Version { .. } => Self::TooNew,
            BlobError::Length { .. } => Self::TooShort,
            BlobError::Checksum { .. } => Self::Damaged,
            BlobError::LayerCount { .. } => Self::TooManyLayers,
            BlobError::Misaligned { .. } => Self::Unaligned,
            BlobError::WeightOrder { .. } | BlobError::LayerKind { .. } => Self::Unsupported,
            _ => Self::Malformed,
        }
    }
}

impl From<RowError> for prenda_status {
    fn from(error: RowError) -> Self {
        match error {
            RowError::NoFeatures => Self::NoFeatures,
            _ => Self::PixelCount,
        }
    }
}

impl From<InferError> for prenda_status {
    fn from(error: InferError) -> Self {
        match error {
            InferError::InputLength { .. } => Self::PixelCount,
            _ => Self::WorkspaceSize,
        }
    }
}

impl From<SelfTestError> for prenda_status {
    fn from(error: SelfTestError) -> Self {
        match error {
            SelfTestError::Infer(error) => error.into(),
            _ => Self::SelfTest,
        }
    }
}

/// Returns the status of a result.
pub fn status(result: Result<(), prenda_status>) -> prenda_status {
    result.err().unwrap_or(prenda_status::Ok)
}
