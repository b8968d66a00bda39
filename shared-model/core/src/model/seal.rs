//! The seal: a short trailer that vouches for the proof of a model's weights.
//!
//! A full parse reads each weight to prove that no accumulator overflows, and computes a CRC-32
//! bit by bit. Both take tens of inferences. The seal's checksum takes one step a word instead.

use super::error::BlobError;

/// First four bytes of a seal. A proof with other rules needs another magic.
const SEAL_MAGIC: [u8; 4] = *b"SEAL";

/// Size of a seal in bytes.
pub(super) const SEAL_BYTES: usize = 8;

/// An odd number near 2^32 divided by the golden ratio, so that each step is a bijection of the
/// state and mixes all bits upwards.
const MULTIPLIER: u32 = 0x9E37_79B9;

/// Returns the seal of `blob`: the magic and a checksum of all words of the blob.
pub(super) fn seal(blob: &[u8]) -> [u8; SEAL_BYTES] {
    let ([a, b, c, d], [e, f, g, h]) = (SEAL_MAGIC, checksum(blob).to_le_bytes());
    [a, b, c, d, e, f, g, h]
}

/// Checks that `trailer`, the bytes after `blob`, starts with the blob's seal.
pub(super) fn check_seal(blob: &[u8], trailer: &[u8]) -> Result<(), BlobError> {
    let Some((magic, rest)) = trailer.split_first_chunk() else { return Err(BlobError::Unsealed) };
    let Some(stored) = rest.first_chunk() else { return Err(BlobError::Unsealed) };
    if *magic != SEAL_MAGIC {
        return Err(BlobError::Unsealed);
    }
    let (stored, computed) = (u32::from_le_bytes(*stored), checksum(blob));
    if stored == computed { Ok(()) } else { Err(BlobError::Seal { stored, computed }) }
}

/// Returns a checksum of the little-endian words of `bytes`, the last one padded with zeros.
///
/// Each word changes the state by a bijection, so any change within one word is detected, and other
/// accidental changes with a chance of 1 - 2^-32. The length is in the blob's prefix.
fn checksum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last.iter_mut().zip(rest).for_each(|(target, byte)| *target = *byte);
    let sum = words.iter().fold(0, |sum, word| step(sum, *word));
    step(sum, last)
}

fn step(sum: u32, word: [u8; 4]) -> u32 {
    (sum.rotate_left(5) ^ u32::from_le_bytes(word)).wrapping_mul(MULTIPLIER)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_seal_of_known_bytes_does_not_change() {
        assert_eq!(seal(b""), *b"SEAL\0\0\0\0");
        // Word 1, then a word of zeros: (1 * M) rotated by 5, times M.
        let expected = MULTIPLIER.rotate_left(5).wrapping_mul(MULTIPLIER);
        assert_eq!(seal(&[1, 0, 0, 0])[4..], expected.to_le_bytes());
    }

    proptest! {
        #[test]
        fn a_change_of_one_word_is_always_found(
            mut bytes in prop::collection::vec(any::<u8>(), 1..200),
            place in any::<prop::sample::Index>(),
            change in 1_u8..,
        ) {
            let sealed = seal(&bytes);
            prop_assert_eq!(check_seal(&bytes, &sealed), Ok(()));
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            let is_refused = matches!(check_seal(&bytes, &sealed), Err(BlobError::Seal { .. }));
            prop_assert!(is_refused);
        }
    }

    #[test]
    fn other_trailers_are_not_seals() {
        for trailer in [&b""[..], b"SEA", b"SEAL\0\0\0", b"seal\0\0\0\0", &[0xFF; 8]] {
            assert_eq!(check_seal(b"", trailer), Err(BlobError::Unsealed));
        }
    }
}
