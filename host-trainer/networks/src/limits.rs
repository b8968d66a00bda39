//! Size limits of files and networks.

/// Largest total size of a model's weights, padding included: more than any microcontroller has.
pub const MAX_WEIGHT_BYTES: usize = 64 << 20;

/// Largest safetensors or PyTorch file that is imported. The largest model in `f64`, with an
/// optimizer's state, is smaller.
pub const MAX_TENSOR_FILE_BYTES: u64 = 1 << 30;

/// Largest file of a network with its operators that is imported: the largest weights in `f32`.
pub const MAX_GRAPH_FILE_BYTES: u64 = 4 * MAX_WEIGHT_BYTES as u64 + (16 << 20);

/// Longest tensor name in bytes. Names are printed.
pub const MAX_TENSOR_NAME_BYTES: usize = 1024;
