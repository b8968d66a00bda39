//! Finds the files of a data set by their names, which differ from one copy to another.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{DatasetError, IdxFile, Origin};

impl IdxFile {
    /// Returns the parts of the file's name, in the order of preference: names of the split, and
    /// the kind of the items.
    fn parts(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::TrainImages => (&["train"], "images"),
            Self::TrainLabels => (&["train"], "labels"),
            Self::TestImages => (&["t10k", "test"], "images"),
            Self::TestLabels => (&["t10k", "test"], "labels"),
        }
    }

    /// Returns what precedes the parts in `name` if it is a name of this file:
    /// `emnist-letters-` of `emnist-letters-test-images-idx3-ubyte`.
    fn prefix(self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let (splits, kind) = self.parts();
        splits.iter().find_map(|split| {
            let (prefix, rest) = name.split_once(&format!("{split}-{kind}"))?;
            (is_idx(rest) && (prefix.is_empty() || prefix.ends_with(['-', '.']))).then(|| prefix.to_owned())
        })
    }
}

/// Returns true if `rest`, the end of a file's name, is that of an IDX file: `-idx3-ubyte.gz`. A
/// download that was cut off, a checksum or a copy has another end.
fn is_idx(rest: &str) -> bool {
    let rest = rest.strip_suffix(".gz").unwrap_or(rest);
    let kind = rest.strip_prefix("-idx").or(rest.strip_prefix(".idx"));
    let kind = kind.and_then(|kind| kind.strip_prefix(|dimensions: char| dimensions.is_ascii_digit()));
    matches!(kind, Some("-ubyte" | "-int"))
}

/// Returns the path of `file` in `folder`, compressed or not. Some copies have a dot before `idx`,
/// or the data set's name before the others, if it is the same for all files.
pub fn find(file: IdxFile, folder: &Path) -> Option<PathBuf> {
    exact(file, folder).into_iter().find(|path| path.is_file()).or_else(|| {
        let [prefix] = prefixes(folder).into_iter().collect::<Vec<_>>().try_into().ok()?;
        let mut names: Vec<String> = names(folder);
        // Compressed files first, as among the exact names.
        names.sort_by_key(|name| !name.ends_with(".gz"));
        let named = |name: &String| file.prefix(name).as_ref() == Some(&prefix);
        names.into_iter().filter(named).map(|name| folder.join(name)).find(|path| path.is_file())
    })
}

/// Returns true if `folder` has a file of an IDX data set, or an entry with such a name.
pub fn has_idx(folder: &Path) -> bool {
    let is_there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    !prefixes(folder).is_empty() || IdxFile::ALL.iter().any(|file| exact(*file, folder).iter().any(is_there))
}

/// Returns the reason why [`find`] does not find `file` in `folder`.
pub fn explain(file: IdxFile, folder: &Path, origin: Origin) -> DatasetError {
    let named_by = origin.named_by();
    let owned = || folder.to_owned();
    match fs::metadata(folder) {
        Ok(kind) if kind.is_dir() => {}
        Ok(_) => return DatasetError::NotAFolder { path: owned(), named_by },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return DatasetError::NoFolder { folder: owned(), named_by };
        }
        Err(source) => return DatasetError::Folder { folder: owned(), named_by, source },
    }
    if let Err(source) = fs::read_dir(folder) {
        return DatasetError::Folder { folder: owned(), named_by, source };
    }
    if let Some(unusable) = exact(file, folder).into_iter().find_map(unusable) {
        return unusable;
    }
    let prefixes = prefixes(folder);
    if prefixes.len() > 1 {
        let shown = |prefix: String| if prefix.is_empty() { "train-".to_owned() } else { prefix };
        let prefixes = prefixes.into_iter().map(shown).collect();
        return DatasetError::Several { folder: owned(), named_by, prefixes };
    }
    DatasetError::Missing { name: file.name(), folder: owned(), named_by }
}

/// Returns the paths that `file` has in most copies.
fn exact(file: IdxFile, folder: &Path) -> Vec<PathBuf> {
    let names = [file.name().to_owned(), file.name().replace("-idx", ".idx")];
    names.iter().flat_map(|name| [format!("{name}.gz"), name.clone()]).map(|name| folder.join(name)).collect()
}

/// Returns the names of the entries of `folder`, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Returns the different prefixes of the files of data sets in `folder`.
fn prefixes(folder: &Path) -> BTreeSet<String> {
    let names = names(folder);
    names.iter().filter_map(|name| IdxFile::ALL.into_iter().find_map(|file| file.prefix(name))).collect()
}

