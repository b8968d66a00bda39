//! Detects JPEG files that are cut off. A decoder fills missing pixels with grey, and the result
//! would be classified.

/// First bytes of every file.
const START: [u8; 2] = [0xff, 0xd8];
const END: u8 = 0xd9;
/// Marker of a segment that is followed by coded pixels.
const SCAN: u8 = 0xda;

/// Returns true if `file` begins like a JPEG but has no end marker after its segments.
pub fn is_cut_off(file: &[u8]) -> bool {
    let Some(mut rest) = file.strip_prefix(&START) else { return false };
    loop {
        match rest {
            [0xff, END, ..] => return false,
            // Markers may have more 0xff bytes before them, and some have no length.
            [0xff, after @ ..] if after.first() == Some(&0xff) => rest = after,
            [0xff, 0x01 | 0xd0..=0xd8, after @ ..] => rest = after,
            [0xff, marker, high, low, ..] => {
                let length = 2 + usize::from(u16::from_be_bytes([*high, *low]));
                let Some(after) = rest.get(length..) else { return true };
                rest = if *marker == SCAN { skip_pixels(after) } else { after };
            }
            // Bytes between segments are skipped, as decoders do.
            [_, after @ ..] => rest = after,
            [] => return true,
        }
    }
}

/// Skips coded pixels, up to the next marker. In coded pixels, 0xff is followed by zero or by the
/// number of a restart.
fn skip_pixels(pixels: &[u8]) -> &[u8] {
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
    fn every_shortened_file_is_cut_off() {
        let mut thumbnail = Vec::new();
        JpegEncoder::new(&mut thumbnail).encode_image(&GrayImage::new(8, 8)).unwrap();
        let image = GrayImage::from_fn(40, 30, |x, y| Luma([(x * y) as u8]));
        let mut file = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut file, 100);
        // The thumbnail's end marker is not the image's.
        encoder.set_exif_metadata(thumbnail).unwrap();
        encoder.encode_image(&image).unwrap();
        assert!(!is_cut_off(&file));
        for length in 2..file.len() {
            assert!(is_cut_off(&file[..length]), "{length} of {}", file.len());
        }
        assert!(!is_cut_off(&[&file[..], b"bytes that cameras add"].concat()));
        assert!(!is_cut_off(b"\x89PNG") && !is_cut_off(&[]));
    }
}
