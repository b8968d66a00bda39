//! Decompresses gzip files like `gunzip`.

use std::io::{self, BufRead, Chain, Read};

use flate2::bufread::GzDecoder;

/// First bytes of a gzip member.
pub const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads all members of a gzip file. Bytes after the last member are ignored: tapes and some
/// servers pad files with zeros.
pub struct Gunzip<R: BufRead>(Option<GzDecoder<Member<R>>>);

/// A member: the bytes that were taken to recognize it, and the rest of the file.
type Member<R> = Chain<&'static [u8], R>;

impl<R: BufRead> Gunzip<R> {
    pub fn new(reader: R) -> Self {
        Self(Some(GzDecoder::new([].chain(reader))))
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.0 {
            match decoder.read(buffer)? {
                0 if !buffer.is_empty() => {}
                count => return Ok(count),
            }
            // The member has ended, and its checksum is right.
            self.0 = self
                .0
                .take()
                .map(|decoder| decoder.into_inner().into_inner().1)
                .map(next_member)
                .transpose()?
                .flatten();
        }
        Ok(0)
    }
}

/// Skips zeros. Returns the decoder of the member that follows, or `None` at the end.
fn next_member<R: BufRead>(mut reader: R) -> io::Result<Option<GzDecoder<Member<R>>>> {
    loop {
        let bytes = reader.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match bytes.get(zeros) {
            Some(first) if *first == MAGIC[0] => {
                reader.consume(zeros + 1);
                let is_member = reader.fill_buf()?.first() == Some(&MAGIC[1]);
                return Ok(is_member.then(|| GzDecoder::new(MAGIC[..1].chain(reader))));
            }
            None if zeros > 0 => reader.consume(zeros),
            _ => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_are_joined_and_padding_is_ignored() {
        let (one, two) = (gzip(b"one, "), gzip(b"two"));
        let both = [one.clone(), two.clone()].concat();
        let padded = [one.clone(), vec![0; 700], two, vec![0; 512]].concat();
        let followed_by = |rest: &[u8]| [both.as_slice(), rest].concat();
        let garbage = [&b"garbage"[..], b"\x1f", b"\x1fgarbage", b"\0\0\x1f\0garbage"].map(followed_by);
        for file in [both.clone(), padded].into_iter().chain(garbage) {
            // A small buffer, so that the members' ends are anywhere in it.
            for size in [1, 7, 8192] {
                let mut text = String::new();
                Gunzip::new(BufReader::with_capacity(size, file.as_slice())).read_to_string(&mut text).unwrap();
                assert_eq!(text, "one, two", "{size}");
            }
        }
        let mut text = String::new();
        for length in [0, 5, one.len() - 1, one.len() + 3, both.len() - 1] {
            Gunzip::new(&both[..length]).read_to_string(&mut text).expect_err("cut off");
        }
    }
}
