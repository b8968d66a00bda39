//! Step: the data set. Checks that the files exist; the trainer verifies their content.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use host_support::errors;

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};

/// The files, each plain or with .gz.
const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
const VARIABLE: &str = "FASHION_MNIST_DIR";
const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";
const PACKAGES: [&str; 1] = ["dataset-fashion-mnist"];
const DOWNLOAD: &str = "cargo run --bin host-trainer -- data";

/// Fashion-MNIST in its four files, in one of the folders that the trainer searches.
pub struct DataSet;

impl Step for DataSet {
    fn about(&self) -> About {
        About {
            name: "data set",
            purpose: "for training and for the comparison of host and device (Fashion-MNIST, 30 MB)",
        }
    }

    fn check(&self) -> Found {
        look(named(), cache(), Path::new(DEBIAN))
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        if let Some(folder) = named() {
            bail!("{VARIABLE} is {}, so no other folder is used; correct it or unset it", folder.display());
        }
        apt.install(&PACKAGES).or_else(|error| {
            let error = errors::chain(error.as_ref());
            Ok(Done::Later(format!("{error}; the trainer downloads it when it needs it (now: {DOWNLOAD})")))
        })
    }

    fn by_hand(&self) -> ByHand {
        if named().is_some() {
            return ByHand::same(&format!("unset {VARIABLE}"));
        }
        ByHand { debian: apt_line(&PACKAGES), fedora: DOWNLOAD.into(), macos: DOWNLOAD.into() }
    }
}

fn named() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Returns the folder that the trainer downloads into.
fn cache() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "prenda").map(|folders| folders.cache_dir().join("fashion-mnist"))
}

/// Searches in the trainer's order. A named folder is the only one that counts.
fn look(named: Option<PathBuf>, cache: Option<PathBuf>, debian: &Path) -> Found {
    if let Some(folder) = named {
        return match absent(&folder) {
            None => Found::Ready(folder.display().to_string()),
            Some(file) => Found::Missing(format!("{VARIABLE} is {}, which has no {file}", folder.display())),
        };
    }
    let folders: Vec<PathBuf> = cache.into_iter().chain([debian.to_owned()]).collect();
    match folders.iter().find(|folder| absent(folder).is_none()) {
        Some(folder) => Found::Ready(folder.display().to_string()),
        None => {
            let places: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            Found::Missing(format!("Fashion-MNIST is not in {}", places.join(", nor in ")))
        }
    }
}

/// Returns the first file that a folder has neither compressed nor plain.
fn absent(folder: &Path) -> Option<&'static str> {
    let present = |name: &str| folder.join(name).is_file();
    FILES.into_iter().find(|file| !present(&format!("{file}.gz")) && !present(file))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn folder(files: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| std::fs::write(folder.path().join(file), "").unwrap());
        folder
    }

    #[test]
    fn the_first_complete_folder_is_taken() {
        let compressed = FILES.map(|file| format!("{file}.gz"));
        let compressed = compressed.each_ref().map(String::as_str);
        let (full, partial) = (folder(&compressed), folder(&compressed[..3]));
        let (full, partial) = (full.path(), partial.path());
        assert_eq!(look(None, Some(partial.into()), full), Found::Ready(full.display().to_string()));
        assert_eq!(look(None, Some(full.into()), partial), Found::Ready(full.display().to_string()));
        assert!(matches!(look(None, None, partial), Found::Missing(_)));
    }

    #[test]
    fn a_named_folder_is_not_silently_replaced_by_another() {
        let (full, partial) = (folder(&FILES), folder(&FILES[..3]));
        let Found::Missing(what) = look(Some(partial.path().into()), None, full.path()) else {
            panic!("an incomplete named folder was accepted");
        };
        assert!(what.contains("has no t10k-labels-idx1-ubyte"), "{what}");
    }
}
