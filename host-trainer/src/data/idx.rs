//! Reads IDX, the format of MNIST: a header of big-endian words, then the pixels or labels, one
//! byte each in most files. The header is checked before anything else is read, and limits bound
//! its numbers.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};
use std::path::{Path, PathBuf};

use prenda::{MAX_CLASSES, MAX_WIDTH, Shape};

use super::DatasetError;
use crate::support::gunzip::{self, Gunzip};
use crate::support::{bounded, format};

/// Most images in a file: the provenance counts them in 32 bits, and memory is finite.
const MAX_ITEMS: u64 = 1 << 24;
/// Largest decompressed size of a file, in bytes.
const MAX_BYTES: u64 = 1 << 30;
/// The first word of a file of unsigned bytes, without the number of its dimensions.
const UNSIGNED_BYTES: u32 = 0x0000_0800;
/// Most dimensions of a file that are read and named.
const MAX_DIMENSIONS: u8 = 8;
/// Columns of QMNIST's labels, of which the first is the class.
const QMNIST_COLUMNS: u64 = 8;

/// Images of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxImages {
    /// Rows of an image, at least 1.
    pub rows: usize,
    /// Columns of an image, at least 1. `rows * columns * channels <= 16384`.
    pub columns: usize,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// The pixels of all images, row-major, with the channels of a pixel next to each other.
    pub pixels: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxLabels {
    /// One for each image.
    pub labels: Vec<u8>,
}

/// The type of a file's items, from the third byte of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

/// The first part of a header: the items' type and the sizes of the dimensions.
struct Header {
    element: Element,
    sizes: Vec<u64>,
}

/// Reads a file of images, gzipped or not.
///
/// The items may be any integers of 0..=255. An image may also have a dimension of 1 or 3 for its
/// channels, or be one row of pixels, which is then taken as a square.
///
/// # Errors
///
/// Returns an error if the file cannot be read or is not such a file, or if its length differs from
/// the length in its header.
pub fn read_images(path: &Path) -> Result<IdxImages, DatasetError> {
    let mut file = IdxReader::open(path, "images")?;
    let header = file.header(16)?;
    let (count, rows, columns, channels) = match header.sizes[..] {
        [count, rows, columns] | [count, rows, columns, 1] | [count, 1, rows, columns] => (count, rows, columns, 1),
        [count, rows, columns, 3] => (count, rows, columns, 3),
        [count, pixels] if pixels.isqrt().pow(2) == pixels => (count, pixels.isqrt(), pixels.isqrt(), 1),
        [_] => return Err(file.layout(&header, "images; are the files mixed up?")),
        [_, _] => return Err(file.layout(&header, "images x rows x columns, or the pixels of a square")),
        _ => return Err(file.layout(&header, "images x rows x columns, or images x rows x columns x 3 for colours")),
    };
    file.check("number of images", count, 1, MAX_ITEMS)?;
    file.check("number of rows", rows, 1, MAX_WIDTH as u64)?;
    file.check("number of columns", columns, 1, MAX_WIDTH as u64)?;
    file.check("number of pixels of an image", rows * columns, 1, MAX_WIDTH as u64 / channels)?;
    let pixels = file.payload(&header)?;
    Ok(IdxImages { rows: rows as usize, columns: columns as usize, channels: channels as usize, pixels })
}

/// Reads a file of labels, gzipped or not.
///
/// The items may be any integers of 0..=255. Of QMNIST's eight numbers for each image, the first is
/// taken, the class.
///
/// # Errors
///
/// Fails like [`read_images`].
pub fn read_labels(path: &Path) -> Result<IdxLabels, DatasetError> {
    let mut file = IdxReader::open(path, "labels")?;
    let header = file.header(8)?;
    let (count, columns) = match header.sizes[..] {
        [count] => (count, 1),
        [count, 1] => (count, 1),
        [count, QMNIST_COLUMNS] if header.element == Element::I32 => (count, QMNIST_COLUMNS),
        [_, _] => return Err(file.layout(&header, "one label for each image")),
        _ => return Err(file.layout(&header, "labels; are the files mixed up?")),
    };
    file.check("number of labels", count, 1, MAX_ITEMS)?;
    // A label is one byte, so every label is a valid class.
    const { assert!(MAX_CLASSES > u8::MAX as usize) };
    let labels = if columns == 1 { file.payload(&header)? } else { file.first_of_each(&header)? };
    Ok(IdxLabels { labels })
}

