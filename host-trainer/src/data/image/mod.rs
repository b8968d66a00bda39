//! An image file as the network sees it: decoded, then brought to the form of the data set.

mod convert;
mod jpeg;
mod read;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use self::convert::{Conversion, Polarity};
use self::read::ReadError;

/// Why a file cannot be used as an image.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The file cannot be read as an image.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The image has one colour, or nothing that stands out from it.
    #[error("image {path} shows nothing: no pixel is clearly {}", lack(.polarity))]
    Blank {
        /// The file.
        path: PathBuf,
        /// What was looked for, if that was given.
        polarity: Option<Polarity>,
    },
}

/// The image in the file at `path` as `rows` by `columns` pixels, row-major, 0 (black) to 255
/// (white), light on dark, and what was done to make it so. Without a `polarity`, what stands out
/// from the image's border decides.
///
/// # Errors
///
/// Returns an error if the file is no image, too large, or shows nothing.
pub fn load(
    path: &Path,
    rows: usize,
    columns: usize,
    polarity: Option<Polarity>,
) -> Result<(Vec<u8>, Conversion), ImageError> {
    let image = read::read(path)?;
    let blank = || ImageError::Blank { path: path.to_owned(), polarity };
    convert::convert(&image, rows, columns, polarity).ok_or_else(blank)
}

/// What a blank image lacks.
fn lack(polarity: &Option<Polarity>) -> &'static str {
    match polarity {
        None => "lighter or darker than its border; name another",
        Some(Polarity::LightOnDark) => "lighter than its border; --polarity auto may see something",
        Some(Polarity::DarkOnLight) => "darker than its border; --polarity auto may see something",
    }
}
