//! Reading a picture file as raw grey pixels.

use std::io;
use std::path::{Path, PathBuf};

use image::{ImageError, ImageReader};
use thiserror::Error;

/// Why a file cannot be used as a picture.
#[derive(Debug, Error)]
pub enum PictureError {
    /// The file cannot be read.
    #[error("cannot read picture {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is no picture, or a damaged one.
    #[error("cannot read {path} as a PNG or JPEG picture")]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: ImageError,
    },
    /// The picture has another size than the model takes.
    #[error(
        "picture {path} has {found_rows} rows and {found_columns} columns, the model takes {rows} and {columns}; scale it first"
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// Rows found.
        found_rows: u32,
        /// Columns found.
        found_columns: u32,
        /// Rows that the model takes.
        rows: usize,
        /// Columns that the model takes.
        columns: usize,
    },
}

/// The pixels of a PNG or JPEG file, row-major, 0 (black) to 255 (white); colours become grey by their brightness.
///
/// # Errors
///
/// Where the file is not a picture of `rows` by `columns` pixels.
pub fn read(path: &Path, rows: usize, columns: usize) -> Result<Vec<u8>, PictureError> {
    let fail = |source| PictureError::Read { path: path.to_owned(), source };
    let decode = |source| match source {
        ImageError::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => fail(source),
        source => PictureError::Decode { path: path.to_owned(), source },
    };
    let open = || ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(fail);
    // The size first: a picture of many megapixels need not be decoded to be refused.
    let (found_columns, found_rows) = open()?.into_dimensions().map_err(decode)?;
    if (found_rows as usize, found_columns as usize) != (rows, columns) {
        return Err(PictureError::Size { path: path.to_owned(), found_rows, found_columns, rows, columns });
    }
    Ok(open()?.decode().map_err(decode)?.into_luma8().into_raw())
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageFormat, RgbImage};

    use super::*;

    #[test]
    fn grey_pixels_come_as_they_are_and_colours_by_brightness() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        GrayImage::from_raw(3, 2, vec![0, 50, 100, 150, 200, 255]).unwrap().save(&path).unwrap();
        assert_eq!(read(&path, 2, 3).unwrap(), [0, 50, 100, 150, 200, 255]);
        let error = read(&path, 28, 28).unwrap_err().to_string();
        assert!(error.contains("2 rows and 3 columns, the model takes 28 and 28"), "{error}");

        let path = folder.path().join("picture without a name that says what it is");
        RgbImage::from_raw(1, 2, vec![9, 9, 9, 255, 255, 255])
            .unwrap()
            .save_with_format(&path, ImageFormat::Png)
            .unwrap();
        assert_eq!(read(&path, 2, 1).unwrap(), [9, 255]);
    }

    #[test]
    fn what_is_not_a_picture_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        assert!(matches!(read(&path, 1, 1), Err(PictureError::Read { .. })));
        for content in [&b""[..], b"text", b"\x89PNG\r\n\x1a\n"] {
            std::fs::write(&path, content).unwrap();
            let error = read(&path, 1, 1).unwrap_err();
            assert!(matches!(error, PictureError::Decode { .. }), "{error}");
        }
    }
}
