//! The page of `cargo xtask playground`, with the model of a run in it.

use std::io;
use std::path::{Path, PathBuf};

use host_support::playground::{NoPlayground, with_model};
use thiserror::Error;

use super::run::Run;
use crate::data::Framing;
use crate::support::bounded;

/// Longest page, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// Why a run has no playground.
#[derive(Debug, Error)]
pub enum PlaygroundError {
    #[error("cannot read the playground {path}; `cargo xtask playground --out {path}` writes it")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot use {path}: {reason}")]
    Other { path: PathBuf, reason: NoPlayground },
    #[error("{folder} has no usable model.bin for a playground; train it again, or leave out --playground")]
    NoModel { folder: PathBuf },
}

/// Returns the page at `path` with the model of `run` and the form of its images.
///
/// # Errors
///
/// Returns an error if the page cannot be used, or the run has no model.
pub fn playground(path: &Path, run: &Run) -> Result<String, PlaygroundError> {
    let page = bounded::read(path, MAX_BYTES).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    let page = page.map_err(|source| PlaygroundError::Read { path: path.to_owned(), source })?;
    let model = run.model.as_ref().ok_or_else(|| PlaygroundError::NoModel { folder: run.folder.clone() })?;
    let data = run.configuration.as_ref().and_then(|configuration| configuration.data.as_ref());
    let framing = data.map(|data| match data.framing {
        Framing::Whole => Vec::new(),
        Framing::Subject => data.form.numbers().to_vec(),
    });
    let other = |reason| PlaygroundError::Other { path: path.to_owned(), reason };
    with_model(&page, model, framing.as_deref()).map_err(other)
}
