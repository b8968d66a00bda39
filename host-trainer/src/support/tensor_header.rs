//! Checks the start of a safetensors file, before its header is parsed.

use thiserror::Error;

use crate::limits::{MAX_HEADER_BYTES, MIN_HEADER_BYTES};

/// Why a file cannot be a safetensors file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// It is shorter than any.
    #[error("not a safetensors file: it has {0} bytes, and the first 8 say how long its header is")]
    Short(usize),
    /// Its first bytes ask for a header that no such file has.
    #[error(
        "not a safetensors file: its first bytes ask for a header of {0} bytes, which is not in \
         {MIN_HEADER_BYTES}..={MAX_HEADER_BYTES}; docs/import.md says how to save one"
    )]
    Header(u64),
}

/// Checks that the header of a file that begins with `bytes` has a length that may be read.
///
/// Parsed numbers take many times as much memory as their digits.
///
/// # Errors
///
/// Returns an error if there are fewer than 8 bytes, or the length is outside the limits.
pub fn check_header(bytes: &[u8]) -> Result<(), HeaderError> {
    let header = bytes.first_chunk().copied().map(u64::from_le_bytes).ok_or(HeaderError::Short(bytes.len()))?;
    if (MIN_HEADER_BYTES..=MAX_HEADER_BYTES).contains(&header) { Ok(()) } else { Err(HeaderError::Header(header)) }
}
