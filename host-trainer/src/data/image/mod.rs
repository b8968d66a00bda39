//! A picture file as the network sees it: decoded, then brought to the form of the data set.

mod convert;
mod jpeg;
mod read;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use self::convert::{Conversion, Polarity};
use self::read::ReadError;

/// Why a file cannot be used as a picture.
#[derive(Debug, Error)]
pub enum PictureError {
    /// The file cannot be read as a picture.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The picture has one colour, or nothing that stands out from it.
    #[error("picture {path} shows nothing: no pixel is clearly {}", lack(.polarity))]
    Blank {
        /// The file.
        path: PathBuf,
        /// What was looked for, if that was given.
        polarity: Option<Polarity>,
    },
}

/// The picture in the file at `path` as `rows` by `columns` pixels, row-major, 0 (black) to 255 (white), light on dark,
/// and what was done to make it so. Without a `polarity`, what stands out from the picture's border decides.
///
/// # Errors
///
/// Where the file is no picture, too large, or shows nothing.
pub fn load(
    path: &Path,
    rows: usize,
    columns: usize,
    polarity: Option<Polarity>,
) -> Result<(Vec<u8>, Conversion), PictureError> {
    let picture = read::read(path)?;
    let blank = || PictureError::Blank { path: path.to_owned(), polarity };
    convert::convert(&picture, rows, columns, polarity).ok_or_else(blank)
}

/// What a blank picture lacks.
fn lack(polarity: &Option<Polarity>) -> &'static str {
    match polarity {
        None => "lighter or darker than its border; name another",
        Some(Polarity::LightOnDark) => "lighter than its border; --polarity auto may see something",
        Some(Polarity::DarkOnLight) => "darker than its border; --polarity auto may see something",
    }
}
