//! CRC-32 as in zlib and Ethernet, over blobs and frames: polynomial 0x04C11DB7, bits reflected, begun with and ended by all ones.
//!
//! Four bits at a time, by a table of 64 bytes: one for whole bytes takes 1 KB of a device's flash.

/// The polynomial, reflected.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// What each value of four bits comes to when it is shifted out.
static SHIFTED_OUT: [u32; 16] = shifted_out();

/// A checksum of what has come so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checksum(u32);

impl Checksum {
    /// Of nothing.
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Of all of `bytes`.
    pub fn of(bytes: &[u8]) -> u32 {
        bytes.iter().fold(Self::new(), |checksum, &byte| checksum.with(byte)).value()
    }

    /// With another byte behind the others.
    #[must_use]
    pub fn with(self, byte: u8) -> Self {
        Self(shift_four(shift_four(self.0 ^ u32::from(byte))))
    }

    /// The checksum.
    pub const fn value(self) -> u32 {
        !self.0
    }
}

fn shift_four(remainder: u32) -> u32 {
    // Four bits are an index of sixteen.
    let shifted_out = SHIFTED_OUT[(remainder & 15) as usize];
    remainder >> 4 ^ shifted_out
}

const fn shifted_out() -> [u32; 16] {
    let mut table = [0; 16];
    let mut value = 0_usize;
    while value < table.len() {
        let (mut remainder, mut bits) = (value as u32, 4_u8);
        while bits > 0 {
            remainder = remainder >> 1 ^ if remainder & 1 == 1 { POLYNOMIAL } else { 0 };
            bits = bits.wrapping_sub(1);
        }
        table[value] = remainder;
        value = value.wrapping_add(1);
    }
    table
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_check_value_is_the_standards() {
        assert_eq!(Checksum::of(b"123456789"), 0xCBF4_3926);
        assert_eq!(Checksum::of(b""), 0);
    }

    proptest! {
        #[test]
        fn it_is_that_of_the_library(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(Checksum::of(&bytes), crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes));
        }
    }
}
