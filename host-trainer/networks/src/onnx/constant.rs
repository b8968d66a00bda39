//! Constant tensors: the weights of a file, and what operators compute from them alone.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use half::{bf16, f16};

use super::error::ConstantError;
use super::message::MAX_DIMENSIONS;
use super::wire::{Content, Fields};
use crate::limits::MAX_WEIGHT_BYTES;
use host_support::bounded;

/// A constant tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    pub sizes: Vec<usize>,
    pub numbers: Numbers,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    Float(Vec<f32>),
    Integer(Vec<i64>),
}

impl Constant {
    /// Creates a vector of integers.
    pub fn integers(values: Vec<i64>) -> Self {
        Self { sizes: vec![values.len()], numbers: Numbers::Integer(values) }
    }

    pub fn len(&self) -> usize {
        match &self.numbers {
            Numbers::Float(values) => values.len(),
            Numbers::Integer(values) => values.len(),
        }
    }

    /// Returns the numbers as `f32`.
    pub fn floats(self) -> Vec<f32> {
        match self.numbers {
            Numbers::Float(values) => values,
            Numbers::Integer(values) => values.into_iter().map(|value| value as f32).collect(),
        }
    }

    /// Returns the numbers as `f64`.
    pub fn doubles(&self) -> Vec<f64> {
        match &self.numbers {
            Numbers::Float(values) => values.iter().copied().map(f64::from).collect(),
            Numbers::Integer(values) => values.iter().map(|value| *value as f64).collect(),
        }
    }

    /// Returns the numbers, if they are integers.
    pub fn as_integers(&self) -> Option<&[i64]> {
        if let Numbers::Integer(values) = &self.numbers { Some(values) } else { None }
    }

    /// Reads a tensor; `folder` is that of the file, in which other files may have its numbers.
    pub fn parse(message: &[u8], folder: Option<&Path>) -> Result<Self, ConstantError> {
        let (mut sizes, mut data_type, mut raw, mut external) = (Vec::new(), 0, None, Vec::new());
        let (mut floats, mut integers, mut doubles, mut is_external) = (Vec::new(), Vec::new(), Vec::new(), false);
        for field in Fields::new(message) {
            match field? {
                (1, content) => content.add_integers(&mut sizes)?,
                (2, content) => data_type = content.integer(),
                (4, content) => content.add_floats(&mut floats),
                (5 | 7 | 11, content) => content.add_integers(&mut integers)?,
                (9, content) => raw = Some(content.bytes()),
                (10, Content::Bytes(bytes)) => {
                    doubles.extend(bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32));
                }
                (10, Content::Bits64(bits)) => doubles.push(f64::from_bits(bits) as f32),
                (13, content) => external.push(content.bytes()),
                (14, content) => is_external = content.integer() == 1,
                _ => {}
            }
        }
        // A size of 0 must not hide large ones.
        let bound = |bound: usize, size: &i64| bound.checked_mul(usize::try_from(*size).ok()?.max(1));
        let bound = sizes.iter().try_fold(1_usize, bound);
        let bound = bound.filter(|bound| *bound <= MAX_WEIGHT_BYTES && sizes.len() <= MAX_DIMENSIONS);
        bound.ok_or_else(|| ConstantError::Sizes(sizes.iter().copied().take(MAX_DIMENSIONS).collect()))?;
        let sizes: Vec<usize> = sizes.into_iter().filter_map(|size| usize::try_from(size).ok()).collect();
        let count = sizes.iter().product();
        let stored = match is_external {
            true => Some(read_external(&external, folder, count)?),
            false => None,
        };
        let numbers = match stored.as_deref().or(raw) {
            Some(bytes) => decode(bytes, data_type)?,
            // Field 5 has half-precision numbers as their bits.
            None => match data_type {
                1 => Numbers::Float(floats),
                10 => Numbers::Float(integers.into_iter().map(|bits| f16::from_bits(bits as u16).to_f32()).collect()),
                16 => Numbers::Float(integers.into_iter().map(|bits| bf16::from_bits(bits as u16).to_f32()).collect()),
                11 => Numbers::Float(doubles),
                2..=7 | 9 | 12 | 13 => Numbers::Integer(integers),
                other => return Err(ConstantError::DataType(other)),
            },
        };
        let constant = Self { sizes, numbers };
        if constant.len() != count {
            return Err(ConstantError::Length { found: constant.len(), expected: count });
        }
        Ok(constant)
    }
}

