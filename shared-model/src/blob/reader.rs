//! Reads postcard's fields one after the other, and strictly: a model has one encoding, and every machine accepts the
//! same bytes.
//!
//! What is wrong is kept in the reader, and not returned: a device takes nothing from a register at once, an error word by word.

use super::BlobError;
use super::format::{TABLE_ALIGNMENT, saturating_u32};

/// A place in a blob, behind which the next field starts.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// All fields, from the first byte of the blob to its checksum.
    blob: &'a [u8],
    rest: &'a [u8],
    refusal: BlobError,
}

impl<'a> Reader<'a> {
    /// Reads `blob` from `start` on.
    pub fn new(blob: &'a [u8], start: usize) -> Self {
        Self { blob, rest: blob.get(start..).unwrap_or_default(), refusal: BlobError::Magic }
    }

    /// Keeps why the bytes are no model. Nothing, so that whoever reads on gives up.
    // Apart, as all that is rare.
    #[cold]
    #[inline(never)]
    pub fn refuse<T>(&mut self, why: BlobError) -> Option<T> {
        self.refusal = why;
        None
    }

    /// Why the bytes are no model, once something has been refused.
    pub fn refusal(&self) -> BlobError {
        self.refusal
    }

    /// As [`refuse`](Self::refuse): there is no readable field at `offset`.
    fn malformed<T>(&mut self, offset: u32) -> Option<T> {
        self.refuse(BlobError::Malformed { offset })
    }

    /// Bytes from the start of the blob to the next field.
    pub fn offset(&self) -> u32 {
        saturating_u32(self.blob.len().wrapping_sub(self.rest.len()))
    }

    /// The next integer of `bits` bits: postcard's varint, seven bits a byte, least significant first.
    ///
    /// Only the shortest form is read. postcard itself also takes longer ones, and takes more of them where `usize` is
    /// longer, so that a desk would accept what a device refuses.
    fn take_varint(&mut self, bits: u32) -> Option<u64> {
        let start = self.offset();
        let mut value = 0_u64;
        for position in 0..bits.div_ceil(7) {
            let Some((&byte, rest)) = self.rest.split_first() else { break };
            self.rest = rest;
            let part = u64::from(byte & 0x7F);
            let shift = position.wrapping_mul(7);
            // Bits that the type has no room for.
            if part > u64::MAX.wrapping_shr(64_u32.wrapping_sub(bits)) >> shift {
                break;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                // A last byte of zero adds nothing: there is a shorter form.
                return if byte == 0 && position > 0 { self.malformed(start) } else { Some(value) };
            }
        }
        self.malformed(start)
    }

    /// The next `u16`.
    pub fn take_u16(&mut self) -> Option<u16> {
        self.take_varint(16).map(|value| value as u16)
    }

    /// The next `u32`.
    pub fn take_u32(&mut self) -> Option<u32> {
        self.take_varint(32).map(|value| value as u32)
    }

    /// The next `u64`.
    pub fn take_u64(&mut self) -> Option<u64> {
        self.take_varint(64)
    }

    /// The next bytes, behind their length.
    fn take_bytes(&mut self) -> Option<&'a [u8]> {
        let start = self.offset();
        let length = self.take_u32()?;
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((bytes, rest)) = split else { return self.malformed(start) };
        self.rest = rest;
        Some(bytes)
    }

    /// The next text.
    pub fn take_text(&mut self) -> Option<&'a str> {
        let start = self.offset();
        match core::str::from_utf8(self.take_bytes()?) {
            Ok(text) => Some(text),
            Err(_) => self.malformed(start),
        }
    }

    /// The next `N` bytes, whose number is not written.
    pub fn take_array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let Some((array, rest)) = self.rest.split_first_chunk() else { return self.malformed(self.offset()) };
        self.rest = rest;
        Some(*array)
    }

    /// The next table: padding up to the alignment, then `expected` bytes.
    pub fn take_table(&mut self, expected: usize) -> Option<&'a [u8]> {
        let padding = self.take_bytes()?;
        let data = self.take_bytes()?;
        let start = self.blob.len().wrapping_sub(self.rest.len()).wrapping_sub(data.len());
        let offset = saturating_u32(start);
        // Only the least padding is accepted: a model has one encoding.
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

    /// That no field is left.
    pub fn finish(&mut self) -> Option<()> {
        if self.rest.is_empty() {
            return Some(());
        }
        self.refuse(BlobError::LeftOver { offset: self.offset(), count: saturating_u32(self.rest.len()) })
    }
}
