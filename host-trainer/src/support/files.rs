//! Writing files whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{self, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile};
use thiserror::Error;

/// Why a file cannot be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The folder is not there.
    #[error("cannot write {path}: there is no folder {folder}; create it, or name another place")]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// Something that is not a file has that name.
    #[error("cannot write {path}: it exists and is not a file; name another place")]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The name is a folder's: it ends in a separator, say.
    #[error("cannot write {path}: that is the name of a folder; add the name of a file")]
    NoFileName {
        /// What was named.
        path: PathBuf,
    },
    /// A folder cannot be created.
    #[error("cannot create folder {path}; name another place")]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file cannot be created, written or put in its place: no permission, a full disk.
    #[error("cannot write {path}; is its folder writable, and is there room on the disk?")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Held while a temporary file exists, so that [`quiet`] can wait until there is none.
static WRITING: Mutex<()> = Mutex::new(());

/// Waits until no file is being written and keeps it so as long as the guard lives.
pub fn quiet() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes `bytes` to `path`: whoever reads the file sees all of them, or what was there before.
///
/// # Errors
///
/// Returns an error if `path` cannot be written; then what was there before still is.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_all(&[(path, bytes)])
}

/// As [`write`](fn@write), several files, each for itself: none gets its name before the bytes of all are on the disk.
///
/// # Errors
///
/// Returns an error if one of them cannot be written. A failure before the first has its name, as of a full disk, leaves all as they were.
pub fn write_all(files: &[(&Path, &[u8])]) -> Result<(), WriteError> {
    let _writing = quiet();
    let staged = stage_all(files)?;
    name_all(staged)?;
    sync_folders(files.iter().map(|(path, _)| *path));
    Ok(())
}

/// As [`write_all`], files that belong together, as a run's. What the last one replaces goes first, and it gets its name last, so
/// that where it is, all are, and of one writing.
///
/// # Errors
///
/// Fails like [`write_all`].
pub fn write_together(files: &[(&Path, &[u8])]) -> Result<(), WriteError> {
    let _writing = quiet();
    let mut staged = stage_all(files)?;
    let Some((file, last)) = staged.pop() else { return Ok(()) };
    match fs::remove_file(last) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(cannot_write(last, source)),
        _ => sync_folders([last]),
    }
    let others: Vec<&Path> = staged.iter().map(|(_, path)| *path).collect();
    name_all(staged)?;
    // After a power cut, too, the last name means that the others are there.
    sync_folders(others);
    name_all([(file, last)])?;
    sync_folders([last]);
    Ok(())
}

/// The files under temporary names, their bytes on the disk.
fn stage_all<'a>(files: &[(&'a Path, &[u8])]) -> Result<Vec<(NamedTempFile, &'a Path)>, WriteError> {
    let stage = |&(path, bytes): &(&'a Path, &[u8])| {
        let mut file = temporary(path)?;
        file.write_all(bytes).map_err(|source| cannot_write(path, source))?;
        // Else a power cut could leave the new name on old, empty blocks.
        file.as_file().sync_all().map_err(|source| cannot_write(path, source))?;
        Ok((file, path))
    };
    files.iter().map(stage).collect()
}

fn name_all<'a>(staged: impl IntoIterator<Item = (NamedTempFile, &'a Path)>) -> Result<(), WriteError> {
    for (file, path) in staged {
        file.persist(path).map_err(|error| cannot_write(path, error.error))?;
    }
    Ok(())
}

fn cannot_write(path: &Path, source: io::Error) -> WriteError {
    WriteError::Write { path: path.to_owned(), source }
}