/// Decodes little-endian numbers.
fn decode(bytes: &[u8], data_type: i64) -> Result<Numbers, ConstantError> {
    fn each<const BYTES: usize, T>(data: &[u8], number: impl Fn([u8; BYTES]) -> T) -> Result<Vec<T>, ConstantError> {
        let (chunks, rest) = data.as_chunks();
        let error = ConstantError::Length { found: data.len(), expected: chunks.len() * BYTES };
        if rest.is_empty() { Ok(chunks.iter().map(|bytes| number(*bytes)).collect()) } else { Err(error) }
    }
    Ok(match data_type {
        1 => Numbers::Float(each(bytes, f32::from_le_bytes)?),
        10 => Numbers::Float(each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32())?),
        11 => Numbers::Float(each(bytes, |bytes| f64::from_le_bytes(bytes) as f32)?),
        16 => Numbers::Float(each(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32())?),
        2 | 9 => Numbers::Integer(each(bytes, |[byte]| byte.into())?),
        3 => Numbers::Integer(each(bytes, |bytes| i8::from_le_bytes(bytes).into())?),
        4 => Numbers::Integer(each(bytes, |bytes| u16::from_le_bytes(bytes).into())?),
        5 => Numbers::Integer(each(bytes, |bytes| i16::from_le_bytes(bytes).into())?),
        6 => Numbers::Integer(each(bytes, |bytes| i32::from_le_bytes(bytes).into())?),
        7 => Numbers::Integer(each(bytes, i64::from_le_bytes)?),
        12 => Numbers::Integer(each(bytes, |bytes| u32::from_le_bytes(bytes).into())?),
        13 => Numbers::Integer(each(bytes, |bytes| u64::from_le_bytes(bytes).cast_signed())?),
        other => return Err(ConstantError::DataType(other)),
    })
}

/// Reads the bytes of `count` numbers from another file in `folder`.
fn read_external(entries: &[&[u8]], folder: Option<&Path>, count: usize) -> Result<Vec<u8>, ConstantError> {
    let (mut location, mut offset, mut length) = ("", 0, None);
    for entry in entries {
        let (mut key, mut value) = ("", "");
        for field in Fields::new(entry) {
            match field? {
                (1, content) => key = content.text(),
                (2, content) => value = content.text(),
                _ => {}
            }
        }
        let number = || value.parse::<u64>().map_err(|_| ConstantError::External(location.to_owned()));
        match key {
            "location" => location = value,
            "offset" => offset = number()?,
            "length" => length = Some(number()?),
            _ => {}
        }
    }
    let outside = || ConstantError::External(location.to_owned());
    let is_inside = Path::new(location).components().all(|part| matches!(part, Component::Normal(_)));
    let folder = folder.filter(|_| is_inside && !location.is_empty()).ok_or_else(outside)?;
    let read = |error| ConstantError::Read { location: location.to_owned(), error };
    let path = folder.join(location);
    let folder = fs::canonicalize(folder).map_err(read)?;
    // A link may lead out of the folder.
    if !fs::canonicalize(&path).map_err(read)?.starts_with(&folder) {
        return Err(outside());
    }
    let mut file = bounded::open(&path).map_err(read)?;
    file.seek(SeekFrom::Start(offset)).map_err(read)?;
    // At most eight bytes a number.
    let most = (count as u64).saturating_mul(8);
    let mut bytes = Vec::new();
    file.take(length.unwrap_or(most).min(most)).read_to_end(&mut bytes).map_err(read)?;
    Ok(bytes)
}
