//! The right checksum on a changed blob, so that whoever reads it has to look behind it.

use crc::{CRC_32_ISO_HDLC, Crc};

/// Where a blob has its length: docs/format.md.
const LENGTH: std::ops::Range<usize> = 9..13;

const CHECKSUM_BYTES: usize = 4;

/// Puts the right checksum at the end of a blob. What is shorter than a checksum stays as it is.
pub fn seal(blob: &mut [u8]) {
    if let Some((fields, checksum)) = blob.split_last_chunk_mut::<CHECKSUM_BYTES>() {
        *checksum = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(fields).to_le_bytes();
    }
}

/// The same bytes with the right length, where there is room for one, and the right checksum.
pub fn sealed(blob: &[u8]) -> Vec<u8> {
    let mut blob = blob.to_vec();
    if let (Ok(length), Some(field)) = (u32::try_from(blob.len()), blob.get_mut(LENGTH)) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    seal(&mut blob);
    blob
}
