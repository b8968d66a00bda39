//! Reads an image file and converts it to the form of the data set.

mod jpeg;
mod png;
mod read;

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageBuffer, Pixel};
use photos::{Conversion, Form, Polarity, Raster};
use prenda::Shape;
use thiserror::Error;

use self::read::ReadImage;
pub use self::read::{ReadError, read_colours};

/// Why a file cannot be used as an image.
#[derive(Debug, Error)]
pub enum ImageError {
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No pixel differs enough from the border.
    #[error("image {path} shows nothing: no pixel is clearly {}", lack(.polarity))]
    Blank {
        path: PathBuf,
        /// The user's choice, if any.
        polarity: Option<Polarity>,
    },
}

/// Reads the image at `path` as `rows` by `columns` pixels, row-major, 0 (black) to 255 (white), in
/// the `form` of the data set. Returns the pixels and the changes made. `None` for `polarity`
/// compares the image with its border.
///
/// # Errors
///
/// Returns an error if the file is not an image, is too large, or is blank.
pub fn load(
    path: &Path,
    size: (usize, usize),
    polarity: Option<Polarity>,
    form: &Form,
) -> Result<(Vec<u8>, Conversion), ImageError> {
    let ReadImage { image, bits } = read::read(path)?;
    let image = raster(image);
    let blank = || ImageError::Blank { path: path.to_owned(), polarity };
    let (pixels, mut conversion) = photos::convert(&image, size, polarity, form).ok_or_else(blank)?;
    if let Some(bits) = bits {
        conversion.text = format!("read as {bits} of 16 bits, {}", conversion.text);
        conversion.doubt = conversion
            .doubt
            .or(Some("its values use only a part of their 16 bits, so they were scaled to the range of their content"));
    }
    Ok((pixels, conversion))
}

/// Converts a whole image to `shape`, without looking for a subject. Returns the pixels and the
/// changes in words.
pub fn convert_whole(image: DynamicImage, shape: Shape) -> (Vec<u8>, String) {
    if shape.channels == 1 {
        return photos::convert_whole_grey(&raster(image.into_luma_alpha8()), shape);
    }
    photos::convert_whole_colour(&raster(image.into_rgba8()), shape)
}

fn raster<P: Pixel<Subpixel = u8>, const N: usize>(image: ImageBuffer<P, Vec<u8>>) -> Raster<N> {
    let (width, height) = image.dimensions();
    // The pixel type and `N` match.
    Raster::new(width, height, image.into_raw()).unwrap_or_default()
}

/// Describes the pixels that a blank image lacks.
fn lack(polarity: &Option<Polarity>) -> &'static str {
    match polarity {
        None => "lighter or darker than its border; use another image",
        Some(Polarity::LightOnDark) => "lighter than its border; try --polarity auto",
        Some(Polarity::DarkOnLight) => "darker than its border; try --polarity auto",
    }
}
