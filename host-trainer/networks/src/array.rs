use safetensors::Dtype;

/// An array of a file, in little-endian bytes.
#[derive(Clone, Debug)]
pub struct Array {
    /// The sizes of its dimensions.
    pub sizes: Vec<usize>,
    /// The type of its numbers.
    pub data_type: Dtype,
    /// Its numbers, row-major.
    pub bytes: Vec<u8>,
}
