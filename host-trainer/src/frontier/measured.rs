//! What devices take for a model, as `cargo xtask frontier` has measured it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::run::MAX_RECORD_BYTES;
use crate::support::bounded;

/// What devices take for a model; nothing where that was not measured, or does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Measured {
    /// Instructions of a picture on a Cortex-M4, the mean.
    pub instructions_m4: Option<u64>,
    /// Instructions of a picture on a Cortex-M0, the mean.
    pub instructions_m0: Option<u64>,
    /// RAM that inference takes, stack included.
    pub ram_bytes: Option<u64>,
}

/// Why there are no measurements.
#[derive(Debug, Error)]
pub enum MeasuredError {
    /// The file cannot be read.
    #[error("cannot read {path}; cargo xtask frontier writes it")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{path} is no object from model ids to what they take; cargo xtask frontier writes one")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Measured {
    /// The measurements in the file at `path`, by model id.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<HashMap<String, Self>, MeasuredError> {
        let bytes = bounded::read(path, MAX_RECORD_BYTES)
            .map_err(|source| MeasuredError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&bytes).map_err(|source| MeasuredError::Content { path: path.to_owned(), source })
    }
}
