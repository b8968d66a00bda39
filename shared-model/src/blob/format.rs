//! The wire format's constants and records. A change here is a change of [`FORMAT_VERSION`] and of `docs/format.md`.

use serde::{Deserialize, Serialize};

use super::BlobError;

/// The first eight bytes of a model. The last two show a transfer that mangled binary data as text.
pub const MAGIC: [u8; 8] = *b"PRENDA\x1a\n";

/// The format version that this code writes and reads.
pub const FORMAT_VERSION: u8 = 1;

/// Largest number of inputs or outputs of a layer.
pub const MAX_WIDTH: usize = 16_384;

/// Largest number of dense layers.
pub const MAX_LAYERS: usize = 16;

/// Largest number of classes.
pub const MAX_CLASSES: usize = 256;

/// Largest number of golden vectors: a device infers all of them before it answers.
pub const MAX_GOLDEN_VECTORS: usize = 16;

/// Tables (of layers and of golden vectors) start at multiples of this, counted from the start of the blob.
pub(super) const TABLE_ALIGNMENT: usize = 16;

/// Bytes of the checksum behind the last field.
pub(super) const CHECKSUM_BYTES: usize = 4;

/// The start of every blob, of any version: fixed-size fields, so that anything can be told from it.
#[derive(Serialize, Deserialize)]
pub(super) struct Prefix {
    pub magic: [u8; 8],
    pub version: u8,
    /// Length of the whole blob, checksum included, little-endian.
    pub length: [u8; 4],
}

impl Prefix {
    pub const BYTES: usize = 13;
}

/// Which model this is: the checksum of its blob. Prints as eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ModelId(pub u32);

impl core::fmt::Display for ModelId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Where a model comes from. Accuracies are counts, so that nothing is rounded and nothing is a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Provenance<'a> {
    /// Program and version that trained it.
    pub trainer: &'a str,
    /// The burn backend that trained it.
    pub backend: &'a str,
    /// Seed of every random choice.
    pub seed: u64,
    /// Epochs trained.
    pub epochs: u32,
    /// SHA-256 of the training pictures and labels as decompressed bytes, one after the other.
    pub data_sha256: [u8; 32],
    /// Pictures trained on.
    pub train_pictures: u32,
    /// Of these, how many the float network classifies rightly.
    pub train_correct_float: u32,
    /// Pictures of the test split.
    pub test_pictures: u32,
    /// Of these, how many the float network classifies rightly.
    pub test_correct_float: u32,
    /// Of these, how many the fixed-point network classifies rightly.
    pub test_correct_fixed: u32,
}

/// The length of the blob that `bytes` begin with, which may be longer: a flash region, say.
///
/// # Errors
///
/// Where `bytes` do not begin with a blob of this format, or are shorter than it says it is.
pub fn blob_length(bytes: &[u8]) -> Result<usize, BlobError> {
    let found = saturating_u32(bytes.len());
    let prefix = bytes.get(..Prefix::BYTES).ok_or(BlobError::TooShort { found })?;
    let prefix: Prefix = postcard::from_bytes(prefix).map_err(|_| BlobError::TooShort { found })?;
    if prefix.magic != MAGIC {
        return Err(BlobError::Magic);
    }
    if prefix.version != FORMAT_VERSION {
        return Err(BlobError::Version { found: prefix.version, supported: FORMAT_VERSION });
    }
    let declared = u32::from_le_bytes(prefix.length);
    match usize::try_from(declared) {
        Ok(length) if length <= bytes.len() && length >= Prefix::BYTES + CHECKSUM_BYTES => Ok(length),
        _ => Err(BlobError::Length { declared, found }),
    }
}

/// A length for an error message.
pub(crate) fn saturating_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