/// Has the names in the folders of `files` on the disk, where the system can do that with a folder: the bytes are there already.
fn sync_folders<'a>(files: impl IntoIterator<Item = &'a Path>) {
    let folders: BTreeSet<&Path> = files.into_iter().map(folder_of).collect();
    for folder in folders {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// Checks that [`write`](fn@write) to `path` would succeed, as far as that can be told before.
///
/// # Errors
///
/// Returns an error if it would not.
pub fn check_writable(path: &Path) -> Result<(), WriteError> {
    let _writing = quiet();
    temporary(path).map(drop)
}

/// Creates `folder`, and the folders above it where they are missing.
///
/// # Errors
///
/// Returns an error if it cannot be created.
pub fn create_folder(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(|source| WriteError::CreateFolder { path: folder.to_owned(), source })
}

/// Whether two names lead to the same place.
pub fn is_same(one: &Path, other: &Path) -> bool {
    resolve(one) == resolve(other)
}

/// Whether `path` is `folder` or lies in it.
pub fn is_within(path: &Path, folder: &Path) -> bool {
    resolve(path).starts_with(resolve(folder))
}

/// Where `path` leads, links followed, as far as there is something yet.
fn resolve(path: &Path) -> PathBuf {
    let path = path::absolute(path).unwrap_or_else(|_| path.to_owned());
    fs::canonicalize(&path).unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolve(parent).join(name),
        _ => path,
    })
}

/// The folder that `path` lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a name is the system's, or leads there: /dev/stdout is a link to what may be a file.
fn is_the_systems(path: &Path) -> bool {
    let is_its = |path: &Path| path.starts_with("/proc") || path.starts_with("/dev") && !path.starts_with("/dev/shm");
    is_its(path) || fs::read_link(path).is_ok_and(|target| is_its(&target))
}

/// An empty file in the folder of `path`, removed unless it is given that name.
fn temporary(path: &Path) -> Result<NamedTempFile, WriteError> {
    // A device, say: renaming a file onto /dev/null would replace it.
    if fs::metadata(path).as_ref().is_ok_and(|found| !Metadata::is_file(found)) || is_the_systems(path) {
        return Err(WriteError::NotAFile { path: path.to_owned() });
    }
    // `file_name` looks past a separator or a dot at the end.
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
        // As any other new file: a temporary file's own default is that nobody else may read it.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder).map_err(|source| cannot_write(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in [&b"first"[..], b"2"] {
            check_writable(&path).unwrap();
            write(&path, content).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
            assert_eq!(names(folder.path()), ["file"]);
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent").join("file");
        let error = check_writable(&absent).unwrap_err();
        assert!(matches!(&error, WriteError::NoFolder { path, .. } if *path == absent), "{error}");
        assert!(matches!(check_writable(Path::new("/dev/stdout")), Err(WriteError::NotAFile { .. })));
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink("/proc/self/fd/1", &link).unwrap();
            assert!(matches!(check_writable(&link), Err(WriteError::NotAFile { .. })));
            fs::remove_file(link).unwrap();
        }
        assert!(matches!(check_writable(folder.path()), Err(WriteError::NotAFile { .. })));
        assert!(matches!(check_writable(Path::new("/")), Err(WriteError::NotAFile { .. })));
        for name in ["", "absent/", "absent/.", "absent/.."] {
            assert!(matches!(check_writable(Path::new(name)), Err(WriteError::NoFileName { .. })), "{name}");
        }
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn several_files_are_written_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let [first, last] = ["first", "last"].map(|name| folder.path().join(name));
        for write in [write_all, write_together] {
            write(&[(&first, b"1"), (&last, b"2")]).unwrap();
            write(&[(&first, b"3"), (&folder.path().join("absent").join("last"), b"4")]).unwrap_err();
            assert_eq!((fs::read(&first).unwrap(), fs::read(&last).unwrap()), (b"1".to_vec(), b"2".to_vec()));
            assert_eq!(names(folder.path()).len(), 2);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link] = ["target", "link"].map(|name| folder.path().join(name));
        write(&target, b"old").unwrap();
        std::os::unix::fs::symlink("target", &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!((fs::read(&target).unwrap(), fs::read(&link).unwrap()), (b"old".to_vec(), b"new".to_vec()));
        assert!(!link.is_symlink());
    }

    #[test]
    fn a_place_is_known_by_all_its_names() {
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

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_is_written() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"x").unwrap();
        File::create(folder.path().join("plain")).unwrap();
        let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("file"), mode("plain"));
    }
}
