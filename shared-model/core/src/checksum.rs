//! CRC-32 of blobs and frames, as in zlib and Ethernet (CRC-32/ISO-HDLC).
//!
//! Polynomial 0x04C11DB7, reflected, initial value and final XOR all ones. It takes four bits at a
//! time with a table of 64 bytes, because a table for whole bytes takes 1 KB of a device's flash.

/// The polynomial, reflected.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// The remainder for each value of the four bits that are shifted out.
static SHIFTED_OUT: [u32; 16] = shifted_out();

/// The checksum of the bytes so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checksum(u32);

impl Checksum {
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    pub fn of(bytes: &[u8]) -> u32 {
        bytes.iter().fold(Self::new(), |checksum, &byte| checksum.with(byte)).value()
    }

    /// Returns the state after another byte.
    #[must_use]
    pub fn with(self, byte: u8) -> Self {
        Self(shift_four(shift_four(self.0 ^ u32::from(byte))))
    }

    pub const fn value(self) -> u32 {
        !self.0
    }
}

fn shift_four(remainder: u32) -> u32 {
    // Four bits are a valid index of sixteen.
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
    fn the_check_value_is_that_of_the_standard() {
        assert_eq!(Checksum::of(b"123456789"), 0xCBF4_3926);
        assert_eq!(Checksum::of(b""), 0);
    }

    proptest! {
        #[test]
        fn checksums_equal_those_of_the_crc_crate(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(Checksum::of(&bytes), crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes));
        }
    }
}
