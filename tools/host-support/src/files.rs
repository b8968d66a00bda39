//! Writes files whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{self, Path, PathBuf};
use std::{env, iter};

use tempfile::{Builder, NamedTempFile, TempPath};
use thiserror::Error;

use crate::errors::chain;

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
    #[error("cannot write -: results are written to files only; name a file, or ./- for one that is called -")]
    Dash,
    #[error("cannot replace {path}: it is write-protected; name another place, or make it writable")]
    Protected { path: PathBuf },
    #[error("cannot replace {path}; name another place")]
    Replace { path: PathBuf, source: io::Error },
    #[error("cannot create folder {path}; name another place")]
    CreateFolder { path: PathBuf, source: io::Error },
    #[error("cannot write {path}; is its folder writable, and is there room on the disk?")]
    Write { path: PathBuf, source: io::Error },
    #[error("{reason}; the result is kept in {folder}")]
    Kept { reason: String, folder: PathBuf },
    #[error("{first}; {second}")]
    Both { first: String, second: String },
}

impl WriteError {
    /// Returns [`WriteError::Write`].
    pub fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    /// Joins the errors of two results, if there are any.
    ///
    /// # Errors
    ///
    /// Returns the error of one result, or [`WriteError::Both`].
    pub fn join(first: Result<(), Self>, second: Result<(), Self>) -> Result<(), Self> {
        match (first, second) {
            (Err(first), Err(second)) => Err(Self::Both { first: chain(&first), second: chain(&second) }),
            (first, second) => first.and(second),
        }
    }
}

/// Writes `bytes` to `path`. Readers see the old content or the new one, never a part.
///
/// # Errors
///
/// Returns [`WriteError`] if the file cannot be written; the old content stays, and the new one is
/// [kept](keep).
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    stage(path, bytes).and_then(|file| persist(file, path)).map_err(|error| keep(&[(path, bytes)], error))
}

/// Writes the content of `files`, which could not be written because of `error`, to a [new
/// folder](keep_in_folder). Returns the error with the folder's name, or `error` if no place can be
/// written to.
#[must_use]
pub fn keep(files: &[(&Path, &[u8])], error: WriteError) -> WriteError {
    match keep_in_folder(files) {
        Some(folder) => WriteError::Kept { reason: chain(&error), folder },
        None => error,
    }
}

