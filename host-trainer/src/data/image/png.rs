//! Finds the EXIF data of a PNG file, which may follow the pixels.

use flate2::Crc;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Returns the EXIF data of `file`, if it is a PNG that has them undamaged.
pub fn exif(file: &[u8]) -> Option<&[u8]> {
    let mut rest = file.strip_prefix(SIGNATURE)?;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (kind, _) = after.split_first_chunk::<4>()?;
        let (content, after) = after.split_at_checked(length.checked_add(4)?)?;
        let (checksum, after) = after.split_first_chunk::<4>()?;
        if kind == b"eXIf" {
            let mut crc = Crc::new();
            crc.update(content);
            return (crc.sum() == u32::from_be_bytes(*checksum)).then(|| content.get(4..)).flatten();
        }
        rest = after;
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Builds a chunk.
    pub fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(content);
        [&(content.len() as u32).to_be_bytes()[..], kind, content, &crc.sum().to_be_bytes()].concat()
    }

    #[test]
    fn exif_data_are_found_anywhere() {
        let (pixels, exif_chunk, end) = (chunk(b"IDAT", b"pixels"), chunk(b"eXIf", b"MM"), chunk(b"IEND", b""));
        for chunks in [[&exif_chunk, &pixels, &end], [&pixels, &exif_chunk, &end]] {
            let file = [SIGNATURE, &chunks[0][..], chunks[1], chunks[2]].concat();
            assert_eq!(exif(&file), Some(&b"MM"[..]));
            assert_eq!(exif(&file[..SIGNATURE.len() + 9]), None);
        }
        let mut damaged = [SIGNATURE, &exif_chunk[..]].concat();
        damaged[16] ^= 1;
        assert_eq!(exif(&damaged), None);
        assert_eq!(exif(&[SIGNATURE, &[0xff; 40]].concat()), None);
        assert_eq!(exif(b"\xff\xd8"), None);
    }
}
