//! Where a JPEG file ends. A decoder makes grey of what is missing, which would be classified as if
//! it had been there.

/// What every file begins with.
const START: [u8; 2] = [0xff, 0xd8];
const END: u8 = 0xd9;
/// Of a segment that coded pixels follow.
const SCAN: u8 = 0xda;

/// Whether `file` begins as a JPEG and has no end: segments, each with its length, up to the marker
/// of the end.
pub fn is_cut_off(file: &[u8]) -> bool {
    let Some(mut rest) = file.strip_prefix(&START) else { return false };
    loop {
        match rest {
            [0xff, END, ..] => return false,
            // Markers may have more of their first byte before them, and some stand alone.
            [0xff, behind @ ..] if behind.first() == Some(&0xff) => rest = behind,
            [0xff, 0x01 | 0xd0..=0xd8, behind @ ..] => rest = behind,
            [0xff, marker, high, low, ..] => {
                let length = 2 + usize::from(u16::from_be_bytes([*high, *low]));
                let Some(behind) = rest.get(length..) else { return true };
                rest = if *marker == SCAN { behind_pixels(behind) } else { behind };
            }
            // What stands between segments is passed over, as decoders do.
            [_, behind @ ..] => rest = behind,
            [] => return true,
        }
    }
}

/// From the marker on that ends coded pixels: in these 0xff is followed by zero or the number of a
/// restart.
fn behind_pixels(pixels: &[u8]) -> &[u8] {
    let is_marker = |pair: &[u8]| matches!(pair, [0xff, second] if !matches!(second, 0 | 0xd0..=0xd7 | 0xff));
    let end = pixels.windows(2).position(is_marker).unwrap_or(pixels.len());
    pixels.get(end..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{GrayImage, ImageEncoder, Luma};

    use super::*;

    #[test]
    fn only_a_whole_file_is_not_cut_off() {
        let mut thumbnail = Vec::new();
        JpegEncoder::new(&mut thumbnail).encode_image(&GrayImage::new(8, 8)).unwrap();
        let image = GrayImage::from_fn(40, 30, |x, y| Luma([(x * y) as u8]));
        let mut file = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut file, 100);
        // Its end is not that of the image.
        encoder.set_exif_metadata(thumbnail).unwrap();
        encoder.encode_image(&image).unwrap();
        assert!(!is_cut_off(&file));
        for length in 2..file.len() {
            assert!(is_cut_off(&file[..length]), "{length} of {}", file.len());
        }
        assert!(!is_cut_off(&[&file[..], b"what cameras add"].concat()));
        assert!(!is_cut_off(b"\x89PNG") && !is_cut_off(&[]));
    }
}
