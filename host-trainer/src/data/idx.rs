//! Reads IDX, the format of MNIST: a header of big-endian words, then one byte for each pixel or
//! label. The header is checked before anything else is read, and limits bound its numbers.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use shared_model::{MAX_CLASSES, MAX_WIDTH};

use super::DatasetError;
use crate::support::bounded;

/// Most images in a file: the provenance counts them in 32 bits, and memory is finite.
const MAX_ITEMS: u64 = 1 << 24;
/// Largest decompressed size of a file, in bytes.
const MAX_BYTES: u64 = 1 << 30;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const IMAGES_MAGIC: u32 = 0x0000_0803;
const LABELS_MAGIC: u32 = 0x0000_0801;

/// Images of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxImages {
    /// Rows of an image, at least 1.
    pub rows: usize,
    /// Columns of an image, at least 1. `rows * columns <= 16384`.
    pub columns: usize,
    /// The pixels of all images, row-major.
    pub pixels: Vec<u8>,
    pub header: [u8; 16],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxLabels {
    /// One for each image.
    pub labels: Vec<u8>,
    pub header: [u8; 8],
}

/// Reads a file of images, gzipped or not.
///
/// # Errors
///
/// Returns an error if the file cannot be read or is not such a file, or if its length differs from
/// the length in its header.
pub fn read_images(path: &Path) -> Result<IdxImages, DatasetError> {
    let mut file = IdxReader::open(path)?;
    let header: [u8; 16] = file.header("images", IMAGES_MAGIC)?;
    let [_, count, rows, columns] = words(&header);
    file.check("number of images", count, 1, MAX_ITEMS)?;
    file.check("number of rows", rows, 1, MAX_WIDTH as u64)?;
    file.check("number of columns", columns, 1, MAX_WIDTH as u64)?;
    file.check("number of pixels of an image", rows * columns, 1, MAX_WIDTH as u64)?;
    file.check("number of bytes", count * rows * columns, 1, MAX_BYTES)?;
    let pixels = file.payload(header.len() as u64, count * rows * columns)?;
    Ok(IdxImages { rows: rows as usize, columns: columns as usize, pixels, header })
}

/// Reads a file of labels, gzipped or not.
///
/// # Errors
///
/// Fails like [`read_images`].
pub fn read_labels(path: &Path) -> Result<IdxLabels, DatasetError> {
    let mut file = IdxReader::open(path)?;
    let header: [u8; 8] = file.header("labels", LABELS_MAGIC)?;
    let [_, count] = words(&header);
    file.check("number of labels", count, 1, MAX_ITEMS)?;
    // A label is one byte, so every label is a valid class.
    const { assert!(MAX_CLASSES > u8::MAX as usize) };
    let labels = file.payload(header.len() as u64, count)?;
    Ok(IdxLabels { labels, header })
}

fn words<const BYTES: usize, const WORDS: usize>(header: &[u8; BYTES]) -> [u64; WORDS] {
    const { assert!(BYTES == 4 * WORDS) };
    let chunks = header.as_chunks::<4>().0;
    std::array::from_fn(|index| u64::from(u32::from_be_bytes(chunks[index])))
}

/// A file whose first bytes are put back after they were inspected.
type Peeked = Chain<Cursor<Vec<u8>>, BufReader<File>>;

struct IdxReader {
    path: PathBuf,
    reader: Box<dyn Read>,
    is_compressed: bool,
}

