//! Reads a safetensors file: names, shapes, numbers. Sizes are bounded; no bytes cause a panic.

use std::io::{self, Read};
use std::path::Path;

use burn::tensor::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::error::TensorFileError;
use super::name::natural_key;
use crate::limits::{MAX_TENSOR_DIMENSIONS, MAX_TENSOR_FILE_BYTES, MAX_TENSOR_NAME_BYTES};
use crate::support::bounded;
use crate::support::tensor_header::check_header;

/// A file that has been read, but not parsed.
#[derive(Debug)]
pub struct TensorFile {
    bytes: Vec<u8>,
}

/// A tensor of a file.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    pub name: String,
    pub shape: Vec<usize>,
    view: TensorView<'a>,
}

impl TensorFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, TensorFileError> {
        // Checks the header's length first, to refuse other large files without reading them.
        let mut start = Vec::new();
        bounded::open(path)?.take(8).read_to_end(&mut start)?;
        check_header(&start)?;
        let bytes = bounded::read(path, MAX_TENSOR_FILE_BYTES).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => TensorFileError::Large,
            _ => TensorFileError::Read(error),
        })?;
        Ok(Self { bytes })
    }

    /// Returns all tensors, sorted by name with numbers by value.
    pub fn tensors(&self) -> Result<Vec<Tensor<'_>>, TensorFileError> {
        let file = SafeTensors::deserialize(&self.bytes)?;
        let tensors = file.tensors().into_iter();
        let mut tensors: Vec<_> =
            tensors.map(|(name, view)| Tensor { name, shape: view.shape().to_vec(), view }).collect();
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

impl From<io::Error> for TensorFileError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl Tensor<'_> {
    /// Returns the data type given in the file.
    pub fn data_type(&self) -> Dtype {
        self.view.dtype()
    }

    /// Returns the numbers in row-major order, or `None` if they are not floating-point numbers of
    /// 16, 32 or 64 bits.
    pub fn numbers(&self) -> Option<Vec<f32>> {
        fn each<const BYTES: usize>(data: &[u8], number: impl Fn([u8; BYTES]) -> f32) -> Vec<f32> {
            data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
        }
        let data = self.view.data();
        match self.view.dtype() {
            Dtype::F16 => Some(each(data, |bytes| f16::from_le_bytes(bytes).to_f32())),
            Dtype::BF16 => Some(each(data, |bytes| bf16::from_le_bytes(bytes).to_f32())),
            Dtype::F32 => Some(each(data, f32::from_le_bytes)),
            Dtype::F64 => Some(each(data, |bytes| f64::from_le_bytes(bytes) as f32)),
            _ => None,
        }
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::support::damage::damaged;

    /// Builds a file of tensors: name, type, shape, data.
    pub fn file(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> TensorFile {
        let views = tensors
            .iter()
            .map(|(name, data_type, shape, data)| (*name, TensorView::new(*data_type, shape.to_vec(), data).unwrap()));
        TensorFile { bytes: safetensors::serialize(views, None).unwrap() }
    }

    fn two_tensors() -> TensorFile {
        file(&[("a.weight", Dtype::F32, &[1, 2], &[0; 8]), ("a.bias", Dtype::F64, &[1], &[0; 8])])
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
    fn every_prefix_is_refused() {
        let TensorFile { bytes } = file(&[("a", Dtype::F32, &[2], &[0; 8])]);
        for length in 0..bytes.len() {
            TensorFile { bytes: bytes[..length].to_vec() }.tensors().expect_err("cut off");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_file_gives_tensors_or_an_error(bytes in damaged(two_tensors().bytes)) {
            if let Ok(tensors) = (TensorFile { bytes }).tensors() {
                for tensor in tensors {
                    let numbers = tensor.shape.iter().product::<usize>();
                    prop_assert!(tensor.numbers().is_none_or(|found| found.len() == numbers));
                }
            }
        }
    }
}
