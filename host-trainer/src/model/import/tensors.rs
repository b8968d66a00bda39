//! Named tensors: names, shapes, numbers; and the reader of safetensors. Sizes are bounded; no
//! bytes cause a panic.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use burn::tensor::{bf16, f16};
use networks::Array;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde_json::Value;

use super::error::{ImportError, TensorFileError};
use super::name::{Convention, natural_key};
use crate::limits::{MAX_TENSOR_DIMENSIONS, MAX_TENSOR_FILE_BYTES, MAX_TENSOR_NAME_BYTES};
use crate::support::bounded;
use crate::support::tensor_header::check_header;

/// A file that has been read.
#[derive(Debug)]
pub enum TensorFile {
    /// A safetensors file, not parsed.
    Safetensors(Vec<u8>),
    /// The tensors of another file.
    Decoded(Vec<Tensor<'static>>),
}

/// A tensor of a file, or one computed from several.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    pub name: String,
    pub shape: Vec<usize>,
    data_type: Dtype,
    data: Cow<'a, [u8]>,
}

/// Tensors by their names.
pub type ByName<'a> = HashMap<&'a str, &'a Tensor<'a>>;

/// Returns `tensors` by their names.
pub fn by_name<'a>(tensors: &'a [Tensor<'a>]) -> ByName<'a> {
    tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect()
}

impl TensorFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, TensorFileError> {
        let bytes = bounded::read(path, MAX_TENSOR_FILE_BYTES).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => TensorFileError::Large,
            _ => TensorFileError::Read(error),
        })?;
        check_header(&bytes)?;
        Ok(Self::Safetensors(bytes))
    }

    /// Returns all tensors, sorted by name with numbers by value. A layer that is used several
    /// times is stored once; its other names are in the metadata.
    pub fn tensors(&self) -> Result<Vec<Tensor<'_>>, TensorFileError> {
        let mut tensors = match self {
            Self::Safetensors(bytes) => parse(bytes)?,
            Self::Decoded(tensors) => tensors.clone(),
        };
        if tensors.is_empty() {
            return Err(TensorFileError::Empty);
        }
        let is_odd = |tensor: &&Tensor<'_>| {
            tensor.name.len() > MAX_TENSOR_NAME_BYTES || tensor.shape.len() > MAX_TENSOR_DIMENSIONS
        };
        if let Some(Tensor { name, shape, .. }) = tensors.iter().find(is_odd) {
            return Err(TensorFileError::Tensor { name_bytes: name.len(), dimensions: shape.len() });
        }
        tensors.sort_by_cached_key(|tensor| natural_key(&tensor.name));
        Ok(tensors)
    }
}

/// Parses a safetensors file.
fn parse(bytes: &[u8]) -> Result<Vec<Tensor<'_>>, TensorFileError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| describe(bytes, error))?;
    let file = SafeTensors::deserialize(bytes)?;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        tensors.push(Tensor { name, shape: view.shape().to_vec(), data_type: view.dtype(), data: view.data().into() });
    }
    if let Some(metadata) = header.metadata() {
        add_aliases(&mut tensors, metadata)?;
    }
    Ok(tensors)
}

/// Names the entry of the metadata that is not text, if that is the error.
fn describe(file: &[u8], error: SafeTensorError) -> TensorFileError {
    let header = file.get(8..).unwrap_or_default();
    let length = file.first_chunk().copied().map_or(0, u64::from_le_bytes);
    let header = usize::try_from(length).ok().and_then(|length| header.get(..length)).unwrap_or_default();
    let header: BTreeMap<String, Value> = serde_json::from_slice(header).unwrap_or_default();
    match header.get("__metadata__") {
        Some(Value::Object(metadata)) => match metadata.iter().find(|(_, value)| !value.is_string()) {
            Some((key, value)) => TensorFileError::Metadata { entry: format!("{key:?}: {value}") },
            None => error.into(),
        },
        Some(other) if !other.is_null() => TensorFileError::Metadata { entry: other.to_string() },
        _ => error.into(),
    }
}

/// Adds the tensors that `metadata` names as the same as one in the file, like
/// `safetensors.torch.save_model` writes it.
fn add_aliases(tensors: &mut Vec<Tensor<'_>>, metadata: &HashMap<String, String>) -> Result<(), TensorFileError> {
    let by_name: HashMap<_, _> = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let is_weight = |name: &str| Convention::of(name).is_some();
    let mut added = Vec::new();
    for (alias, name) in metadata.iter().filter(|(alias, _)| !by_name.contains_key(alias.as_str())) {
        match by_name.get(name.as_str()) {
            Some(&tensor) => added.push(Tensor { name: alias.clone(), ..tensor.clone() }),
            None if is_weight(alias) && is_weight(name) => {
                return Err(TensorFileError::Alias { alias: alias.clone(), name: name.clone() });
            }
            None => {}
        }
    }
    tensors.append(&mut added);
    Ok(())
}

