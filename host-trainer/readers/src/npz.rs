//! Archives of NumPy arrays: a zip file with one `NAME.npy` for each array.

use std::io::{Cursor, Read, Seek};

use thiserror::Error;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::archive::{self, Limited};
use crate::npy::{Array, NpyError, Numbers};

/// Why an archive, or one of its arrays, cannot be read.
#[derive(Debug, Error)]
pub enum NpzError {
    /// The archive is damaged.
    #[error("it is not a zip archive, or it is cut off or damaged: {0}")]
    Archive(#[from] ZipError),
    /// An array is missing, or is encrypted or compressed in an unusual way.
    #[error("array {name}: {reason}")]
    Entry {
        /// Its name.
        name: String,
        /// The reason.
        reason: ZipError,
    },
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
    zip: ZipArchive<Limited<R>>,
    names: Vec<String>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the names in an archive.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not a zip archive.
    pub fn open(reader: R) -> Result<Self, NpzError> {
        let zip = archive::open(reader)?;
        // Names that are not text belong to no array.
        let mut names: Vec<String> =
            zip.file_names().flatten().filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned())).collect();
        names.sort_unstable();
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
        self.read(name, |file| Array::read(file))
    }

    /// Reads the array `name` of any numbers.
    ///
    /// # Errors
    ///
    /// Returns an error if the array is missing or cannot be read.
    pub fn numbers(&mut self, name: &str) -> Result<Numbers, NpzError> {
        self.read(name, |file| Numbers::read(file))
    }

    fn read<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut ZipFile<'_, Limited<R>>) -> Result<T, NpyError>,
    ) -> Result<T, NpzError> {
        let file = self.zip.by_name(&format!("{name}.npy"));
        let mut file = file.map_err(|reason| NpzError::Entry { name: name.to_owned(), reason })?;
        read(&mut file).map_err(|reason| NpzError::Array { name: name.to_owned(), reason })
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
        if let Ok(Numbers::Others(Array { shape, values })) = archive.numbers(&name) {
            assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        }
    }
}

#[cfg(test)]
mod tests {
    use zip::CompressionMethod;

    use super::*;
    use crate::archive::tests::archive;
    use crate::npy::tests::bytes;

    fn open(file: &[u8]) -> Result<Archive<Cursor<&[u8]>>, NpzError> {
        Archive::open(Cursor::new(file))
    }

    #[test]
    fn arrays_are_read_by_name() {
        let files = [("x.npy", bytes("(2, 2)", &[1, 2, 3, 4])), ("../y.npy", bytes("(2,)", &[0, 1])), ("note", vec![])];
        let file = archive(&files, CompressionMethod::Deflated);
        let mut archive = open(&file).unwrap();
        assert_eq!(archive.names(), ["../y", "x"]);
        assert_eq!(archive.array("x").unwrap().values, [1, 2, 3, 4]);
        assert_eq!(archive.array("../y").unwrap().shape, [2]);
        let error = archive.array("z").unwrap_err().to_string();
        assert!(error.contains("array z: ") && error.contains("not found"), "{error}");
    }

    #[test]
    fn a_bomb_is_read_only_as_far_as_its_header_says() {
        let mut content = bytes("(3,)", &[1, 2, 3]);
        content.resize(64 << 20, 0);
        let file = archive(&[("x.npy", content)], CompressionMethod::Deflated);
        let error = open(&file).unwrap().array("x").unwrap_err().to_string();
        assert!(file.len() < 1_000_000 && error.contains("bytes follow after its 3 values"), "{error}");
    }
}
