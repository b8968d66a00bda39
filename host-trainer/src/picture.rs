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
    #[error("cannot read {path} as a PNG or JPEG picture: {reason}")]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder says. Not a source: it ends in what its own source says.
        reason: ImageError,
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

/// The pixels of a PNG or JPEG file, row-major, 0 (black) to 255 (white); colours become grey by their brightness, and
/// lie on black where they are transparent.
///
/// # Errors
///
/// Where the file is not a picture of `rows` by `columns` pixels.
pub fn read(path: &Path, rows: usize, columns: usize) -> Result<Vec<u8>, PictureError> {
    let fail = |source| PictureError::Read { path: path.to_owned(), source };
    let decode = |source| match source {
        ImageError::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => fail(source),
        reason => PictureError::Decode { path: path.to_owned(), reason },
    };
    let open = || ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(fail);
    // The size first: a picture of many megapixels need not be decoded to be refused.
    let (found_columns, found_rows) = open()?.into_dimensions().map_err(decode)?;
    if (found_rows as usize, found_columns as usize) != (rows, columns) {
        return Err(PictureError::Size { path: path.to_owned(), found_rows, found_columns, rows, columns });
    }
    let picture = open()?.decode().map_err(decode)?.into_luma_alpha8();
    let on_black = |[grey, alpha]: [u8; 2]| (u16::from(grey) * u16::from(alpha) + 127) / 255;
    Ok(picture.pixels().map(|pixel| on_black(pixel.0) as u8).collect())
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageFormat, RgbImage, RgbaImage};

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
    fn transparent_pixels_lie_on_black() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        let pixels = [[255, 255, 255, 0], [200, 200, 200, 128], [77, 77, 77, 255], [0, 0, 0, 0]];
        RgbaImage::from_raw(2, 2, pixels.concat()).unwrap().save(&path).unwrap();
        assert_eq!(read(&path, 2, 2).unwrap(), [0, 100, 77, 0]);
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
            assert!(std::error::Error::source(&error).is_none(), "{error}");
        }
    }
}
