//! Reads postcard fields one after the other, so that nothing has to be held that is not used.

use serde::Deserialize;

use super::BlobError;
use super::format::{TABLE_ALIGNMENT, saturating_u32};

/// A place in a blob, behind which the next field starts.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// All fields, from the first byte of the blob to its checksum.
    blob: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `blob` from `start` on.
    pub fn new(blob: &'a [u8], start: usize) -> Self {
        Self { blob, rest: blob.get(start..).unwrap_or_default() }
    }

    /// Bytes from the start of the blob to the next field.
    pub fn offset(&self) -> u32 {
        saturating_u32(self.blob.len().wrapping_sub(self.rest.len()))
    }

    /// The next field.
    pub fn take<T: Deserialize<'a>>(&mut self) -> Result<T, BlobError> {
        let (value, rest) =
            postcard::take_from_bytes(self.rest).map_err(|_| BlobError::Malformed { offset: self.offset() })?;
        self.rest = rest;
        Ok(value)
    }

    /// The next table: padding up to the alignment, then `expected` bytes.
    pub fn take_table(&mut self, expected: usize) -> Result<&'a [u8], BlobError> {
        let padding: &[u8] = self.take()?;
        let data: &[u8] = self.take()?;
        let start = self.blob.len().wrapping_sub(self.rest.len()).wrapping_sub(data.len());
        let offset = saturating_u32(start);
        // The least padding is the only one that is accepted: a blob has one encoding.
        if !start.is_multiple_of(TABLE_ALIGNMENT)
            || padding.len() >= TABLE_ALIGNMENT
            || padding.iter().any(|&byte| byte != 0)
        {
            return Err(BlobError::Alignment { offset });
        }
        if data.len() != expected {
            let (expected, found) = (saturating_u32(expected), saturating_u32(data.len()));
            return Err(BlobError::TableLength { offset, expected, found });
        }
        Ok(data)
    }

    /// That no field is left.
    pub fn finish(self) -> Result<(), BlobError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(BlobError::LeftOver { offset: self.offset(), count: saturating_u32(self.rest.len()) })
    }
}
