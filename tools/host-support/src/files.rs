//! Writing files whole or not at all.

use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};
use thiserror::Error;

/// The reason why a file cannot be written.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages describe the variants and their fields")]
pub enum WriteError {
    #[error("cannot write {path}: folder {folder} does not exist; create it, or name another place")]
    NoFolder { path: PathBuf, folder: PathBuf },
    #[error("cannot write {path}: it exists and is not a file; name another place")]
    NotAFile { path: PathBuf },
    #[error("cannot write {path}: that is the name of a folder; add the name of a file")]
    NoFileName { path: PathBuf },
    #[error("cannot create folder {path}; name another place")]
    CreateFolder { path: PathBuf, source: io::Error },
    #[error("cannot write {path}; is its folder writable, and is there room on the disk?")]
    Write { path: PathBuf, source: io::Error },
}

impl WriteError {
    /// Returns [`WriteError::Write`].
    pub fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }
}

/// Writes `bytes` to `path`. Readers see the old content or the new one, never a part.
///
/// # Errors
///
/// Returns [`WriteError`] if the file cannot be written; the old content stays.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    persist(stage(path, bytes)?, path)
}

/// Copies a file. Readers of `to` see the old content or the new one, never a part.
///
/// # Errors
///
/// Returns [`WriteError`] if `from` cannot be read or `to` cannot be written; the old content
/// stays.
pub fn copy(from: &Path, to: &Path) -> Result<(), WriteError> {
    let mut file = temporary(to)?;
    let copied = File::open(from).and_then(|mut from| io::copy(&mut from, file.as_file_mut()));
    copied.map_err(|source| WriteError::write(to, source))?;
    persist(file, to)
}

/// Writes `bytes` to a temporary file next to `path` and flushes it to the disk.
///
/// # Errors
///
/// Returns [`WriteError`] if the file cannot be written.
pub fn stage(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, WriteError> {
    let mut file = temporary(path)?;
    // Without the flush a power cut could leave the new name on old, empty blocks.
    let written = file.write_all(bytes).and_then(|()| file.as_file().sync_all());
    written.map_err(|source| WriteError::write(path, source))?;
    Ok(file)
}

/// Gives a temporary file its name.
///
/// # Errors
///
/// Returns [`WriteError`] if it cannot be renamed; the old content stays.
pub fn persist(file: NamedTempFile, path: &Path) -> Result<(), WriteError> {
    file.persist(path).map(drop).map_err(|error| WriteError::write(path, error.error))
}

/// Creates an empty temporary file next to `path`, which is removed unless it is persisted.
///
/// # Errors
///
/// Returns [`WriteError`] if `path` cannot be the name of a file there.
pub fn temporary(path: &Path) -> Result<NamedTempFile, WriteError> {
    // Renaming a file onto a device such as /dev/null would replace the device.
    if fs::metadata(path).as_ref().is_ok_and(|found| !Metadata::is_file(found)) || is_device_path(path) {
        return Err(WriteError::NotAFile { path: path.to_owned() });
    }
    // `file_name` ignores a separator or a dot at the end.
    let whole = path.as_os_str().as_encoded_bytes();
    if !path.file_name().is_some_and(|name| whole.ends_with(name.as_encoded_bytes())) {
        return Err(WriteError::NoFileName { path: path.to_owned() });
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(WriteError::NoFolder { path: path.to_owned(), folder: folder.to_owned() });
    }
    let mut builder = Builder::new();
    builder.prefix(".prenda-");
    #[cfg(unix)]
    {
        // The default of temporary files, readable by the owner alone, is wrong for results.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder).map_err(|source| WriteError::write(path, source))
}

/// Returns the folder that contains `path`.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns true if a path names a device, or links to one: /dev/stdout may lead to a plain file.
fn is_device_path(path: &Path) -> bool {
    let is_device =
        |path: &Path| path.starts_with("/proc") || path.starts_with("/dev") && !path.starts_with("/dev/shm");
    is_device(path) || fs::read_link(path).is_ok_and(|target| is_device(&target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_is_written_and_copied_whole_over_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        write(&from, b"new").unwrap();
        write(&to, b"old and longer").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert_eq!(count(folder.path()), 2);
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to, absent] = ["from", "to", "absent"].map(|name| folder.path().join(name));
        write(&from, b"new").unwrap();
        fs::create_dir(&to).unwrap();
        assert!(matches!(copy(&from, &to), Err(WriteError::NotAFile { .. })));
        assert!(matches!(copy(&absent, &from), Err(WriteError::Write { .. })));
        assert_eq!((fs::read(&from).unwrap(), count(folder.path())), (b"new".to_vec(), 2));
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_sockets_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/proc/self/fd/1", &link).unwrap();
        for path in [&socket, folder.path(), &link, Path::new("/dev/stdout")] {
            assert!(matches!(temporary(path), Err(WriteError::NotAFile { .. })), "{path:?}");
        }
        assert!(temporary(&folder.path().join("new")).is_ok());
    }
}
