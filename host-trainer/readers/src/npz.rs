//! Archives of NumPy arrays: a zip file with one `NAME.npy` for each array.

use std::io::{Cursor, Read, Seek};

use thiserror::Error;

use crate::npy::{Array, NpyError};
use crate::zip::{Zip, ZipError};

/// Why an archive, or one of its arrays, cannot be read.
#[derive(Debug, Error)]
pub enum NpzError {
    /// The archive is damaged, or compressed in an unusual way.
    #[error(transparent)]
    Archive(#[from] ZipError),
    /// An array that cannot be read.
    #[error("array {name}: {reason}")]
    Array {
        /// Its name.
        name: String,
        /// The reason.
        reason: NpyError,
    },
}

/// An open archive.
#[derive(Debug)]
pub struct Archive<R> {
    zip: Zip<R>,
    names: Vec<String>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the names in an archive.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not a zip archive.
    pub fn open(reader: R) -> Result<Self, NpzError> {
        let zip = Zip::open(reader)?;
        let mut names: Vec<String> =
            zip.names().filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned())).collect();
        names.sort_unstable();
        names.dedup();
        Ok(Self { zip, names })
    }

    /// Returns the names of all arrays, sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads the array `name`.
    ///
    /// # Errors
    ///
    /// Returns an error if the array is missing or cannot be read.
    pub fn array(&mut self, name: &str) -> Result<Array, NpzError> {
        let mut file = self.zip.file(&format!("{name}.npy"))?;
        Array::read(&mut file).map_err(|reason| NpzError::Array { name: name.to_owned(), reason })
    }
}

/// Reads all arrays of `file`, for fuzzing: any bytes give arrays of their shapes, or errors.
///
/// # Panics
///
/// Panics if an array does not have the values of its shape.
pub fn check(file: &[u8]) {
    let Ok(mut archive) = Archive::open(Cursor::new(file)) else { return };
    for name in archive.names().to_vec() {
        if let Ok(Array { shape, values }) = archive.array(&name) {
            assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::tests::bytes;
    use crate::zip::tests::archive;

    fn open(file: &[u8]) -> Result<Archive<Cursor<&[u8]>>, NpzError> {
        Archive::open(Cursor::new(file))
    }

    #[test]
    fn arrays_are_read_by_name() {
        let files = [("x.npy", bytes("(2, 2)", &[1, 2, 3, 4])), ("../y.npy", bytes("(2,)", &[0, 1])), ("note", vec![])];
        let file = archive(&files, true);
        let mut archive = open(&file).unwrap();
        assert_eq!(archive.names(), ["../y", "x"]);
        assert_eq!(archive.array("x").unwrap().values, [1, 2, 3, 4]);
        assert_eq!(archive.array("../y").unwrap().shape, [2]);
        assert!(matches!(archive.array("z"), Err(NpzError::Archive(_))));
    }

    #[test]
    fn a_bomb_is_read_only_as_far_as_its_header_says() {
        let mut content = bytes("(3,)", &[1, 2, 3]);
        content.resize(64 << 20, 0);
        let file = archive(&[("x.npy", content)], true);
        let error = open(&file).unwrap().array("x").unwrap_err().to_string();
        assert!(file.len() < 1_000_000 && error.contains("bytes follow after its 3 values"), "{error}");
    }
}
