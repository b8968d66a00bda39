//! Recognizes common file formats by their first bytes, to name a file that is not what was
//! expected.

/// Bytes of a file that are enough for [`name`].
pub const START_BYTES: usize = 512;

/// Returns the name, with its article, of the format that `start`, the first bytes of a file,
/// belong to.
pub fn name(start: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, bytes: &[u8]| start.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    if at(4, b"ftyp") {
        let brand = start.get(8..12).unwrap_or_default();
        return match brand {
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Some("a HEIC image"),
            b"avif" | b"avis" => Some("an AVIF image"),
            b"crx " => Some("a raw image of a camera"),
            _ => Some("a video"),
        };
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Some("a WebP image");
    }
    if at(257, b"ustar") {
        return Some("a tar archive");
    }
    if at(128, b"DICM") {
        return Some("a DICOM image");
    }
    let by_start: [(&[u8], &'static str); 33] = [
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"BM", "a BMP image"),
        (b"II*\0", "a TIFF or raw image"),
        (b"MM\0*", "a TIFF or raw image"),
        (b"II+\0", "a TIFF image"),
        (b"8BPS", "a Photoshop image"),
        (b"\xff\x0a", "a JPEG XL image"),
        (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
        (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
        (b"\0\0\x01\0", "an icon"),
        (b"qoif", "a QOI image"),
        (b"P5", "a PGM image"),
        (b"P6", "a PPM image"),
        (b"<svg", "an SVG drawing"),
        (b"%PDF", "a PDF document"),
        (b"\x1f\x8b", "a gzip file"),
        (b"PK\x03\x04", "a zip archive"),
        (b"BZh", "a bzip2 file"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!", "a RAR archive"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x89HDF", "an HDF5 file"),
        (b"PAR1", "a Parquet table"),
        (b"MATLAB", "a MATLAB file"),
        (b"\x80\x02", "a Python pickle"),
        (b"\x80\x04", "a Python pickle"),
        (b"\x80\x05", "a Python pickle"),
        (b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself with git lfs pull"),
    ];
    if let Some((_, name)) = by_start.into_iter().find(|(bytes, _)| at(0, bytes)) {
        return Some(name);
    }
    let text = str::from_utf8(start.get(..start.len().min(64)).unwrap_or_default()).unwrap_or_default();
    let text = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        return Some("an HTML page");
    }
    text.starts_with("<?xml").then_some("an XML file, perhaps an SVG drawing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named() {
        for (start, expected) in [
            (&b"\0\0\0\x18ftypheic\0\0"[..], Some("a HEIC image")),
            (b"\0\0\0\x1cftypmif1", Some("a HEIC image")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("a WebP image")),
            (b"GIF89a", Some("a GIF image")),
            (b" \n<!DOCTYPE HTML>", Some("an HTML page")),
            (b"\x93NUMPY\x01\0", Some("a NumPy array")),
            (b"version https://git-lfs.github.com/spec/v1", name(b"version https://git-lfs")),
            (b"text", None),
            (b"", None),
            (b"\0\0\x08\x03", None),
        ] {
            assert_eq!(name(start), expected, "{start:?}");
        }
    }
}