/// Writes the content of `files` to a new folder: next to the first of them, or else in the folder
/// above, or else among temporary files. Returns the folder, or `None` if no place can be written
/// to. Of files with the same name, all but the first get their number in front of it.
#[must_use]
pub fn keep_in_folder(files: &[(&Path, &[u8])]) -> Option<PathBuf> {
    let near = files.iter().take(1).flat_map(|(path, _)| {
        iter::successors(Some(folder_of(path)), |folder| Some(folder_of(folder))).take(2).map(Path::to_owned)
    });
    let keep_in = |place: PathBuf| -> io::Result<PathBuf> {
        let folder = Builder::new().prefix("prenda-kept-").tempdir_in(place)?;
        for (index, (path, bytes)) in files.iter().enumerate() {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            if name.is_empty() || folder.path().join(&name).exists() {
                name = [OsString::from(format!("{}-", index + 1)), name].into_iter().collect();
            }
            let mut file = File::create_new(folder.path().join(name))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        Ok(folder.keep())
    };
    near.chain([env::temp_dir()]).find_map(|place| keep_in(place).ok())
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

/// Checks, as far as possible, that [`write()`] to `path` would succeed. Changes nothing.
///
/// # Errors
///
/// Returns [`WriteError`] if it would not.
pub fn check_writable(path: &Path) -> Result<(), WriteError> {
    // Folders exist in which files can be created, but neither renamed nor removed.
    temporary(path)?.close().map_err(|source| WriteError::write(path, source))
}

/// Creates an empty temporary file next to `path`, which is removed unless it is persisted. It has
/// the permissions of the file that it is to replace, if there is one.
///
/// # Errors
///
/// Returns [`WriteError`] if `path` cannot be the name of a file there, or names a file that cannot
/// be replaced.
pub fn temporary(path: &Path) -> Result<NamedTempFile, WriteError> {
    if path.as_os_str() == "-" {
        return Err(WriteError::Dash);
    }
    let old = fs::metadata(path).ok();
    // Renaming a file onto a device such as /dev/null would replace the device.
    if old.as_ref().is_some_and(|found| !Metadata::is_file(found)) || is_device_path(path) {
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
    match fs::symlink_metadata(path) {
        Ok(found) => check_replaceable(path, &found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // The name is too long, for example.
        Err(source) => return Err(WriteError::write(path, source)),
    }
    let mut builder = Builder::new();
    builder.prefix(".prenda-");
    #[cfg(unix)]
    {
        // The default of temporary files, readable by the owner alone, is wrong for results.
        use std::os::unix::fs::PermissionsExt;
        let mode = old.as_ref().map_or(0o666, |old| old.permissions().mode());
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    let file = builder.tempfile_in(folder).map_err(|source| WriteError::write(path, source))?;
    if let Some(old) = old {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            // Only root may give a file to another user.
            let _ = fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
        }
        // The user's mask applies to new files only.
        file.as_file().set_permissions(old.permissions()).map_err(|source| WriteError::write(path, source))?;
    }
    Ok(file)
}

/// Checks that the existing `path`, with the metadata `found`, can be replaced. Changes nothing.
fn check_replaceable(path: &Path, found: &Metadata) -> Result<(), WriteError> {
    // A link is replaced, its target stays.
    if found.is_file() {
        let opened = OpenOptions::new().write(true).open(path);
        let is_denied = opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
        if is_denied || found.permissions().readonly() {
            return Err(WriteError::Protected { path: path.to_owned() });
        }
    }
    #[cfg(unix)]
    {
        use io::ErrorKind::{CrossesDevices, NotADirectory, NotFound};
        let cannot = |source| WriteError::Replace { path: path.to_owned(), source };
        // Removing a file as a folder always fails, and for another reason if the file cannot be
        // removed at all: another user's file in a sticky folder, an immutable file.
        match fs::remove_dir(path) {
            Err(error) if ![NotADirectory, NotFound].contains(&error.kind()) => return Err(cannot(error)),
            _ => {}
        }
        // A file that something is mounted on can neither be replaced nor linked to.
        match link(path) {
            Err(error) if error.kind() == CrossesDevices => return Err(cannot(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Gives a file a second, temporary name next to it.
///
/// # Errors
///
/// Returns an error if the file does not exist, or if the system cannot link it.
pub fn link(path: &Path) -> io::Result<TempPath> {
    let linked = Builder::new().prefix(".prenda-").make_in(folder_of(path), |name| fs::hard_link(path, name));
    linked.map(NamedTempFile::into_temp_path)
}

/// Returns the folder that contains `path`.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns true if two paths lead to the same place.
#[must_use]
pub fn is_same(one: &Path, other: &Path) -> bool {
    resolve(one) == resolve(other)
}

/// Returns true if `path` is `folder` or is inside it.
#[must_use]
pub fn is_within(path: &Path, folder: &Path) -> bool {
    resolve(path).starts_with(resolve(folder))
}

/// Follows links in `path`, as far as it exists.
fn resolve(path: &Path) -> PathBuf {
    let path = path::absolute(path).unwrap_or_else(|_| path.to_owned());
    fs::canonicalize(&path).unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolve(parent).join(name),
        _ => path,
    })
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
    fn different_names_of_one_path_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        fs::create_dir(path("there")).unwrap();
        fs::write(path("file"), b"x").unwrap();
        assert!(is_same(&path("file"), &path("there/../file")));
        assert!(is_same(&path("absent/file"), &path("./there/../absent//file")));
        assert!(!is_same(&path("file"), &path("there/file")));
        assert!(is_within(&path("absent/a/b"), &path("absent")) && !is_within(&path("absent"), &path("absent/a")));
        assert!(is_within(Path::new("absent"), Path::new(".")));
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

    #[test]
    fn the_last_step_is_tested_first() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("x".repeat(256));
        assert!(matches!(check_writable(&long), Err(WriteError::Write { .. })));
        assert!(check_writable(&folder.path().join("x".repeat(255))).is_ok());
        let protected = folder.path().join("protected");
        write(&protected, b"old").unwrap();
        check_writable(&protected).unwrap();
        let mut permissions = fs::metadata(&protected).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&protected, permissions).unwrap();
        assert!(matches!(check_writable(&protected), Err(WriteError::Protected { .. })));
        assert!(matches!(check_writable(Path::new("-")), Err(WriteError::Dash)));
        assert!(temporary(Path::new("./-")).is_ok());
        assert_eq!(count(folder.path()), 1);
    }

    #[test]
    fn what_cannot_be_written_is_kept_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::create_dir(&path).unwrap();
        let Err(error @ WriteError::Kept { .. }) = write(&path, b"new") else { panic!("it is a folder") };
        let kept = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).find(|other| *other != path);
        let kept = kept.unwrap();
        assert_eq!(fs::read(kept.join("report.json")).unwrap(), b"new");
        assert!(
            error
                .to_string()
                .contains(&format!("not a file; name another place; the result is kept in {}", kept.display())),
            "{error}"
        );
    }

    #[test]
    fn files_with_the_same_name_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one/model.bin", "two/model.bin"].map(|name| folder.path().join(name));
        let kept = keep_in_folder(&[(&one, b"1"), (&two, b"2")]).unwrap();
        assert!(kept.starts_with(folder.path()));
        assert_eq!(fs::read(kept.join("model.bin")).unwrap(), b"1");
        assert_eq!(fs::read(kept.join("2-model.bin")).unwrap(), b"2");
    }

    #[test]
    fn both_errors_are_printed() {
        let error = |name| Err(WriteError::write(Path::new(name), io::Error::other("full")));
        let both = WriteError::join(error("a"), error("b")).unwrap_err().to_string();
        assert!(both.contains("write a;") && both.contains(": full; cannot write b;"), "{both}");
        assert!(matches!(WriteError::join(Ok(()), error("b")), Err(WriteError::Write { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for mode in [0o600, 0o640, 0o666, 0o755] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            write(&path, b"new").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
            assert_eq!(fs::read(&path).unwrap(), b"new");
        }
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
