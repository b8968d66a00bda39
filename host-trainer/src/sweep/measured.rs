use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::run::MAX_RECORD_BYTES;
use crate::support::bounded;

/// The cost of a model on devices; `None` if it was not measured, or if the model does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Measured {
    /// Instructions for an image on a Cortex-M4, the mean.
    pub instructions_m4: Option<u64>,
    /// The same, the largest.
    pub instructions_m4_max: Option<u64>,
    /// Means on other cores. On the Cortex-M55 the weights are in vectors.
    pub instructions_m3: Option<u64>,
    pub instructions_m0: Option<u64>,
    pub instructions_m55: Option<u64>,
    /// Estimated cycles for an image on a Cortex-M4 without wait states, the mean.
    #[serde(default)]
    pub cycles_m4: Option<u64>,
    /// RAM for inference, stack included.
    pub ram_bytes: Option<u64>,
    #[serde(default)]
    pub class_only: ClassOnly,
}

/// Mean instructions for an image without softmax; `None` as in [`Measured`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ClassOnly {
    pub instructions_m4: Option<u64>,
    pub instructions_m3: Option<u64>,
    pub instructions_m0: Option<u64>,
    pub instructions_m55: Option<u64>,
}

/// Unusable measurements.
#[derive(Debug, Error)]
pub enum MeasuredError {
    #[error("cannot read {path}; cargo xtask frontier writes it")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not an object from model ids to measurements; cargo xtask frontier writes one")]
    Content { path: PathBuf, source: serde_json::Error },
}

impl Measured {
    /// Reads the measurements in the file at `path`, by model id.
    pub fn read(path: &Path) -> Result<HashMap<String, Self>, MeasuredError> {
        let bytes = bounded::read(path, MAX_RECORD_BYTES)
            .map_err(|source| MeasuredError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&bytes).map_err(|source| MeasuredError::Content { path: path.to_owned(), source })
    }

    /// Returns the cost without softmax. The largest count and the cycles become `None`: they are
    /// measured only with it.
    pub fn without_softmax(self) -> Self {
        let ClassOnly { instructions_m4, instructions_m3, instructions_m0, instructions_m55 } = self.class_only;
        let ram_bytes = self.ram_bytes;
        Self { instructions_m4, instructions_m3, instructions_m0, instructions_m55, ram_bytes, ..Self::default() }
    }
}
