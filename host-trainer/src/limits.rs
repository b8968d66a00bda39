//! Largest sizes of files that several parts read or write.

/// Bytes that a model's weights may take, padding included: nothing larger fits a microcontroller.
pub const MAX_WEIGHT_BYTES: usize = 64 << 20;

/// Bytes that a model may have: in another order weights may take a little more.
pub const MAX_MODEL_BYTES: u64 = 128 << 20;

/// Bytes of the shortest header of a safetensors file, `{}`.
pub const MIN_HEADER_BYTES: u64 = 2;

/// Bytes of the longest header of a safetensors file that is read: names and shapes of tens of
/// thousands of tensors.
pub const MAX_HEADER_BYTES: u64 = 8 << 20;

/// Bytes of the largest safetensors file that is imported: the largest model in `f64` with an
/// optimizer's state takes less.
pub const MAX_TENSOR_FILE_BYTES: u64 = 1 << 30;

/// Bytes of the longest name of a tensor, which is printed.
pub const MAX_TENSOR_NAME_BYTES: usize = 1024;

/// Dimensions of a tensor, which are printed.
pub const MAX_TENSOR_DIMENSIONS: usize = 32;
