//! Size limits of files that several modules read or write.

pub use networks::limits::{MAX_GRAPH_FILE_BYTES, MAX_TENSOR_FILE_BYTES, MAX_TENSOR_NAME_BYTES, MAX_WEIGHT_BYTES};

/// Largest size of a model. Weights in another order may take a little more.
pub const MAX_MODEL_BYTES: u64 = 128 << 20;

/// Length of the shortest safetensors header, `{}`.
pub const MIN_HEADER_BYTES: u64 = 2;

/// Longest safetensors header that is read: names and shapes of tens of thousands of tensors.
pub const MAX_HEADER_BYTES: u64 = 8 << 20;

/// Most dimensions of a tensor. Dimensions are printed.
pub const MAX_TENSOR_DIMENSIONS: usize = 32;
