//! Reads data sets of any supported form. The content decides the form, not the names' ends.

mod class_folders;
mod idx_files;

use std::path::Path;

use super::content::Content;
use super::{DatasetError, Origin, Reading, names};

/// Reads the data set at `path`, as `reading` says.
///
/// # Errors
///
/// Returns an error if a data set is missing, if one of its files cannot be used, or if an option
/// does not apply to its form.
pub fn read(path: &Path, origin: Origin, reading: &Reading) -> Result<Content, DatasetError> {
    if !names::has_idx(path) && class_folders::has_folders(path) {
        return class_folders::read(path, reading);
    }
    allow(path, reading, "IDX files", &["--grey"])?;
    idx_files::read(path, origin)
}

/// Fails if an option other than `allowed` is used for files of the form `form`.
fn allow(path: &Path, reading: &Reading, form: &str, allowed: &[&str]) -> Result<(), DatasetError> {
    match reading.used().find(|option| !allowed.contains(option)) {
        Some(option) => Err(DatasetError::option(
            path,
            format!("it consists of {form}, to which {option} does not apply; leave it out"),
        )),
        None => Ok(()),
    }
}
