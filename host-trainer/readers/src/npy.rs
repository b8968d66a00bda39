//! One array of NumPy: a header in the syntax of a Python dictionary, then the items.
//!
//! The header is parsed here: it has three keys, and a general parser of Python's literals would
//! recurse as deep as a hostile file says.

use std::io::{self, Read};

use thiserror::Error;

use crate::MAX_VALUES;

const MAGIC: &[u8] = b"\x93NUMPY";
/// NumPy itself refuses longer headers.
const MAX_HEADER_BYTES: usize = 10_000;
/// Most dimensions of an array that are read and named.
const MAX_DIMENSIONS: usize = 8;
/// Bytes that are converted at once, a multiple of all items' sizes.
const CHUNK_BYTES: usize = 1 << 16;

/// Why an array cannot be read.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The file cannot be read, does not decompress or ends too early.
    #[error("it is cut off or damaged: {0}")]
    Read(#[from] io::Error),
    /// The header is not NumPy's.
    #[error("its header is not that of a NumPy array: {0}")]
    Header(&'static str),
    /// The items have a type that is not read.
    #[error("its items have the type {0}, expected integers or floats; save it with .astype('uint8')")]
    Type(String),
    /// Columns come before rows.
    #[error("its values are stored column by column; save it with numpy.ascontiguousarray")]
    Order,
    /// Too many values.
    #[error("its shape is {found}, expected at most {most} values")]
    Size {
        /// The shape.
        found: String,
        /// The most values that are read.
        most: usize,
    },
    /// An item that is not a byte.
    #[error(
        "item {index} is {item}, expected whole numbers 0..=255; scale the values, round them, and save them with \
         .astype('uint8')"
    )]
    Item {
        /// Its place in the array.
        index: usize,
        /// Its value.
        item: String,
    },
    /// More bytes follow.
    #[error("bytes follow after its {0} values")]
    Trailing(usize),
}

/// An array, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array<T = u8> {
    /// The sizes of its dimensions. Their product is the number of values.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Vec<T>,
}

/// An array of any numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Its type is `uint8`.
    Bytes(Array),
    /// Its type is another one.
    Others(Array<f64>),
}

/// The type of an array's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Element {
    kind: Kind,
    bytes: usize,
    is_big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unsigned,
    Signed,
    Float,
}

impl Array<u8> {
    /// Reads the array in `reader`, which ends after it.
    ///
    /// Its items may be integers of any size, or floats; all must be whole numbers of 0..=255.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not such an array, or if its length is not that of its
    /// header.
    pub fn read(reader: &mut impl Read) -> Result<Self, NpyError> {
        let (element, shape) = parse(&header(reader)?)?;
        Self::of(reader, element, shape, byte)
    }
}

impl Numbers {
    /// Reads the array in `reader`, which ends after it. Its items are integers of any size, or
    /// floats.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not such an array, or if its length is not that of its
    /// header.
    pub fn read(reader: &mut impl Read) -> Result<Self, NpyError> {
        let (element, shape) = parse(&header(reader)?)?;
        if (element.kind, element.bytes) == (Kind::Unsigned, 1) {
            return Array::of(reader, element, shape, byte).map(Self::Bytes);
        }
        Array::of(reader, element, shape, Ok).map(Self::Others)
    }
}

impl<T> Array<T> {
    /// Reads the values of an array of this `shape`, and converts each.
    fn of(
        reader: &mut impl Read,
        element: Element,
        shape: Vec<usize>,
        convert: impl Fn(f64) -> Result<T, String>,
    ) -> Result<Self, NpyError> {
        let count = shape.iter().try_fold(1, |product: usize, size| product.checked_mul(*size));
        let most = MAX_VALUES / size_of::<T>();
        let count = count.filter(|count| *count <= most);
        let count = count.ok_or_else(|| NpyError::Size { found: describe(&shape), most })?;
        let values = values(reader, element, count, convert)?;
        Ok(Self { shape, values })
    }

