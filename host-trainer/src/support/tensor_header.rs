//! Checks the length of a safetensors file's header before the header is parsed.

use thiserror::Error;

use crate::limits::{MAX_HEADER_BYTES, MIN_HEADER_BYTES};

/// Why a file cannot be a safetensors file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    #[error("not a safetensors file: {0} bytes; expected at least 8, the length of the header")]
    Short(usize),
    #[error(
        "not a safetensors file: header of {0} bytes; expected {MIN_HEADER_BYTES}..={MAX_HEADER_BYTES}; \
         docs/import.md explains how to save one"
    )]
    Header(u64),
}

/// Checks the length of the header of a file that begins with `bytes`.
///
/// The bound matters because parsed numbers take many times as much memory as their digits.
pub fn check_header(bytes: &[u8]) -> Result<(), HeaderError> {
    let header = bytes.first_chunk().copied().map(u64::from_le_bytes).ok_or(HeaderError::Short(bytes.len()))?;
    if (MIN_HEADER_BYTES..=MAX_HEADER_BYTES).contains(&header) { Ok(()) } else { Err(HeaderError::Header(header)) }
}
