//! Reading a `model.bin`.

use std::io;
use std::path::{Path, PathBuf};

use shared_model::{BlobError, HostWorkspace, Model, SelfTestError, self_test};
use thiserror::Error;

use crate::limits::MAX_MODEL_BYTES;
use crate::run::{RunFile, RunFolder};
use crate::support::bounded;

/// Why a file cannot be used as a model.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file cannot be read.
    #[error("cannot read model {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is not a model.
    #[error("cannot use {path}; name a model that train or import has written, or the folder of its run")]
    Blob {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BlobError,
    },
    /// The model gives other answers here than where it was made.
    #[error("the model fails its self-test")]
    SelfTest(#[from] SelfTestError),
}

/// The model that `path` names: itself, or where it is a folder, the model of the run that the
/// folder records.
pub fn resolve(path: &Path) -> PathBuf {
    if path.is_dir() { RunFolder::at(path.to_owned()).file(RunFile::Model) } else { path.to_owned() }
}

/// The bytes of a model file; [`load`] says whether they are a model.
///
/// # Errors
///
/// Where the file cannot be read, or is larger than a model.
pub fn read(path: &Path) -> Result<Vec<u8>, ModelFileError> {
    bounded::read(path, MAX_MODEL_BYTES).map_err(|source| ModelFileError::Read { path: path.to_owned(), source })
}

/// The model that `bytes`, read from `path`, are. As on a device, one that cannot repeat its own
/// answers is not used.
///
/// # Errors
///
/// Where they are none, or the model fails its self-test.
pub fn load<'a>(path: &Path, bytes: &'a [u8]) -> Result<Model<'a>, ModelFileError> {
    let blob = |source| ModelFileError::Blob { path: path.to_owned(), source };
    let view = Model::parse(bytes).map_err(blob)?;
    self_test(&view, &mut HostWorkspace::new())?;
    Ok(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_means_its_model() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(resolve(folder.path()), folder.path().join("model.bin"));
        let absent = folder.path().join("absent");
        assert_eq!(resolve(&absent), absent);
    }
}
