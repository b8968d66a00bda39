//! Writes files completely or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use host_support::files::WriteError;
use host_support::files::{folder_of, link, persist, stage};
pub use host_support::files::{is_same, is_within, keep, keep_in_folder};
use tempfile::{NamedTempFile, TempPath};

/// Held while a temporary file exists, so that [`quiet`] can wait for its end.
static WRITING: Mutex<()> = Mutex::new(());

/// Waits until no file is being written. None is written while the guard lives.
pub fn quiet() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes `bytes` to `path`. Readers see the old content or the new one, never a part.
///
/// # Errors
///
/// Returns an error if `path` cannot be written; the old content is kept.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_all(&[(path, bytes)])
}

/// Writes several files. The bytes of all are on the disk before the first gets its name.
///
/// # Errors
///
/// Returns an error if one of them cannot be written. If none has its name yet (the disk is full,
/// for example), all old files are kept. The new ones are kept in another folder.
pub fn write_all(files: &[(&Path, &[u8])]) -> Result<(), WriteError> {
    let _writing = quiet();
    stage_all(files).and_then(name_all).map_err(|error| keep(files, error))?;
    sync_folders(files.iter().map(|(path, _)| *path));
    Ok(())
}

/// Writes several files that belong together, such as those of a run.
///
/// Removes the old last file first and names the new one last: if the last file exists, all files
/// are from the same call.
///
/// # Errors
///
/// Returns an error if one of them cannot be written. All old files are then as they were, and the
/// new ones are not [kept](keep).
pub fn write_together(files: &[(&Path, &[u8])]) -> Result<(), WriteError> {
    let _writing = quiet();
    stage_all(files).and_then(replace_together)
}

/// Gives the temporary files their names, or restores all old files.
fn replace_together(mut staged: Vec<(NamedTempFile, &Path)>) -> Result<(), WriteError> {
    let old = staged.iter().map(|(_, path)| Old::new(path)).collect::<Result<Vec<_>, _>>()?;
    let Some((file, last)) = staged.pop() else { return Ok(()) };
    let named = remove(last).and_then(|()| {
        sync_folders([last]);
        let others: Vec<&Path> = staged.iter().map(|(_, path)| *path).collect();
        name_all(staged)?;
        // Even after a power cut, the last file exists only if the others do.
        sync_folders(others);
        name_all([(file, last)])
    });
    match named {
        Ok(()) => sync_folders([last]),
        // The last one is restored last, too.
        Err(_) => old.into_iter().for_each(Old::restore),
    }
    named
}

/// A file that is about to be replaced.
struct Old<'a> {
    path: &'a Path,
    /// Its second name. `None` if the file is new.
    backup: Option<TempPath>,
}

impl<'a> Old<'a> {
    fn new(path: &'a Path) -> Result<Self, WriteError> {
        let copy = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => Ok(None),
            // Not every file system has links.
            _ => stage(path, &fs::read(path).map_err(|source| WriteError::write(path, source))?)
                .map(|file| Some(file.into_temp_path())),
        };
        Ok(Self { path, backup: link(path).map(Some).or_else(copy)? })
    }

    fn restore(self) {
        let Some(backup) = self.backup else { return drop(fs::remove_file(self.path)) };
        let name = backup.to_path_buf();
        match backup.persist(self.path) {
            // If the old file still has its name, renaming its second name does nothing.
            Ok(()) => drop(fs::remove_file(name)),
            // Better under its second name than lost.
            Err(error) => drop(error.path.keep()),
        }
    }
}

fn remove(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WriteError::write(path, source)),
        _ => Ok(()),
    }
}

/// Writes the files under temporary names, and flushes them to the disk.
fn stage_all<'a>(files: &[(&'a Path, &[u8])]) -> Result<Vec<(NamedTempFile, &'a Path)>, WriteError> {
    files.iter().map(|&(path, bytes)| Ok((stage(path, bytes)?, path))).collect()
}

/// Gives the temporary files their names, in order.
fn name_all<'a>(staged: impl IntoIterator<Item = (NamedTempFile, &'a Path)>) -> Result<(), WriteError> {
    staged.into_iter().try_for_each(|(file, path)| persist(file, path))
}

/// Flushes the folders of `files` to the disk, if the system can do that with a folder.
fn sync_folders<'a>(files: impl IntoIterator<Item = &'a Path>) {
    let folders: BTreeSet<&Path> = files.into_iter().map(folder_of).collect();
    for folder in folders {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// Checks, as far as possible, that [`write`](fn@write) to `path` would succeed.
pub fn check_writable(path: &Path) -> Result<(), WriteError> {
    let _writing = quiet();
    host_support::files::check_writable(path)
}

/// Creates `folder` and any missing parent folders.
pub fn create_folder(folder: &Path) -> Result<(), WriteError> {
    if folder.as_os_str() == "-" {
        return Err(WriteError::Dash);
    }
    fs::create_dir_all(folder).map_err(|source| WriteError::CreateFolder { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_completely() {
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
    fn an_unwritable_path_is_named() {
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
        fn together(files: &[(&Path, &[u8])]) -> Result<(), WriteError> {
            write_together(files).map_err(|error| keep(files, error))
        }
        for write in [write_all, together] {
            write(&[(&first, b"1"), (&last, b"2")]).unwrap();
            let new: [(&Path, &[u8]); 2] = [(&first, b"3"), (&folder.path().join("absent").join("last"), b"4")];
            let error = write(&new).unwrap_err();
            assert_eq!((fs::read(&first).unwrap(), fs::read(&last).unwrap()), (b"1".to_vec(), b"2".to_vec()));
            let WriteError::Kept { folder: kept, .. } = error else { panic!("{error}") };
            assert_eq!(
                (fs::read(kept.join("first")).unwrap(), fs::read(kept.join("last")).unwrap()),
                (b"3".to_vec(), b"4".to_vec())
            );
            fs::remove_dir_all(kept).unwrap();
            assert_eq!(names(folder.path()).len(), 2);
        }
    }

    #[test]
    fn old_files_stay_if_a_new_one_cannot_get_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second, last] = ["first", "second", "last"].map(|name| folder.path().join(name));
        write_all(&[(&first, b"1"), (&last, b"3")]).unwrap();
        let new: [(&Path, &[u8]); 3] = [(&first, b"4"), (&second, b"5"), (&last, b"6")];
        let staged = stage_all(&new).unwrap();
        // Since the check, something else has taken the name.
        fs::create_dir(&second).unwrap();
        replace_together(staged).unwrap_err();
        fs::remove_dir(&second).unwrap();
        assert_eq!((fs::read(&first).unwrap(), fs::read(&last).unwrap()), (b"1".to_vec(), b"3".to_vec()));
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_its_target_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link] = ["target", "link"].map(|name| folder.path().join(name));
        write(&target, b"old").unwrap();
        std::os::unix::fs::symlink("target", &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!((fs::read(&target).unwrap(), fs::read(&link).unwrap()), (b"old".to_vec(), b"new".to_vec()));
        assert!(!link.is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn written_files_have_ordinary_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"x").unwrap();
        File::create(folder.path().join("plain")).unwrap();
        let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("file"), mode("plain"));
    }
}
