//! Reads a `model.bin`.

use std::io;
use std::path::{Path, PathBuf};

use prenda::{BlobError, HostWorkspace, Model, SelfTestError, blob_length, self_test};
use thiserror::Error;

use crate::limits::MAX_MODEL_BYTES;
use crate::run::{RunFile, RunFolder};
use crate::support::bounded;

/// Why a file cannot be used as a model.
#[derive(Debug, Error)]
pub enum ModelFileError {
    #[error("{folder} contains runs, but is not the folder of one; name one of them, for example {first}")]
    Parent { folder: PathBuf, first: PathBuf },
    #[error("cannot read model {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot use {path} as a model; name a file that train or import wrote, or the folder of its run")]
    Blob { path: PathBuf, source: BlobError },
    #[error("{path}: the model fails its self-test")]
    SelfTest { path: PathBuf, source: SelfTestError },
}

/// Returns the model's path: `path`, or if it is a folder, the model of the run in it.
pub fn resolve(path: &Path) -> PathBuf {
    if path.is_dir() { RunFolder::at(path.to_owned()).file(RunFile::Model) } else { path.to_owned() }
}

/// Reads the bytes of a model file, without a seal after them; [`load`] parses them.
pub fn read(path: &Path) -> Result<Vec<u8>, ModelFileError> {
    let bytes = bounded::read(path, MAX_MODEL_BYTES).map_err(|source| {
        let folder = path.parent().filter(|_| path.ends_with(RunFile::Model.name())).map(Path::to_owned);
        let run = folder.map(RunFolder::at).filter(|run| !run.file(RunFile::Configuration).exists());
        match run.and_then(|run| Some((run.path().to_owned(), run.runs_inside().into_iter().next()?))) {
            Some((folder, first)) => ModelFileError::Parent { folder, first },
            None => ModelFileError::Read { path: path.to_owned(), source },
        }
    })?;
    Ok(without_seal(bytes))
}

/// Removes a valid seal after a model.
fn without_seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let split = blob_length(&bytes).ok().and_then(|length| bytes.split_at_checked(length));
    if let Some((blob, trailer)) = split
        && Model::parse(blob).is_ok_and(|model| model.seal() == *trailer)
    {
        bytes.truncate(blob.len());
    }
    bytes
}

/// Parses `bytes`, read from `path`, as a model, and runs its self-test, as a device does.
pub fn load<'a>(path: &Path, bytes: &'a [u8]) -> Result<Model<'a>, ModelFileError> {
    let blob = |source| ModelFileError::Blob { path: path.to_owned(), source };
    let view = Model::parse(bytes).map_err(blob)?;
    let failed = |source| ModelFileError::SelfTest { path: path.to_owned(), source };
    self_test(&view, &mut HostWorkspace::new()).map_err(failed)?;
    Ok(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_resolves_to_its_model() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(resolve(folder.path()), folder.path().join("model.bin"));
        let absent = folder.path().join("absent");
        assert_eq!(resolve(&absent), absent);
    }
}