/// Returns the header of a file of `count` images.
pub fn image_header(count: usize, shape: Shape) -> Vec<u8> {
    let Shape { rows, columns, channels } = shape;
    let sizes = [count as u32, rows.into(), columns.into(), channels.into()];
    header(if channels == 1 { &sizes[..3] } else { &sizes })
}

/// Returns the header of a file of `count` labels.
pub fn label_header(count: usize) -> Vec<u8> {
    header(&[count as u32])
}

/// Returns the header of a file of `sizes` unsigned bytes.
fn header(sizes: &[u32]) -> Vec<u8> {
    let magic = UNSIGNED_BYTES | sizes.len() as u32;
    [magic].iter().chain(sizes).flat_map(|word| word.to_be_bytes()).collect()
}

impl Element {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::U8,
            0x09 => Self::I8,
            0x0b => Self::I16,
            0x0c => Self::I32,
            0x0d => Self::F32,
            0x0e => Self::F64,
            _ => return None,
        })
    }

    /// Returns the name of several items.
    fn name(self) -> &'static str {
        match self {
            Self::U8 => "unsigned bytes",
            Self::I8 => "signed bytes",
            Self::I16 => "16-bit integers",
            Self::I32 => "32-bit integers",
            Self::F32 => "32-bit floats",
            Self::F64 => "64-bit floats",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Returns the value of an integer's big-endian bytes.
    fn integer(bytes: &[u8]) -> i64 {
        let start = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
        bytes.iter().fold(start, |value: i64, byte| (value << 8) | i64::from(*byte))
    }
}

impl Header {
    /// Describes the file's content: `32-bit integers, 60000 x 8`.
    fn describe(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(u64::to_string).collect();
        format!("{}, {}", self.element.name(), sizes.join(" x "))
    }
}

/// A file whose first bytes are put back after they were inspected.
type Peeked = Chain<Cursor<Vec<u8>>, BufReader<File>>;

struct IdxReader {
    path: PathBuf,
    /// `images` or `labels`.
    kind: &'static str,
    reader: Box<dyn Read>,
    is_compressed: bool,
}

impl IdxReader {
    fn open(path: &Path, kind: &'static str) -> Result<Self, DatasetError> {
        let fail = |source| DatasetError::Read { path: path.to_owned(), source };
        let mut file = BufReader::new(bounded::open(path).map_err(fail)?);
        let mut start = Vec::new();
        file.by_ref().take(gunzip::MAGIC.len() as u64).read_to_end(&mut start).map_err(fail)?;
        let is_compressed = start == gunzip::MAGIC;
        let peeked: Peeked = Cursor::new(start).chain(file);
        let reader: Box<dyn Read> = if is_compressed { Box::new(Gunzip::new(peeked)) } else { Box::new(peeked) };
        Ok(Self { path: path.to_owned(), kind, reader, is_compressed })
    }

    /// Reads the header, of `expected` bytes in most files.
    fn header(&mut self, expected: u64) -> Result<Header, DatasetError> {
        let start = self.read(4)?;
        let path = self.path.clone();
        let [zero, zero_too, code, dimensions] = start[..] else {
            return Err(DatasetError::Truncated { path, expected, found: start.len() as u64 });
        };
        let element = Element::from_code(code).filter(|_| zero == 0 && zero_too == 0);
        let (Some(element), 1..=MAX_DIMENSIONS) = (element, dimensions) else { return Err(self.foreign(start)) };
        let length = 4 * u64::from(dimensions);
        let sizes = self.read(length)?;
        let (words, rest) = sizes.as_chunks::<4>();
        if !rest.is_empty() || words.len() < usize::from(dimensions) {
            let found = 4 + sizes.len() as u64;
            return Err(DatasetError::Truncated { path, expected: 4 + length, found });
        }
        Ok(Header { element, sizes: words.iter().map(|word| u32::from_be_bytes(*word).into()).collect() })
    }

