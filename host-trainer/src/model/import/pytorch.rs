//! Reads the tensors of a PyTorch file. Pickles are data here: no code of a file is run.

use std::io::{BufReader, Read as _};
use std::path::Path;

use pytorch_reader::{DType, PytorchReader};
use readers::archive;
use safetensors::Dtype;

use super::error::TensorFileError;
use super::tensors::Tensor;
use crate::limits::MAX_TENSOR_FILE_BYTES;
use crate::support::bounded;

/// Most tensors of a file.
const MAX_TENSORS: usize = 100_000;

/// Returns all tensors of the file at `path`.
pub fn read(path: &Path) -> Result<Vec<Tensor<'static>>, TensorFileError> {
    let mut file = bounded::open(path)?;
    if file.metadata()?.len() > MAX_TENSOR_FILE_BYTES {
        return Err(TensorFileError::Large);
    }
    // A message has the word once.
    let damaged = |error: &dyn std::fmt::Display| TensorFileError::PyTorch(error.to_string().replace(" error: ", ": "));
    let mut start = [0; 2];
    if file.read_exact(&mut start).is_ok() && start == *b"PK" {
        // The reader below takes lists of entries of any length.
        archive::open(BufReader::new(file)).map_err(|error| damaged(&error))?;
    }
    let reader = PytorchReader::new(path).map_err(|error| damaged(&error))?;
    // A tensor may be a view that repeats the numbers of a small one.
    let bytes = reader.tensors().values().map(|tensor| tensor.byte_len() as u64).fold(0, u64::saturating_add);
    if bytes > MAX_TENSOR_FILE_BYTES || reader.len() > MAX_TENSORS {
        return Err(TensorFileError::Large);
    }
    let mut tensors = Vec::with_capacity(reader.len());
    for (name, tensor) in reader.into_tensors() {
        let bytes = tensor.read().map_err(|error| damaged(&error))?;
        tensors.push(Tensor::stored(name, tensor.shape().to_vec(), data_type(tensor.dtype()), bytes));
    }
    Ok(tensors)
}

fn data_type(data_type: DType) -> Dtype {
    match data_type {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