impl From<io::Error> for TensorFileError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl Tensor<'_> {
    /// Creates a tensor from numbers in row-major order.
    pub fn computed(name: String, shape: Vec<usize>, numbers: impl IntoIterator<Item = f64>) -> Self {
        let data: Vec<u8> = numbers.into_iter().flat_map(|number| (number as f32).to_le_bytes()).collect();
        Self { name, shape, data_type: Dtype::F32, data: data.into() }
    }

    /// Creates a tensor of a file.
    pub fn stored(name: String, Array { sizes, data_type, bytes }: Array) -> Self {
        Self { name, shape: sizes, data_type, data: bytes.into() }
    }

    /// Returns the data type given in the file.
    pub fn data_type(&self) -> Dtype {
        self.data_type
    }

    /// Returns the numbers in row-major order, or `None` if they are not floating-point numbers of
    /// 16, 32 or 64 bits.
    pub fn numbers(&self) -> Option<Vec<f32>> {
        fn each<const BYTES: usize>(data: &[u8], number: impl Fn([u8; BYTES]) -> f32) -> Vec<f32> {
            data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
        }
        let data = &self.data;
        match self.data_type {
            Dtype::F16 => Some(each(data, |bytes| f16::from_le_bytes(bytes).to_f32())),
            Dtype::BF16 => Some(each(data, |bytes| bf16::from_le_bytes(bytes).to_f32())),
            Dtype::F32 => Some(each(data, f32::from_le_bytes)),
            Dtype::F64 => Some(each(data, |bytes| f64::from_le_bytes(bytes) as f32)),
            _ => None,
        }
    }

    /// Like [`numbers`](Self::numbers), but all are finite.
    pub fn checked_numbers(&self) -> Result<Vec<f32>, ImportError> {
        let name = || self.name.clone();
        let numbers = self.numbers();
        let numbers = numbers.ok_or_else(|| ImportError::DataType { name: name(), data_type: self.data_type })?;
        match numbers.iter().enumerate().find(|(_, number)| !number.is_finite()) {
            Some((position, &value)) => Err(ImportError::NotFinite { name: name(), position, value }),
            None => Ok(numbers),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;
    use safetensors::tensor::TensorView;

    use super::*;
    use crate::support::damage::damaged;

    impl TensorFile {
        /// Returns a file of `bytes`.
        pub fn of(bytes: Vec<u8>) -> Self {
            Self::Safetensors(bytes)
        }
    }

    /// Builds a file of tensors: name, type, shape, data.
    pub fn file(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> TensorFile {
        file_with(tensors, &[])
    }

    /// Builds a file of tensors and metadata.
    pub fn file_with(tensors: &[(&str, Dtype, &[usize], &[u8])], metadata: &[(&str, &str)]) -> TensorFile {
        let views = tensors
            .iter()
            .map(|(name, data_type, shape, data)| (*name, TensorView::new(*data_type, shape.to_vec(), data).unwrap()));
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        TensorFile::Safetensors(safetensors::serialize(views, Some(metadata)).unwrap())
    }

    fn two_tensors() -> Vec<u8> {
        let file = file(&[("a.weight", Dtype::F32, &[1, 2], &[0; 8]), ("a.bias", Dtype::F64, &[1], &[0; 8])]);
        if let TensorFile::Safetensors(bytes) = file { bytes } else { Vec::new() }
    }

    #[test]
    fn numbers_of_four_types_are_read_as_f32() {
        let values = [1.5_f32, -0.25];
        let file = file(&[
            ("f64", Dtype::F64, &[2], &values.map(|value| f64::from(value).to_le_bytes()).concat()),
            ("f32", Dtype::F32, &[2], &values.map(f32::to_le_bytes).concat()),
            ("bf16", Dtype::BF16, &[2], &[0xc0, 0x3f, 0x80, 0xbe]),
            ("f16", Dtype::F16, &[2], &[0x00, 0x3e, 0x00, 0xb4]),
            ("i16", Dtype::I16, &[2], &[1, 0, 2, 0]),
        ]);
        let tensors = file.tensors().unwrap();
        let names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["bf16", "f16", "f32", "f64", "i16"]);
        for tensor in tensors {
            let expected = (tensor.name != "i16").then(|| values.to_vec());
            assert_eq!((tensor.numbers(), tensor.shape), (expected, vec![2]), "{}", tensor.name);
        }
    }

    #[test]
    fn other_names_of_a_tensor_are_followed() {
        let tensor: &[(&str, Dtype, &[usize], &[u8])] = &[("a.weight", Dtype::F32, &[1, 1], &[0, 0, 128, 63])];
        let file = file_with(tensor, &[("b.weight", "a.weight"), ("format", "pt")]);
        let tensors = file.tensors().unwrap();
        let found: Vec<_> = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.numbers().unwrap())).collect();
        assert_eq!(found, [("a.weight", vec![1.0]), ("b.weight", vec![1.0])]);
        let file = file_with(tensor, &[("b.weight", "c.weight")]);
        assert!(file.tensors().unwrap_err().to_string().contains("b.weight is c.weight, which the file does not have"));
    }

    #[test]
    fn metadata_that_is_not_text_is_named() {
        let header = br#"{"__metadata__":{"a":"b","epoch":5}}"#;
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header].concat();
        let error = TensorFile::Safetensors(bytes).tensors().unwrap_err().to_string();
        assert!(error.contains(r#"__metadata__ has "epoch": 5; expected text"#), "{error}");
    }

    #[test]
    fn every_prefix_is_refused() {
        let TensorFile::Safetensors(bytes) = file(&[("a", Dtype::F32, &[2], &[0; 8])]) else { return };
        for length in 0..bytes.len() {
            TensorFile::Safetensors(bytes[..length].to_vec()).tensors().expect_err("cut off");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_file_gives_tensors_or_an_error(bytes in damaged(two_tensors())) {
            if let Ok(tensors) = TensorFile::Safetensors(bytes).tensors() {
                for tensor in tensors {
                    let numbers = tensor.shape.iter().product::<usize>();
                    prop_assert!(tensor.numbers().is_none_or(|found| found.len() == numbers));
                }
            }
        }
    }
}