    /// Returns the error for a file that begins with `start`, which no IDX file does.
    fn foreign(&mut self, mut start: Vec<u8>) -> DatasetError {
        let word = start.first_chunk().copied().map_or(0, u32::from_be_bytes);
        start.extend(self.read(format::START_BYTES as u64).unwrap_or_default());
        let found = match start[..] {
            [0x1f, 0x8b, ..] if self.is_compressed => "it is gzipped twice; decompress it once".to_owned(),
            [1..=MAX_DIMENSIONS, code, 0, 0, ..] if Element::from_code(code).is_some() => {
                "the numbers of its header are little-endian; write them big-endian".to_owned()
            }
            _ => match format::name(&start) {
                Some(name) => format!("it is {name}"),
                None => format!("found {word:#010x}, expected 0x0000 and the type and number of its dimensions"),
            },
        };
        DatasetError::Foreign { path: self.path.clone(), kind: self.kind, found }
    }

    fn layout(&self, header: &Header, expected: &'static str) -> DatasetError {
        DatasetError::Layout { path: self.path.clone(), found: header.describe(), expected }
    }

    /// Reads the items after `header`, each as a byte, and fails if more bytes follow.
    fn payload(&mut self, header: &Header) -> Result<Vec<u8>, DatasetError> {
        let Header { element, sizes } = header;
        let count = sizes.iter().try_fold(1, |product: u64, size| product.checked_mul(*size)).unwrap_or(u64::MAX);
        let length = count.saturating_mul(element.bytes() as u64);
        self.check("number of bytes", length, 1, MAX_BYTES)?;
        if matches!(element, Element::F32 | Element::F64) {
            return Err(
                self.layout(header, "unsigned bytes, 0..=255; scale and round the numbers, and save them again")
            );
        }
        let bytes = self.raw(4 + 4 * sizes.len() as u64, length)?;
        if *element == Element::U8 {
            return Ok(bytes);
        }
        let items = bytes.chunks_exact(element.bytes()).map(Element::integer).enumerate();
        let items = items.map(|(index, item)| {
            let out_of_range = || DatasetError::Item {
                path: self.path.clone(),
                kind: self.kind,
                element: element.name(),
                index,
                item,
            };
            u8::try_from(item).map_err(|_| out_of_range())
        });
        items.collect()
    }

    /// Reads the items after the header, of which only the first of each row must be a byte.
    fn first_of_each(&mut self, header: &Header) -> Result<Vec<u8>, DatasetError> {
        let [count, columns] = header.sizes[..] else { return self.payload(header) };
        let size = header.element.bytes();
        let bytes = self.raw(12, count * columns * size as u64)?;
        let firsts = bytes.chunks_exact(size * columns as usize).enumerate().map(|(index, row)| {
            let item = Element::integer(row.get(..size).unwrap_or_default());
            let (path, kind, element) = (self.path.clone(), self.kind, header.element.name());
            u8::try_from(item).map_err(|_| DatasetError::Item { path, kind, element, index, item })
        });
        firsts.collect()
    }

    /// Reads the `length` bytes after a header of `start` bytes, and fails if more bytes follow.
    fn raw(&mut self, start: u64, length: u64) -> Result<Vec<u8>, DatasetError> {
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
        [&header(&[count, rows, columns]), payload].concat()
    }

