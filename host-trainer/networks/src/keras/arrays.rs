//! The arrays of an HDF5 file, and the names that Keras gives to its layers.

use std::collections::BTreeMap;
use std::sync::Arc;

use hdf5_reader::group::Group;
use hdf5_reader::{Datatype, Hdf5File, OpenOptions};
use safetensors::Dtype;

use super::error::KerasError;
use crate::Array;
use crate::limits::{MAX_TENSOR_NAME_BYTES, MAX_WEIGHT_BYTES};

/// Most groups and arrays of a file.
const MAX_ENTRIES: usize = 10_000;

/// Most groups in groups.
const MAX_DEPTH: usize = 16;

/// The content of an HDF5 file.
#[derive(Debug, Default)]
pub struct Arrays {
    /// By their paths: `layers/dense/vars/0`.
    pub arrays: BTreeMap<String, Array>,
    /// The path of each group that has the attribute `name`: that of a layer.
    pub layers: BTreeMap<String, String>,
    /// The attribute `model_config`.
    pub configuration: Option<String>,
}

impl Arrays {
    /// Reads all arrays of numbers of `file`.
    pub fn read(file: Arc<[u8]>) -> Result<Self, KerasError> {
        let options = OpenOptions::default().with_max_read_bytes(MAX_WEIGHT_BYTES * 8);
        let file = Hdf5File::from_shared_bytes_with_options(file, options)?;
        let root = file.root_group()?;
        let configuration = root.attribute("model_config").and_then(|attribute| attribute.read_string()).ok();
        let mut arrays = Self { configuration, ..Self::default() };
        let mut budget = Budget { entries: MAX_ENTRIES, bytes: MAX_WEIGHT_BYTES * 8 };
        arrays.add(&root, "", MAX_DEPTH, &mut budget)?;
        Ok(arrays)
    }

    fn add(&mut self, group: &Group, path: &str, depth: usize, budget: &mut Budget) -> Result<(), KerasError> {
        // A group can be its own member.
        let depth = depth.checked_sub(1).ok_or(KerasError::Depth(MAX_DEPTH))?;
        if let Ok(name) = group.attribute("name").and_then(|attribute| attribute.read_string()) {
            self.layers.insert(name, path.to_owned());
        }
        let (groups, arrays) = group.members()?;
        let path_of = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        for array in arrays {
            let path = path_of(array.name().rsplit('/').next().unwrap_or_default());
            let data_type = match array.dtype() {
                Datatype::FloatingPoint { size: 2, .. } => Dtype::F16,
                Datatype::FloatingPoint { size: 4, .. } => Dtype::F32,
                Datatype::FloatingPoint { size: 8, .. } => Dtype::F64,
                Datatype::FixedPoint { size: 4, .. } => Dtype::I32,
                Datatype::FixedPoint { size: 8, .. } => Dtype::I64,
                // Not weights.
                _ => continue,
            };
            budget.take(array.raw_byte_len()?, &path)?;
            // A size of 0 must not hide large ones.
            let sizes: Vec<usize> = array.shape().iter().filter_map(|size| usize::try_from(*size).ok()).collect();
            let bound = sizes.iter().try_fold(1_usize, |bound, size| bound.checked_mul((*size).max(1)));
            if sizes.len() != array.ndim() || bound.is_none_or(|bound| bound > MAX_WEIGHT_BYTES) {
                return Err(KerasError::Sizes { path });
            }
            // Native bytes are little-endian on all hosts that this program supports.
            let bytes = array.read_native_bytes()?;
            self.arrays.insert(path, Array { sizes, data_type, bytes });
        }
        for group in groups {
            let path = path_of(group.name().rsplit('/').next().unwrap_or_default());
            budget.take(0, &path)?;
            self.add(&group, &path, depth, budget)?;
        }
        Ok(())
    }
}

/// Groups, arrays and bytes that may still be read.
struct Budget {
    entries: usize,
    bytes: usize,
}

impl Budget {
    fn take(&mut self, bytes: usize, path: &str) -> Result<(), KerasError> {
        let large = || KerasError::Large { entries: MAX_ENTRIES, bytes: MAX_WEIGHT_BYTES * 8 };
        self.entries = self.entries.checked_sub(1).ok_or_else(large)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(large)?;
        if path.len() > MAX_TENSOR_NAME_BYTES { Err(large()) } else { Ok(()) }
    }
}
