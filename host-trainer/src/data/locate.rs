//! The places where a data set may be, in the order of the search.

use std::env;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::{DatasetError, IdxFile, Origin, names};

/// Environment variable that names a folder with Fashion-MNIST.
pub const FOLDER_VARIABLE: &str = "FASHION_MNIST_DIR";

/// The folder of Debian's `dataset-fashion-mnist`.
const SYSTEM_FOLDER: &str = "/usr/share/datasets/fashion-mnist";

/// The places where a data set may be.
#[derive(Clone, Debug)]
pub struct Places {
    /// The user's `--data`.
    pub given: Option<PathBuf>,
    /// The folder that a run recorded.
    pub recorded: Option<PathBuf>,
    /// The value of `FASHION_MNIST_DIR`.
    pub environment: Option<PathBuf>,
    /// This program's folder in the user's cache.
    pub cache: Option<PathBuf>,
    /// The folder of the system's package.
    pub system: PathBuf,
}

impl Places {
    /// Returns the places for this system and user.
    pub fn of_this_system(given: Option<&Path>) -> Self {
        Self {
            given: given.map(Path::to_owned),
            recorded: None,
            environment: env::var_os(FOLDER_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from),
            cache: ProjectDirs::from("", "", "prenda").map(|folders| folders.cache_dir().join("fashion-mnist")),
            system: SYSTEM_FOLDER.into(),
        }
    }

    /// Returns the first place that has a data set, or `None` if it must be downloaded. A place
    /// that the user or a run named is not inspected.
    ///
    /// # Errors
    ///
    /// Returns an error if the environment names a folder without a data set. Searching elsewhere
    /// would hide the mistake.
    pub fn locate(&self) -> Result<Option<(PathBuf, Origin)>, DatasetError> {
        for (folder, origin) in [(&self.given, Origin::Given), (&self.recorded, Origin::Run)] {
            if let Some(folder) = folder {
                return Ok(Some((folder.clone(), origin)));
            }
        }
        if let Some(folder) = &self.environment {
            return match absent_file(folder) {
                Some(file) => Err(names::explain(file, folder, Origin::Environment)),
                None => Ok(Some((folder.clone(), Origin::Environment))),
            };
        }
        let unnamed = [(self.cache.as_ref(), Origin::Cache), (Some(&self.system), Origin::System)];
        let found = unnamed.into_iter().find_map(|(folder, origin)| {
            let folder = folder.filter(|folder| absent_file(folder).is_none())?;
            Some((folder.clone(), origin))
        });
        Ok(found)
    }
}

fn absent_file(folder: &Path) -> Option<IdxFile> {
    IdxFile::ALL.into_iter().find(|file| names::find(*file, folder).is_none())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_first_place_that_has_all_files_wins() {
        let root = tempfile::tempdir().unwrap();
        let [given, environment, cache, system] =
            ["given", "environment", "cache", "system"].map(|name| root.path().join(name));
        let fill = |folder: &Path, files: &[IdxFile]| {
            fs::create_dir_all(folder).unwrap();
            for file in files {
                fs::write(folder.join(file.name()), []).unwrap();
            }
        };
        let mut places = Places {
            given: None,
            recorded: None,
            environment: None,
            cache: Some(cache.clone()),
            system: system.clone(),
        };

        assert_eq!(places.locate().unwrap(), None);
        fill(&system, &IdxFile::ALL);
        assert_eq!(places.locate().unwrap(), Some((system.clone(), Origin::System)));
        // An incomplete download is not a data set.
        fill(&cache, &IdxFile::ALL[..3]);
        assert_eq!(places.locate().unwrap(), Some((system, Origin::System)));
        fill(&cache, &IdxFile::ALL);
        assert_eq!(places.locate().unwrap(), Some((cache, Origin::Cache)));
        places.environment = Some(environment.clone());
        let error = places.locate().unwrap_err().to_string();
        assert!(error.contains("train-images-idx3-ubyte") && error.contains("FASHION_MNIST_DIR"), "{error}");
        fill(&environment, &IdxFile::ALL);
        assert_eq!(places.locate().unwrap(), Some((environment, Origin::Environment)));
        fill(&given, &IdxFile::ALL);
        places.given = Some(given.clone());
        assert_eq!(places.locate().unwrap(), Some((given, Origin::Given)));
    }
}