/// Returns the reason why the entry at `path`, if there is one, is not a usable file.
fn unusable(path: PathBuf) -> Option<DatasetError> {
    let entry = match fs::symlink_metadata(&path) {
        Ok(entry) => entry,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(source) => return Some(DatasetError::Read { path, source }),
    };
    let reason = match fs::metadata(&path) {
        Ok(kind) if kind.is_dir() => {
            let inner = path.file_name().map(|name| path.join(name)).filter(|inner| inner.is_file());
            let advice = inner.map_or_else(String::new, |inner| format!("; move {} out of it", inner.display()));
            format!("is a folder, expected a file{advice}")
        }
        Ok(_) => "is a pipe or a device, expected a file".to_owned(),
        Err(error) if entry.is_symlink() => {
            let target = fs::read_link(&path).unwrap_or_default();
            format!("is a link to {}, which cannot be followed: {error}", target.display())
        }
        Err(source) => return Some(DatasetError::Read { path, source }),
    };
    Some(DatasetError::Unusable { path, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(folder: &Path, names: &[&str]) {
        fs::create_dir_all(folder).unwrap();
        names.iter().for_each(|name| fs::write(folder.join(name), []).unwrap());
    }

    #[test]
    fn files_are_found_by_the_names_of_several_copies() {
        let root = tempfile::tempdir().unwrap();
        let copies: [(&str, [&str; 4]); 4] = [
            (
                "a",
                [
                    "train-images.idx3-ubyte",
                    "train-labels.idx1-ubyte",
                    "t10k-images.idx3-ubyte",
                    "t10k-labels.idx1-ubyte",
                ],
            ),
            (
                "b",
                [
                    "emnist-letters-train-images-idx3-ubyte.gz",
                    "emnist-letters-train-labels-idx1-ubyte.gz",
                    "emnist-letters-test-images-idx3-ubyte.gz",
                    "emnist-letters-test-labels-idx1-ubyte.gz",
                ],
            ),
            (
                "c",
                [
                    "qmnist-train-images-idx3-ubyte",
                    "qmnist-train-labels-idx2-int",
                    "qmnist-test-images-idx3-ubyte",
                    "qmnist-test-labels-idx2-int",
                ],
            ),
            (
                "d",
                [
                    "train_images-idx3-ubyte",
                    "train_labels-idx1-ubyte",
                    "test_images-idx3-ubyte",
                    "test_labels-idx1-ubyte",
                ],
            ),
        ];
        for (name, files) in copies {
            let folder = root.path().join(name);
            fill(&folder, &files);
            let found = IdxFile::ALL.map(|file| find(file, &folder).unwrap());
            assert_eq!(found, files.map(|file| folder.join(file)), "{name}");
        }
        // Files next to these are not mistaken for them.
        for end in [".gz.part", ".gz.sha256", ".bak", "-old.gz"] {
            let folder = root.path().join(end);
            fill(&folder, &copies[1].1);
            fill(&folder, &[&format!("qmnist-train-images-idx3-ubyte{end}")]);
            assert_eq!(find(IdxFile::TrainImages, &folder), Some(folder.join(copies[1].1[0])), "{end}");
        }
        // Files of two data sets are not mixed.
        let folder = root.path().join("e");
        fill(&folder, &copies[1].1);
        fill(&folder, &copies[2].1);
        assert_eq!(find(IdxFile::TrainImages, &folder), None);
        let error = explain(IdxFile::TrainImages, &folder, Origin::Given).to_string();
        assert!(error.contains("emnist-letters-, qmnist-"), "{error}");
    }

    #[test]
    fn the_reason_for_an_unusable_file_is_given() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        let explain = |folder: &Path| explain(IdxFile::TrainImages, folder, Origin::Given).to_string();
        assert!(explain(folder).contains("no train-images-idx3-ubyte.gz or train-images-idx3-ubyte in"));
        assert!(explain(&folder.join("absent")).contains("does not exist"));
        let path = folder.join("train-images-idx3-ubyte");
        fill(&path, &["train-images-idx3-ubyte"]);
        let error = explain(folder);
        assert!(error.contains("is a folder, expected a file; move ") && error.contains("out of it"), "{error}");
        fs::remove_dir_all(&path).unwrap();
        fs::write(&path, []).unwrap();
        assert!(explain(&path).contains("is a file; name the folder"));
        #[cfg(unix)]
        for target in ["nowhere", "train-images-idx3-ubyte"] {
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(target, &path).unwrap();
            let error = explain(folder);
            assert!(error.contains(&format!("is a link to {target}, which cannot be followed")), "{error}");
        }
    }
}