    /// Describes the shape: `60000 x 28 x 28`.
    #[must_use]
    pub fn describe(&self) -> String {
        describe(&self.shape)
    }
}

fn describe(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "one number".to_owned();
    }
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

/// Returns the text of the header.
fn header(reader: &mut impl Read) -> Result<Vec<u8>, NpyError> {
    let mut start = [0; 8];
    reader.read_exact(&mut start)?;
    let [start @ .., major, _] = start;
    if start != MAGIC {
        return Err(NpyError::Header("it does not begin with \\x93NUMPY"));
    }
    let length = match major {
        1 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length)?;
            usize::from(u16::from_le_bytes(length))
        }
        2 | 3 => {
            let mut length = [0; 4];
            reader.read_exact(&mut length)?;
            u32::from_le_bytes(length) as usize
        }
        _ => return Err(NpyError::Header("its version is not 1, 2 or 3")),
    };
    if length > MAX_HEADER_BYTES {
        return Err(NpyError::Header("it has more than 10000 bytes"));
    }
    let mut header = vec![0; length];
    reader.read_exact(&mut header)?;
    Ok(header)
}

/// Returns the items' type and the shape.
fn parse(header: &[u8]) -> Result<(Element, Vec<usize>), NpyError> {
    let text = str::from_utf8(header).map_err(|_| NpyError::Header("it is not UTF-8"))?;
    let mut rest = take(text, "{")?;
    let (mut element, mut is_by_column, mut shape) = (None, None, None);
    loop {
        rest = rest.trim_start();
        if let Some(end) = rest.strip_prefix('}') {
            rest = end;
            break;
        }
        let (key, after) = quoted(rest)?;
        rest = take(after, ":")?.trim_start();
        match key {
            "descr" => {
                let (descr, after) = quoted(rest).map_err(|_| NpyError::Type("a structure".to_owned()))?;
                (element, rest) = (Some(Element::of(descr)?), after);
            }
            "fortran_order" => {
                let names = [("False", false), ("True", true)];
                let found = names.into_iter().find_map(|(name, value)| Some((value, rest.strip_prefix(name)?)));
                let (value, after) = found.ok_or(NpyError::Header("fortran_order is neither True nor False"))?;
                (is_by_column, rest) = (Some(value), after);
            }
            "shape" => {
                let (sizes, after) = sizes(rest)?;
                (shape, rest) = (Some(sizes), after);
            }
            _ => return Err(NpyError::Header("it has an unknown key")),
        }
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    if !rest.trim().is_empty() {
        return Err(NpyError::Header("text follows after its dictionary"));
    }
    match (element, is_by_column, shape) {
        (Some(_), Some(true), Some(shape)) if shape.len() > 1 => Err(NpyError::Order),
        (Some(element), Some(_), Some(shape)) => Ok((element, shape)),
        _ => Err(NpyError::Header("descr, fortran_order or shape is missing")),
    }
}

/// Returns the text after `expected`.
fn take<'a>(text: &'a str, expected: &'static str) -> Result<&'a str, NpyError> {
    text.trim_start().strip_prefix(expected).ok_or(NpyError::Header("it is not a dictionary"))
}

/// Returns the text in quotes, and the text after it.
fn quoted(text: &str) -> Result<(&str, &str), NpyError> {
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let parts = quote.and_then(|quote| text.strip_prefix(quote)?.split_once(quote));
    parts.ok_or(NpyError::Header("a name in quotes is missing"))
}

/// Returns the sizes of a tuple, and the text after it.
fn sizes(text: &str) -> Result<(Vec<usize>, &str), NpyError> {
    let parts = text.strip_prefix('(').and_then(|text| text.split_once(')'));
    let (inner, rest) = parts.ok_or(NpyError::Header("its shape is not a tuple"))?;
    let mut sizes = Vec::new();
    for size in inner.split(',').map(str::trim).filter(|size| !size.is_empty()) {
        // Python 2 wrote long integers as `60000L`.
        let size = size.trim_end_matches('L').parse().map_err(|_| NpyError::Header("a size is not a number"))?;
        sizes.push(size);
        if sizes.len() > MAX_DIMENSIONS {
            return Err(NpyError::Header("it has more than 8 dimensions"));
        }
    }
    Ok((sizes, rest))
}

impl Element {
    /// Returns the type that NumPy writes as `|u1` or `<i4`.
    fn of(descr: &str) -> Result<Self, NpyError> {
        let unknown = || NpyError::Type(descr.chars().take(32).collect());
        let order = descr.chars().next().ok_or_else(unknown)?;
        let (kind, bytes) = match descr.get(1..).ok_or_else(unknown)? {
            "u1" | "b1" => (Kind::Unsigned, 1),
            "u2" => (Kind::Unsigned, 2),
            "u4" => (Kind::Unsigned, 4),
            "u8" => (Kind::Unsigned, 8),
            "i1" => (Kind::Signed, 1),
            "i2" => (Kind::Signed, 2),
            "i4" => (Kind::Signed, 4),
            "i8" => (Kind::Signed, 8),
            "f4" => (Kind::Float, 4),
            "f8" => (Kind::Float, 8),
            _ => return Err(unknown()),
        };
        match order {
            '<' | '|' | '=' => Ok(Self { kind, bytes, is_big_endian: false }),
            '>' => Ok(Self { kind, bytes, is_big_endian: true }),
            _ => Err(unknown()),
        }
    }

    /// Returns the number that the bytes of an item stand for; large integers are rounded.
    fn number(self, item: &[u8]) -> f64 {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(item).for_each(|(byte, item)| *byte = *item);
        if self.is_big_endian {
            bytes.iter_mut().take(item.len()).zip(item.iter().rev()).for_each(|(byte, item)| *byte = *item);
        }
        let word = u64::from_le_bytes(bytes);
        let unused = 64 - 8 * self.bytes as u32;
        match self.kind {
            Kind::Unsigned => word as f64,
            Kind::Signed => ((word << unused) as i64 >> unused) as f64,
            Kind::Float if self.bytes == 4 => f32::from_bits(word as u32).into(),
            Kind::Float => f64::from_bits(word),
        }
    }
}

/// Returns a number as a byte, or in words if it is not a whole number of 0..=255.
fn byte(number: f64) -> Result<u8, String> {
    let byte = number as u8;
    if f64::from(byte) == number { Ok(byte) } else { Err(number.to_string()) }
}

/// Reads and converts `count` items, and checks that nothing follows.
fn values<T>(
    reader: &mut impl Read,
    element: Element,
    count: usize,
    convert: impl Fn(f64) -> Result<T, String>,
) -> Result<Vec<T>, NpyError> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(io::Error::from)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    while values.len() < count {
        let items = (count - values.len()).min(CHUNK_BYTES / element.bytes);
        let chunk = chunk.get_mut(..items * element.bytes).unwrap_or_default();
        reader.read_exact(chunk)?;
        for item in chunk.chunks_exact(element.bytes) {
            let index = values.len();
            values.push(convert(element.number(item)).map_err(|item| NpyError::Item { index, item })?);
        }
    }
    let mut more = [0];
    // Also reads the checksum of a compressed file.
    if reader.read(&mut more)? > 0 { Err(NpyError::Trailing(count)) } else { Ok(values) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Builds a file with this dictionary.
    pub(crate) fn npy(dictionary: &str, items: &[u8]) -> Vec<u8> {
        let length = (dictionary.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, dictionary.as_bytes(), items].concat()
    }

    /// Builds a file of unsigned bytes.
    pub(crate) fn bytes(shape: &str, items: &[u8]) -> Vec<u8> {
        npy(&format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}   \n"), items)
    }

    fn read(file: &[u8]) -> Result<Array, NpyError> {
        Array::read(&mut &*file)
    }

    #[test]
    fn arrays_of_all_types_are_read() {
        let dictionary = |descr: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (3,)}}");
        let values = [0_u8, 7, 255];
        let wide = |bytes: fn(u8) -> Vec<u8>| values.iter().flat_map(|value| bytes(*value)).collect::<Vec<u8>>();
        for (descr, items) in [
            ("|u1", values.to_vec()),
            ("<u2", wide(|value| u16::from(value).to_le_bytes().to_vec())),
            (">u2", wide(|value| u16::from(value).to_be_bytes().to_vec())),
            ("<i8", wide(|value| i64::from(value).to_le_bytes().to_vec())),
            (">i4", wide(|value| i32::from(value).to_be_bytes().to_vec())),
            ("<f4", wide(|value| f32::from(value).to_le_bytes().to_vec())),
            (">f8", wide(|value| f64::from(value).to_be_bytes().to_vec())),
        ] {
            let array = read(&npy(&dictionary(descr), &items)).unwrap();
            assert_eq!((array.shape, array.values), (vec![3], values.to_vec()), "{descr}");
        }
        assert_eq!(read(&bytes("()", &[5])).unwrap(), Array { shape: vec![], values: vec![5] });
        assert_eq!(read(&bytes("(2L, 1L)", &[5, 6])).unwrap().describe(), "2 x 1");
        assert_eq!(read(&bytes("(0, 9)", &[])).unwrap().values, [0_u8; 0]);
    }

    #[test]
    fn numbers_of_all_types_are_read() {
        let dictionary = |descr: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,)}}");
        let read = |descr: &str, items: &[u8]| Numbers::read(&mut &*npy(&dictionary(descr), items)).unwrap();
        let others = |values: [f64; 2]| Numbers::Others(Array { shape: vec![2], values: values.to_vec() });
        assert_eq!(read("<f4", &[-0.5_f32, 1e9].map(f32::to_le_bytes).concat()), others([-0.5, 1e9]));
        assert_eq!(read(">f8", &[0.1_f64, f64::INFINITY].map(f64::to_be_bytes).concat()), others([0.1, f64::INFINITY]));
        assert_eq!(read("|i1", &[255, 7]), others([-1.0, 7.0]));
        assert_eq!(read("|u1", &[255, 7]), Numbers::Bytes(Array { shape: vec![2], values: vec![255, 7] }));
        let large = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (134217729,)}", &[]);
        let error = Numbers::read(&mut &*large).unwrap_err().to_string();
        assert!(error.contains("at most 134217728 values"), "{error}");
    }

    #[test]
    fn other_arrays_are_refused_with_the_reason() {
        let dictionary = |text: &str| npy(text, &[0; 8]);
        for (file, part) in [
            (bytes("(9,)", &[0; 8]), "cut off"),
            (bytes("(7,)", &[0; 8]), "bytes follow after its 7"),
            (bytes("(1073741825,)", &[]), "at most 1073741824"),
            (bytes("(4294967296, 4294967296)", &[]), "4294967296 x 4294967296"),
            (bytes("(1, 1, 1, 1, 1, 1, 1, 1, 1)", &[0]), "8 dimensions"),
            (bytes("(-1,)", &[]), "a size is not a number"),
            (bytes("7", &[]), "not a tuple"),
            (dictionary("{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1)}"), "ascontiguousarray"),
            (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", &0.5_f32.to_le_bytes()), "item 0 is 0.5"),
            (npy("{'descr': '<i2', 'fortran_order': False, 'shape': (1,)}", &[254, 255]), "item 0 is -2"),
            (dictionary("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"), "type |O"),
            (dictionary("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}"), "a structure"),
            (dictionary("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}"), "neither True nor False"),
            (dictionary("{'descr': '<f8', 'shape': (1,)}"), "is missing"),
            (dictionary("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x"), "text follows"),
            (dictionary("{'other': 1}"), "unknown key"),
            (dictionary("[[[[[["), "not a dictionary"),
            (b"\x93NUMPY\x09\0\0\0".to_vec(), "version"),
            (b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(), "more than 10000"),
            (b"PK\x03\x04aaaaaaa".to_vec(), "does not begin"),
            (b"\x93NUM".to_vec(), "cut off"),
        ] {
            let error = read(&file).unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
