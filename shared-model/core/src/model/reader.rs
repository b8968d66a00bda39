//! Strict reader of postcard fields: a model has one encoding, and every machine accepts the same
//! bytes.
//!
//! Errors are stored in the reader, not returned: testing an `Option<()>` takes one register,
//! returning a [`BlobError`] through every call costs flash.

use super::error::BlobError;
use super::format::{TABLE_ALIGNMENT, saturating_u32};
use super::limits::MAX_WIDTH;

/// A position in a blob, where the next field starts.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// All fields, from the first byte of the blob to the checksum.
    blob: &'a [u8],
    rest: &'a [u8],
    refusal: BlobError,
}

impl<'a> Reader<'a> {
    pub fn new(blob: &'a [u8], start: usize) -> Self {
        Self { blob, rest: blob.get(start..).unwrap_or_default(), refusal: BlobError::Magic }
    }

    /// Stores why the bytes are not a model. Returns `None`, so that the caller can stop with `?`.
    // Not inlined: this code is rare.
    #[cold]
    #[inline(never)]
    pub fn refuse<T>(&mut self, why: BlobError) -> Option<T> {
        self.refusal = why;
        None
    }

    pub fn refusal(&self) -> BlobError {
        self.refusal
    }

    fn malformed<T>(&mut self, offset: u32) -> Option<T> {
        self.refuse(BlobError::Malformed { offset })
    }

    /// Returns the offset of the next field, in bytes from the start of the blob.
    pub fn offset(&self) -> u32 {
        saturating_u32(self.blob.len().wrapping_sub(self.rest.len()))
    }

    /// Reads an integer of `bits` bits: postcard's varint, seven bits a byte, least significant
    /// first.
    ///
    /// Accepts only the shortest form. postcard also accepts longer ones, and more of them if
    /// `usize` is longer, so that a host would accept bytes that a device refuses.
    fn take_varint(&mut self, bits: u32) -> Option<u64> {
        let start = self.offset();
        let mut value = 0_u64;
        for position in 0..bits.div_ceil(7) {
            let Some((&byte, rest)) = self.rest.split_first() else { break };
            self.rest = rest;
            let part = u64::from(byte & 0x7F);
            let shift = position.wrapping_mul(7);
            // These bits do not fit the type.
            if part > u64::MAX.wrapping_shr(64_u32.wrapping_sub(bits)) >> shift {
                break;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                // A last byte of zero adds nothing, so a shorter form exists.
                return if byte == 0 && position > 0 { self.malformed(start) } else { Some(value) };
            }
        }
        self.malformed(start)
    }

    pub fn take_u16(&mut self) -> Option<u16> {
        self.take_varint(16).map(|value| value as u16)
    }

    pub fn take_u32(&mut self) -> Option<u32> {
        self.take_varint(32).map(|value| value as u32)
    }

    pub fn take_u64(&mut self) -> Option<u64> {
        self.take_varint(64)
    }

    /// Reads a length, then that many bytes.
    fn take_bytes(&mut self) -> Option<&'a [u8]> {
        let start = self.offset();
        let length = self.take_u32()?;
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((bytes, rest)) = split else { return self.malformed(start) };
        self.rest = rest;
        Some(bytes)
    }

    pub fn take_text(&mut self) -> Option<&'a str> {
        let start = self.offset();
        match core::str::from_utf8(self.take_bytes()?) {
            Ok(text) => Some(text),
            Err(_) => self.malformed(start),
        }
    }

    /// Reads `N` bytes without a length before them.
    pub fn take_array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let Some((array, rest)) = self.rest.split_first_chunk() else { return self.malformed(self.offset()) };
        self.rest = rest;
        Some(array)
    }

    /// Reads a table: padding up to the alignment, then `expected` bytes.
    pub fn take_table(&mut self, expected: usize) -> Option<&'a [u8]> {
        let padding = self.take_bytes()?;
        let data = self.take_bytes()?;
        let start = self.blob.len().wrapping_sub(self.rest.len()).wrapping_sub(data.len());
        let offset = saturating_u32(start);
        // Only the shortest padding is accepted, so that a model has one encoding.
        if !start.is_multiple_of(TABLE_ALIGNMENT)
            || padding.len() >= TABLE_ALIGNMENT
            || padding.iter().any(|&byte| byte != 0)
        {
            return self.refuse(BlobError::Alignment { offset });
        }
        if data.len() != expected {
            let (expected, found) = (saturating_u32(expected), saturating_u32(data.len()));
            return self.refuse(BlobError::TableLength { offset, expected, found });
        }
        Some(data)
    }

    /// Checks that no bytes are left.
    pub fn finish(&mut self) -> Option<()> {
        if self.rest.is_empty() {
            return Some(());
        }
        self.refuse(BlobError::LeftOver { offset: self.offset(), count: saturating_u32(self.rest.len()) })
    }

    /// Checks that `width`, a number of pixels or outputs, is in 1..=[`MAX_WIDTH`].
    pub fn checked_width(&mut self, width: u32) -> Option<usize> {
        match usize::try_from(width) {
            Ok(value) if (1..=MAX_WIDTH).contains(&value) => Some(value),
            _ => self.refuse(BlobError::Width { found: width, most: MAX_WIDTH as u32 }),
        }
    }
}
