//! COBS removes the zeros from a frame's payload.
//!
//! It writes groups of non-zero bytes, each after a byte with its length plus one. A group of 254
//! bytes is full; a zero, which is omitted, ends any other group.
//!
//! This is our own implementation, because libraries index with checks that the compiler cannot
//! remove, and each is a panic in a device.

use core::cell::Cell;

use postcard::ser_flavors::Flavor;
use postcard::{Error, Result};

use crate::checksum::Checksum;

/// The length byte of a full group.
const FULL: u8 = 255;

/// Writer for postcard: encodes its bytes, their checksum and a delimiter to the start of a slice.
pub struct Writer<'b> {
    target: &'b mut [u8],
    /// Index of the length byte of the open group.
    group: usize,
    next: usize,
    checksum: Checksum,
}

impl<'b> Writer<'b> {
    pub fn new(target: &'b mut [u8]) -> Self {
        Self { target, group: 0, next: 1, checksum: Checksum::new() }
    }

    fn put(&mut self, byte: u8) -> Option<()> {
        if byte != 0 {
            *self.target.get_mut(self.next)? = byte;
            self.next = self.next.wrapping_add(1);
        }
        // At most 255, because 255 closes a group.
        let length = self.next.wrapping_sub(self.group) as u8;
        if byte == 0 || length == FULL {
            *self.target.get_mut(self.group)? = length;
            self.group = self.next;
            self.next = self.next.wrapping_add(1);
        }
        Some(())
    }
}

impl Flavor for Writer<'_> {
    type Output = usize;

    // These two are not inlined: every field of every message would have a copy.
    #[inline(never)]
    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.checksum = self.checksum.with(byte);
        self.put(byte).ok_or(Error::SerializeBufferFull)
    }

    #[inline(never)]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        bytes.iter().try_for_each(|&byte| self.try_push(byte))
    }

    fn finalize(mut self) -> Result<usize> {
        let checksum = self.checksum.value().to_le_bytes();
        // The delimiter closes the last group.
        for byte in checksum.into_iter().chain([0]) {
            self.put(byte).ok_or(Error::SerializeBufferFull)?;
        }
        let delimiter = self.target.get_mut(self.group).ok_or(Error::SerializeBufferFull)?;
        *delimiter = 0;
        Ok(self.next)
    }
}

/// Decodes the bytes between two delimiters in place. Returns the decoded length; `None` if the
/// last group is incomplete.
pub fn decode_in_place(bytes: &mut [u8]) -> Option<usize> {
    let cells = Cell::from_mut(bytes).as_slice_of_cells();
    let (mut coded, mut places) = (cells.iter(), cells.iter());
    while let Some(length) = coded.next().map(Cell::get) {
        for _ in 1..length {
            places.next()?.set(coded.next()?.get());
        }
        if length != FULL && !coded.as_slice().is_empty() {
            places.next()?.set(0);
        }
    }
    Some(cells.len().wrapping_sub(places.len()))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Returns the encoding of `bytes`, without the delimiter.
    fn written(bytes: &[u8]) -> Vec<u8> {
        let mut target = std::vec![0xAA; bytes.len() + bytes.len() / 254 + 10];
        let mut writer = Writer::new(&mut target);
        writer.try_extend(bytes).unwrap();
        let length = writer.finalize().unwrap();
        assert_eq!(target[length - 1], 0);
        target.truncate(length - 1);
        target
    }

    /// Decodes `bytes` with the cobs crate.
    fn by_the_library(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut target = std::vec![0; bytes.len()];
        let length = ::cobs::decode(bytes, &mut target).ok()?;
        target.truncate(length);
        Some(target)
    }

    /// Generates long runs without a zero, short runs, and runs of zeros.
    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(0), 1..=255_u8];
        let run = prop_oneof![prop::collection::vec(1..=255_u8, 0..600), prop::collection::vec(byte, 0..20)];
        prop::collection::vec(run, 0..5).prop_map(|runs| runs.concat())
    }

    proptest! {
        #[test]
        fn the_cobs_crate_decodes_the_encoding(payload in payload()) {
            let mut sealed = payload.clone();
            sealed.extend(Checksum::of(&payload).to_le_bytes());
            let mut coded = written(&payload);
            prop_assert!(!coded.contains(&0));
            prop_assert_eq!(by_the_library(&coded), Some(sealed.clone()));
            let length = decode_in_place(&mut coded).unwrap();
            prop_assert_eq!(&coded[..length], &sealed);
        }

        #[test]
        fn any_bytes_without_a_zero_decode_as_with_the_cobs_crate(
            mut bytes in prop::collection::vec(1..=255_u8, 1..600),
        ) {
            let expected = by_the_library(&bytes);
            let found = decode_in_place(&mut bytes).map(|length| bytes[..length].to_vec());
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn full_groups_are_closed() {
        for length in 240..270 {
            let payload: Vec<u8> = (0..length).map(|index| (index % 255) as u8 + 1).collect();
            let mut coded = written(&payload);
            let decoded = decode_in_place(&mut coded).unwrap();
            assert_eq!(coded[..length], payload);
            assert_eq!(decoded, length + 4);
        }
    }
}
