//! The right checksum on a changed blob, so that a reader also checks the other fields.

use crc::{CRC_32_ISO_HDLC, Crc};

/// Position of a blob's length; see docs/format.md.
const LENGTH: std::ops::Range<usize> = 9..13;

const CHECKSUM_BYTES: usize = 4;

/// Writes the right checksum at the end of a blob. Leaves bytes shorter than a checksum unchanged.
pub fn write_checksum(blob: &mut [u8]) {
    if let Some((fields, checksum)) = blob.split_last_chunk_mut::<CHECKSUM_BYTES>() {
        *checksum = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(fields).to_le_bytes();
    }
}

/// Returns the same bytes with the right length, if they have that field, and the right checksum.
pub fn with_length_and_checksum(blob: &[u8]) -> Vec<u8> {
    let mut blob = blob.to_vec();
    if let (Ok(length), Some(field)) = (u32::try_from(blob.len()), blob.get_mut(LENGTH)) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    write_checksum(&mut blob);
    blob
}