impl IdxReader {
    fn open(path: &Path) -> Result<Self, DatasetError> {
        let fail = |source| DatasetError::Read { path: path.to_owned(), source };
        let mut file = BufReader::new(bounded::open(path).map_err(fail)?);
        let mut start = Vec::new();
        file.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start).map_err(fail)?;
        let is_compressed = start == GZIP_MAGIC;
        let peeked: Peeked = Cursor::new(start).chain(file);
        let reader: Box<dyn Read> =
            if is_compressed { Box::new(MultiGzDecoder::new(peeked)) } else { Box::new(peeked) };
        Ok(Self { path: path.to_owned(), reader, is_compressed })
    }

    /// Reads the header and checks its first word.
    fn header<const BYTES: usize>(&mut self, kind: &'static str, expected: u32) -> Result<[u8; BYTES], DatasetError> {
        let bytes = self.read(BYTES as u64)?;
        let found = bytes.first_chunk().copied().map_or(0, u32::from_be_bytes);
        if found != expected && bytes.len() >= 4 {
            return Err(DatasetError::Magic { path: self.path.clone(), kind, expected, found });
        }
        let length = bytes.len() as u64;
        let truncated = DatasetError::Truncated { path: self.path.clone(), expected: BYTES as u64, found: length };
        bytes.try_into().map_err(|_| truncated)
    }

    /// Reads the `length` bytes after a header of `start` bytes, and fails if more bytes follow.
    fn payload(&mut self, start: u64, length: u64) -> Result<Vec<u8>, DatasetError> {
        // One more byte, to detect trailing bytes and to read the checksum of a gzip trailer.
        let mut bytes = self.read(length + 1)?;
        let found = bytes.len() as u64;
        if found > length {
            return Err(DatasetError::Trailing { path: self.path.clone(), expected: start + length });
        }
        if found < length {
            let (expected, found) = (start + length, start + found);
            return Err(DatasetError::Truncated { path: self.path.clone(), expected, found });
        }
        bytes.shrink_to_fit();
        Ok(bytes)
    }

    /// Reads at most `length` bytes.
    fn read(&mut self, length: u64) -> Result<Vec<u8>, DatasetError> {
        let mut bytes = Vec::new();
        match self.reader.by_ref().take(length).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(source) if self.is_compressed => Err(DatasetError::Decompress { path: self.path.clone(), source }),
            Err(source) => Err(DatasetError::Read { path: self.path.clone(), source }),
        }
    }

    fn check(&self, what: &'static str, found: u64, least: u64, most: u64) -> Result<(), DatasetError> {
        if (least..=most).contains(&found) {
            return Ok(());
        }
        Err(DatasetError::Size { path: self.path.clone(), what, found, least, most })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::support::damage::damaged;

    fn images_file(count: u32, rows: u32, columns: u32, payload: &[u8]) -> Vec<u8> {
        let header = [IMAGES_MAGIC, count, rows, columns].map(u32::to_be_bytes);
        [header.as_flattened(), payload].concat()
    }

    fn labels_file(labels: &[u8]) -> Vec<u8> {
        [LABELS_MAGIC.to_be_bytes().as_slice(), &(labels.len() as u32).to_be_bytes(), labels].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<IdxImages, DatasetError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        read_images(file.path())
    }

    #[test]
    fn reads_plain_and_gzipped() {
        let file = images_file(2, 1, 3, &[1, 2, 3, 4, 5, 6]);
        for bytes in [file.clone(), gzip(&file)] {
            let images = read(&bytes).unwrap();
            assert_eq!((images.rows, images.columns), (1, 3));
            assert_eq!(images.pixels, [1, 2, 3, 4, 5, 6]);
            assert_eq!(images.header, *file.first_chunk().unwrap());
        }
    }

    #[test]
    fn every_prefix_is_refused() {
        let file = images_file(2, 1, 3, &[1, 2, 3, 4, 5, 6]);
        let compressed = gzip(&file);
        for whole in [file, compressed] {
            for length in 0..whole.len() {
                read(&whole[..length]).expect_err("cut off");
            }
        }
    }

    #[test]
    fn errors_name_what_is_wrong() {
        assert!(matches!(read(&images_file(1, 1, 2, &[0, 0, 0])), Err(DatasetError::Trailing { expected: 18, .. })));
        assert!(matches!(
            read(&images_file(2, 1, 2, &[0, 0, 0])),
            Err(DatasetError::Truncated { expected: 20, found: 19, .. })
        ));
        assert!(matches!(read(&[0, 0, 8, 1, 0, 0, 0, 0]), Err(DatasetError::Magic { found: LABELS_MAGIC, .. })));
        assert!(matches!(read(&images_file(0, 1, 1, &[])), Err(DatasetError::Size { found: 0, .. })));
    }

    #[test]
    fn sizes_are_checked_before_use() {
        for (count, rows, columns) in
            [(u32::MAX, 1, 1), (1, u32::MAX, u32::MAX), (1, 0, 28), (1, 129, 128), (1 << 24, 128, 128)]
        {
            let error = read(&images_file(count, rows, columns, &[])).unwrap_err();
            assert!(matches!(error, DatasetError::Size { .. }), "{error}");
        }
    }

    #[test]
    fn a_gzip_bomb_is_read_only_as_far_as_its_header_asks() {
        let mut file = images_file(1, 1, 1, &[]);
        file.resize(64 << 20, 0);
        assert!(matches!(read(&gzip(&file)), Err(DatasetError::Trailing { expected: 17, .. })));
    }

    #[test]
    fn a_changed_compressed_byte_is_detected_or_harmless() {
        let pixels: Vec<u8> = (0..1024_u32).map(|index| (index * index / 7) as u8).collect();
        let compressed = gzip(&images_file(4, 16, 16, &pixels));
        let mut noticed = 0;
        for position in 0..compressed.len() {
            let mut damaged = compressed.clone();
            damaged[position] ^= 0x10;
            match read(&damaged) {
                Ok(images) => assert_eq!(images.pixels, pixels, "byte {position}"),
                Err(_) => noticed += 1,
            }
        }
        // Some bytes, such as gzip's time stamp, have no effect.
        assert!(noticed > compressed.len() - 12, "{noticed} of {}", compressed.len());
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_an_error_or_what_its_header_says(
            plain in damaged(images_file(5, 4, 6, &[7; 120])),
            compressed in damaged(gzip(&images_file(5, 4, 6, &[7; 120]))),
        ) {
            if let Ok(IdxImages { rows, columns, pixels, header }) = read(&plain) {
                let [_, count, ..]: [u64; 4] = words(&header);
                prop_assert_eq!(pixels.len() as u64, count * (rows * columns) as u64);
                prop_assert!(pixels.len() + header.len() == plain.len());
            }
            // Its checksum detects every other change.
            if let Ok(images) = read(&compressed) {
                prop_assert_eq!(images.pixels, [7; 120]);
            }
        }

        #[test]
        fn damaged_labels_are_an_error_or_what_their_header_says(bytes in damaged(labels_file(&[0, 1, 2, 1]))) {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), &bytes).unwrap();
            if let Ok(labels) = read_labels(file.path()) {
                prop_assert_eq!([&labels.header[..], &labels.labels].concat(), bytes);
            }
        }
    }
}