    fn labels_file(labels: &[u8]) -> Vec<u8> {
        [&header(&[labels.len() as u32]), labels].concat()
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
        }
    }

    #[test]
    fn colours_are_read_with_the_channels_of_a_pixel_together() {
        let pixels: Vec<u8> = (0..12).collect();
        let images = read(&[&header(&[1, 2, 2, 3]), &pixels[..]].concat()).unwrap();
        assert_eq!((images.rows, images.columns, images.channels, images.pixels), (2, 2, 3, pixels));
        assert!(matches!(read(&header(&[1, 128, 128, 3])), Err(DatasetError::Size { most: 5461, .. })));
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
        let labels = labels_file(&[0; 7]);
        assert!(matches!(read(&labels), Err(DatasetError::Layout { found, .. }) if found == "unsigned bytes, 7"));
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

    /// Builds a file of any type and sizes.
    fn any_file(code: u8, sizes: &[u32], payload: &[u8]) -> Vec<u8> {
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [&[0, 0, code, (sizes.len() / 4) as u8], &sizes[..], payload].concat()
    }

    fn labels(bytes: &[u8]) -> Result<IdxLabels, DatasetError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        read_labels(file.path())
    }

    #[test]
    fn other_types_and_dimensions_are_read_if_their_values_are_bytes() {
        let pixels: Vec<u8> = (100..108).collect();
        let expected = read(&images_file(2, 2, 2, &pixels)).unwrap();
        let wide: Vec<u8> = pixels.iter().flat_map(|pixel| [0, 0, 0, *pixel]).collect();
        for (code, sizes, payload) in [
            (0x08, &[2, 2, 2, 1][..], &pixels),
            (0x08, &[2, 1, 2, 2], &pixels),
            (0x08, &[2, 4], &pixels),
            (0x09, &[2, 2, 2], &pixels),
            (0x0c, &[2, 2, 2], &wide),
        ] {
            assert_eq!(read(&any_file(code, sizes, payload)).unwrap(), expected, "{code} {sizes:?}");
        }
        let expected = labels(&labels_file(&[7, 0, 255])).unwrap();
        let short = [0, 7, 0, 0, 0, 255];
        let qmnist: Vec<u8> = [7, 0, 255_i32]
            .into_iter()
            .flat_map(|label| [label, -1, 3000, 4, 5, 6, 7, 8])
            .flat_map(i32::to_be_bytes)
            .collect();
        for (code, sizes, payload) in [(0x0b, &[3][..], &short[..]), (0x0b, &[3, 1], &short), (0x0c, &[3, 8], &qmnist)]
        {
            assert_eq!(labels(&any_file(code, sizes, payload)).unwrap(), expected, "{code} {sizes:?}");
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_named_by_type_and_sizes() {
        let images = images_file(1, 2, 2, &[1, 2, 3, 4]);
        let mut swapped = images.clone();
        swapped[..16].as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse());
        for (file, part) in [
            (any_file(0x0d, &[1, 2, 2], &[0; 16]), "32-bit floats, 1 x 2 x 2, expected unsigned bytes"),
            (
                any_file(0x08, &[1, 3, 2, 2], &[0; 12]),
                "unsigned bytes, 1 x 3 x 2 x 2, expected images x rows x columns",
            ),
            (any_file(0x08, &[1, 5], &[0; 5]), "unsigned bytes, 1 x 5, expected"),
            (any_file(0x0b, &[1, 1, 2], &[0, 3, 1, 0]), "item 1 of 16-bit integers is 256, expected 0..=255"),
            (any_file(0x09, &[1, 1, 2], &[255, 3]), "item 0 of signed bytes is -1, expected 0..=255"),
            (labels_file(&[1, 2]), "are the files mixed up?"),
            (swapped, "little-endian"),
            (gzip(&gzip(&images)), "it is gzipped twice"),
            (b"\x93NUMPY\x01\0".to_vec(), "it is a NumPy array"),
            (b"PK\x03\x04\x14\0".to_vec(), "it is a zip archive"),
        ] {
            let error = read(&file).unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
        }
        let error = labels(&any_file(0x08, &[3, 10], &[0; 30])).unwrap_err().to_string();
        assert!(error.contains("unsigned bytes, 3 x 10, expected one label for each image"), "{error}");
        assert!(labels(&images).unwrap_err().to_string().contains("are the files mixed up?"));
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_an_error_or_what_its_header_says(
            plain in damaged(images_file(5, 4, 6, &[7; 120])),
            compressed in damaged(gzip(&images_file(5, 4, 6, &[7; 120]))),
        ) {
            if let Ok(IdxImages { rows, columns, channels, pixels }) = read(&plain) {
                prop_assert_eq!(pixels.len() % (rows * columns * channels), 0);
                prop_assert!(pixels.len() < plain.len());
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
                prop_assert!(labels.labels.len() < bytes.len());
            }
        }
    }
}
