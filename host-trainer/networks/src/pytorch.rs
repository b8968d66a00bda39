//! Reads the tensors of a PyTorch file. Pickles are data here: no code of a file is run.

use std::io::{BufReader, Read as _};
use std::path::Path;

use pytorch_reader::{DType, PytorchReader};
use readers::archive;
use safetensors::Dtype;
use thiserror::Error;

use crate::Array;
use crate::limits::MAX_TENSOR_FILE_BYTES;
use host_support::bounded;

/// Most tensors of a file.
const MAX_TENSORS: usize = 100_000;

/// Why a PyTorch file cannot be read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "messages describe the variants")]
pub enum PyTorchError {
    #[error("cannot read the file")]
    Read(#[from] std::io::Error),
    #[error("more than {MAX_TENSOR_FILE_BYTES} bytes; save the weights alone, without the optimizer")]
    Large,
    #[error(
        "not a PyTorch file that can be read, or a damaged one: {0}; save the weights with \
         torch.save(network.state_dict(), FILE)"
    )]
    Damaged(String),
}

/// Returns the names and tensors of the file at `path`.
///
/// # Errors
///
/// Returns an error if the file is damaged or too large.
pub fn read(path: &Path) -> Result<Vec<(String, Array)>, PyTorchError> {
    let mut file = bounded::open(path)?;
    if file.metadata()?.len() > MAX_TENSOR_FILE_BYTES {
        return Err(PyTorchError::Large);
    }
    // A message has the word once.
    let damaged = |error: &dyn std::fmt::Display| PyTorchError::Damaged(error.to_string().replace(" error: ", ": "));
    let mut start = [0; 2];
    if file.read_exact(&mut start).is_ok() && start == *b"PK" {
        // The reader below takes lists of entries of any length.
        archive::open(BufReader::new(file)).map_err(|error| damaged(&error))?;
    }
    let reader = PytorchReader::new(path).map_err(|error| damaged(&error))?;
    // A tensor may be a view that repeats the numbers of a small one.
    let bytes = reader.tensors().values().map(|tensor| tensor.byte_len() as u64).fold(0, u64::saturating_add);
    if bytes > MAX_TENSOR_FILE_BYTES || reader.len() > MAX_TENSORS {
        return Err(PyTorchError::Large);
    }
    let mut tensors = Vec::with_capacity(reader.len());
    for (name, tensor) in reader.into_tensors() {
        let bytes = tensor.read().map_err(|error| damaged(&error))?;
        let data_type = data_type(tensor.dtype());
        tensors.push((name, Array { sizes: tensor.shape().to_vec(), data_type, bytes }));
    }
    Ok(tensors)
}

/// Reads the file at `path`, for fuzzing: any bytes give tensors or an error.
///
/// # Panics
///
/// Panics if the numbers of a tensor are not those of its sizes.
pub fn check(path: &Path) {
    for (name, Array { sizes, data_type, bytes }) in read(path).unwrap_or_default() {
        assert_eq!(sizes.iter().product::<usize>() * data_type.bitsize() / 8, bytes.len(), "{name}");
    }
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
