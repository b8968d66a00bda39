//! Packets of the gdb remote protocol: `$`, text, `#`, and the text's checksum in two digits.

/// Splits received bytes into packets.
#[derive(Debug, Default)]
pub(super) struct Packets {
    bytes: Vec<u8>,
}

impl Packets {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the text of the first complete, undamaged packet.
    pub(super) fn take(&mut self) -> Option<String> {
        loop {
            let Some(start) = self.bytes.iter().position(|&byte| byte == b'$') else {
                // Acknowledgements add nothing to the answer.
                self.bytes.clear();
                return None;
            };
            let length = self.bytes.iter().skip(start).position(|&byte| byte == b'#')?;
            let end = start + length + 3;
            let packet = self.bytes.get(start + 1..end)?;
            let (text, sum) = packet.split_at_checked(length.saturating_sub(1))?;
            let mut expected = [0];
            let whole = unhex(sum.get(1..).unwrap_or_default(), &mut expected) && expected[0] == checksum(text);
            let text = whole.then(|| String::from_utf8_lossy(text).into_owned());
            self.bytes.drain(..end);
            if text.is_some() {
                return text;
            }
        }
    }
}

/// Returns `text` as a packet.
pub(super) fn framed(text: &str) -> Vec<u8> {
    format!("${text}#{:02x}", checksum(text.as_bytes())).into_bytes()
}

fn checksum(text: &[u8]) -> u8 {
    text.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}

/// Returns bytes as pairs of hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]).collect()
}

/// Fills `bytes` from pairs of hexadecimal digits; returns false if the count is wrong or a
/// character is not a digit.
pub(crate) fn unhex(digits: &[u8], bytes: &mut [u8]) -> bool {
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        && pairs.len() == bytes.len()
        && pairs.iter().zip(bytes).all(|(&[high, low], byte)| {
            let decoded = value(high).zip(value(low)).map(|(high, low)| high << 4 | low);
            *byte = decoded.unwrap_or(0);
            decoded.is_some()
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packets(bytes: &[u8]) -> Vec<String> {
        let mut packets = Packets::default();
        packets.feed(bytes);
        std::iter::from_fn(|| packets.take()).collect()
    }

    #[test]
    fn framed_packets_are_found() {
        assert_eq!(framed("m0,4"), b"$m0,4#fd");
        assert_eq!(packets(b"+$OK#9a+$#00$T05thread:01;#07"), ["OK", "", "T05thread:01;"]);
    }

    #[test]
    fn a_packet_may_arrive_in_pieces() {
        let mut packets = Packets::default();
        for byte in b"+$OK#9" {
            packets.feed(&[*byte]);
            assert_eq!(packets.take(), None);
        }
        packets.feed(b"a");
        assert_eq!(packets.take().as_deref(), Some("OK"));
        assert_eq!(packets.take(), None);
    }

    #[test]
    fn damaged_packets_are_skipped() {
        assert_eq!(packets(b"$OK#9b$OK#zz$OK#9a"), ["OK"]);
    }

    #[test]
    fn digits_and_bytes_are_converted_both_ways() {
        let mut bytes = [0; 3];
        assert!(unhex(b"00fFa5", &mut bytes));
        assert_eq!(hex(&bytes), "00ffa5");
        assert!(!unhex(b"00ff", &mut bytes) && !unhex(b"00ff0", &mut bytes) && !unhex(b"00ff0g", &mut bytes));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'$'), Just(b'#')], 0..200),
        ) {
            packets(&bytes);
        }

        #[test]
        fn any_text_is_framed_and_found(text in "[ -\"%-~]{0,40}") {
            prop_assert_eq!(packets(&framed(&text)), [text]);
        }
    }
}
