//! Reads postcard's fields one after the other, and strictly: a model has one encoding, and every machine accepts the
//! same bytes.

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

    /// The next integer of `bits` bits: postcard's varint, seven bits a byte, least significant first.
    ///
    /// Only the shortest form is read. postcard itself also takes longer ones, and takes more of them where `usize` is
    /// longer, so that a desk would accept what a device refuses.
    fn take_varint(&mut self, bits: u32) -> Result<u64, BlobError> {
        let malformed = BlobError::Malformed { offset: self.offset() };
        let mut value = 0_u64;
        for position in 0..bits.div_ceil(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(malformed)?;
            self.rest = rest;
            let part = u64::from(byte & 0x7F);
            let shift = position.wrapping_mul(7);
            // Bits that the type has no room for.
            if part > (u64::MAX >> (64 - bits)) >> shift {
                return Err(malformed);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                // A last byte of zero adds nothing: there is a shorter form.
                return if byte == 0 && position > 0 { Err(malformed) } else { Ok(value) };
            }
        }
        Err(malformed)
    }

    /// The next `u16`.
    pub fn take_u16(&mut self) -> Result<u16, BlobError> {
        self.take_varint(16).map(|value| value as u16)
    }

    /// The next `u32`.
    pub fn take_u32(&mut self) -> Result<u32, BlobError> {
        self.take_varint(32).map(|value| value as u32)
    }

    /// The next `u64`.
    pub fn take_u64(&mut self) -> Result<u64, BlobError> {
        self.take_varint(64)
    }

    /// The next bytes, behind their length.
    fn take_bytes(&mut self) -> Result<&'a [u8], BlobError> {
        let malformed = BlobError::Malformed { offset: self.offset() };
        let length = self.take_u32()?;
        let length = usize::try_from(length).map_err(|_| malformed)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(malformed)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// The next text.
    pub fn take_text(&mut self) -> Result<&'a str, BlobError> {
        let malformed = BlobError::Malformed { offset: self.offset() };
        core::str::from_utf8(self.take_bytes()?).map_err(|_| malformed)
    }

    /// The next `N` bytes, whose number is not written.
    pub fn take_array<const N: usize>(&mut self) -> Result<[u8; N], BlobError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(BlobError::Malformed { offset: self.offset() })?;
        self.rest = rest;
        Ok(*array)
    }

    /// The next table: padding up to the alignment, then `expected` bytes.
    pub fn take_table(&mut self, expected: usize) -> Result<&'a [u8], BlobError> {
        let padding = self.take_bytes()?;
        let data = self.take_bytes()?;
        let start = self.blob.len().wrapping_sub(self.rest.len()).wrapping_sub(data.len());
        let offset = saturating_u32(start);
        // Only the least padding is accepted: a model has one encoding.
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
