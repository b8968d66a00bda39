//! Writer of postcard fields and aligned tables.

use serde::Serialize;

use super::error::EncodeError;
use crate::checksum::Checksum;
use crate::model::{BlobError, CHECKSUM_BYTES, Model, Prefix, TABLE_ALIGNMENT};

/// Appends fields to a buffer.
pub(super) struct Writer<'a> {
    buffer: &'a mut [u8],
    position: usize,
}

impl<'a> Writer<'a> {
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, position: 0 }
    }

    /// Appends a postcard field.
    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let rest = self.buffer.get_mut(self.position..).ok_or(EncodeError::BufferTooShort)?;
        let used = postcard::to_slice(value, rest).map_err(|_| EncodeError::BufferTooShort)?.len();
        self.position += used;
        Ok(())
    }

    /// Appends a table: the shortest padding that aligns its data, its length, and its data, which
    /// `fill` writes.
    pub fn put_table(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<(), EncodeError> {
        // The padding's length takes one byte, because it is below 128.
        let unpadded = self.position + 1 + varint_length(length);
        let padding = unpadded.next_multiple_of(TABLE_ALIGNMENT) - unpadded;
        self.put([0_u8; TABLE_ALIGNMENT].get(..padding).unwrap_or_default())?;
        self.put(&length)?;
        let target = self.buffer.get_mut(self.position..).and_then(|rest| rest.get_mut(..length));
        fill(target.ok_or(EncodeError::BufferTooShort)?).ok_or(EncodeError::BufferTooShort)?;
        self.position += length;
        Ok(())
    }

    /// Writes `prefix` with the length, and the checksum, parses the blob, and returns its length
    /// in bytes.
    pub fn finish(self, prefix: Prefix) -> Result<usize, EncodeError> {
        let length = self.position + CHECKSUM_BYTES;
        let blob = self.buffer.get_mut(..length).ok_or(EncodeError::BufferTooShort)?;
        let declared = u32::try_from(length).map_err(|_| EncodeError::TooLarge)?;
        *blob.first_chunk_mut().ok_or(EncodeError::BufferTooShort)? =
            Prefix { length: declared.to_le_bytes(), ..prefix }.to_bytes();
        let (fields, checksum) = blob.split_last_chunk_mut::<CHECKSUM_BYTES>().ok_or(EncodeError::BufferTooShort)?;
        *checksum = Checksum::of(fields).to_le_bytes();
        // Written in place: a move takes more than a kilobyte of a device's stack.
        let mut parsed: Result<Model<'_>, _> = Err(BlobError::Magic);
        Model::parse_into(&mut parsed, blob);
        match parsed {
            Ok(_) => Ok(length),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the length, in bytes, of `value` as postcard's varint: seven bits a byte.
fn varint_length(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}
