//! Constants and records of the blob format.
//!
//! A change here needs a new [`FORMAT_VERSION`] and a change of `docs/format.md`.

use super::error::BlobError;

/// First eight bytes of a model. The last two reveal a transfer that converted it as text.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// let file = std::fs::read("shoes.bin").unwrap();
/// assert!(file.starts_with(&prenda::MAGIC));
/// ```
pub const MAGIC: [u8; 8] = *b"PRENDA\x1a\n";

/// The newest format version that this code reads and writes. A model has the oldest version that
/// can express it.
///
/// Version 2 adds channels, convolutions, pools and cascades, version 3 features. Without the
/// feature `rows`, only versions up to 2 are read, and without `format-2` only version 1.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// let file = std::fs::read("shoes.bin").unwrap();
/// let version = file[prenda::MAGIC.len()];
/// assert!((1..=prenda::FORMAT_VERSION).contains(&version));
/// ```
pub const FORMAT_VERSION: u8 = if cfg!(feature = "rows") {
    3
} else if cfg!(feature = "format-2") {
    2
} else {
    1
};

/// Alignment of tables, in bytes from the start of the blob.
pub(crate) const TABLE_ALIGNMENT: usize = 16;

/// Size in bytes of the checksum after the last field.
pub(crate) const CHECKSUM_BYTES: usize = 4;

/// The start of every blob. Its fields have a fixed size, so that any version can be identified.
pub(crate) struct Prefix {
    pub magic: [u8; 8],
    pub version: u8,
    /// Length of the whole blob in bytes, checksum included, little-endian.
    pub length: [u8; 4],
}

impl Prefix {
    pub const BYTES: usize = 13;

    #[cfg(feature = "encode")]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let ([a, b, c, d, e, f, g, h], [i, j, k, l]) = (self.magic, self.length);
        [a, b, c, d, e, f, g, h, self.version, i, j, k, l]
    }

    fn from_bytes(&[a, b, c, d, e, f, g, h, version, i, j, k, l]: &[u8; Self::BYTES]) -> Self {
        Self { magic: [a, b, c, d, e, f, g, h], version, length: [i, j, k, l] }
    }
}

/// The origin of a model. Accuracies are stored as exact counts, without rounding.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::Provenance;
///
/// let origin = Provenance { trainer: "my-trainer 1.0", seed: 7, ..Provenance::default() };
/// assert_eq!((origin.seed, origin.test_images), (7, 0)); // 0 test images: accuracy is unknown
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "encode", derive(serde::Serialize))]
pub struct Provenance<'a> {
    /// Program and version that trained the model.
    pub trainer: &'a str,
    /// The burn backend that trained the model.
    pub backend: &'a str,
    /// Seed of all random choices.
    pub seed: u64,
    /// Number of training epochs.
    pub epochs: u32,
    /// SHA-256 of the decompressed training images, followed by the labels.
    pub data_sha256: [u8; 32],
    /// Number of training images.
    pub train_images: u32,
    /// Training images that the float network classifies correctly.
    pub train_correct_float: u32,
    /// Number of test images.
    pub test_images: u32,
    /// Test images that the float network classifies correctly.
    pub test_correct_float: u32,
    /// Test images that the fixed-point network classifies correctly.
    pub test_correct_fixed: u32,
}

/// Returns the length, in bytes, of the blob at the start of `bytes`, which can be longer (a flash
/// region).
///
/// # Errors
///
/// Returns a [`BlobError`] if `bytes` do not start with a blob of this format, or are shorter than
/// its declared length.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// let mut flash = std::fs::read("shoes.bin").unwrap();
/// flash.resize(16_384, 0xFF); // erased
/// assert_eq!(prenda::blob_length(&flash), Ok(8655));
/// ```
pub fn blob_length(bytes: &[u8]) -> Result<usize, BlobError> {
    let found = saturating_u32(bytes.len());
    let prefix = Prefix::from_bytes(bytes.first_chunk().ok_or(BlobError::TooShort { found })?);
    if prefix.magic != MAGIC {
        return Err(BlobError::Magic);
    }
    if prefix.version == 0 || prefix.version > FORMAT_VERSION {
        return Err(BlobError::Version { found: prefix.version, supported: FORMAT_VERSION });
    }
    let declared = u32::from_le_bytes(prefix.length);
    match usize::try_from(declared) {
        Ok(length) if length <= bytes.len() && length >= Prefix::BYTES + CHECKSUM_BYTES => Ok(length),
        _ => Err(BlobError::Length { declared, found }),
    }
}

/// Converts a length for an error message.
pub(crate) fn saturating_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
