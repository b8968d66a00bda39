//! The wire format of protocol buffers: numbered fields, read one at a time.

use thiserror::Error;

/// Why bytes are not fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an ONNX file, or a damaged one: a field ends after the end of the bytes, or has an unknown type")]
pub struct WireError;

/// A field's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    Varint(u64),
    Bits32(u32),
    Bits64(u64),
    /// Text, a message, or several numbers.
    Bytes(&'a [u8]),
}

impl<'a> Content<'a> {
    /// Returns the bytes, empty for a number.
    pub fn bytes(self) -> &'a [u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }

    /// Returns the text, empty if it is not UTF-8.
    pub fn text(self) -> &'a str {
        str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// Returns the integer; 0 for other content.
    pub fn integer(self) -> i64 {
        if let Self::Varint(value) = self { value.cast_signed() } else { 0 }
    }

    /// Adds the integers of a field that may have one or several.
    pub fn add_integers(self, to: &mut Vec<i64>) -> Result<(), WireError> {
        match self {
            Self::Bytes(mut rest) => {
                while !rest.is_empty() {
                    to.push(varint(&mut rest)?.cast_signed());
                }
            }
            other => to.push(other.integer()),
        }
        Ok(())
    }

    /// Adds the numbers of a field that may have one or several.
    pub fn add_floats(self, to: &mut Vec<f32>) {
        match self {
            Self::Bits32(bits) => to.push(f32::from_bits(bits)),
            other => to.extend(other.bytes().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))),
        }
    }
}

/// The fields of a message, in the order of the file.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<(u64, Content<'a>), WireError> {
        let tag = varint(&mut self.rest)?;
        let content = match tag & 7 {
            0 => Content::Varint(varint(&mut self.rest)?),
            1 => Content::Bits64(u64::from_le_bytes(self.take()?)),
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).map_err(|_| WireError)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(WireError)?;
                self.rest = rest;
                Content::Bytes(bytes)
            }
            5 => Content::Bits32(u32::from_le_bytes(self.take()?)),
            _ => return Err(WireError),
        };
        Ok((tag >> 3, content))
    }

    fn take<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], WireError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(WireError)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Content<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Reads a number of seven bits a byte.
fn varint(bytes: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(WireError)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError)
}
