//! Converts whole images, without looking for a subject: those of class folders.
//!
//! ```text
//!  transparent pixels over black --> the middle part that has the target's aspect
//!     --> scaled with a triangle filter
//! ```

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use prenda::Shape;

use crate::raster::Raster;
use crate::scale::resize;

/// Converts an image of brightness and opacity to `shape`, whose rows and columns are not 0.
/// Returns the pixels and the changes in words.
#[must_use]
pub fn convert_whole_grey(image: &Raster<2>, shape: Shape) -> (Vec<u8>, String) {
    fit(&over_black(image, |[grey, alpha]| ([grey], alpha)), shape)
}

/// Like [`convert_whole_grey`], for red, green, blue and opacity.
#[must_use]
pub fn convert_whole_colour(image: &Raster<4>, shape: Shape) -> (Vec<u8>, String) {
    fit(&over_black(image, |[red, green, blue, alpha]| ([red, green, blue], alpha)), shape)
}

/// Returns the image over black. `split` separates colours and opacity.
fn over_black<const N: usize, const M: usize>(
    image: &Raster<N>,
    split: impl Fn([u8; N]) -> ([u8; M], u8),
) -> Raster<M> {
    let pixels = image.pixels().iter().map(|pixel| {
        let (colours, alpha) = split(*pixel);
        colours.map(|value| ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8)
    });
    Raster::of(image.dimensions(), pixels)
}

/// Crops `image` to the aspect of `shape`, and scales it. Returns the pixels and the changes in
/// words.
fn fit<const N: usize>(image: &Raster<N>, shape: Shape) -> (Vec<u8>, String) {
    let (columns, rows) = (shape.columns.into(), shape.rows.into());
    if image.dimensions() == (columns, rows) {
        return (image.values().to_vec(), "taken as it is".to_owned());
    }
    let part = middle(image, (columns, rows));
    let (width, height) = part.dimensions();
    let text = format!("middle {height} rows and {width} columns, scaled to {rows} and {columns}");
    (resize(&part, columns, rows).into_values(), text)
}

/// Returns the largest part in the middle of `image` that has the aspect of `columns` and `rows`.
pub fn middle<const N: usize>(image: &Raster<N>, (columns, rows): (u32, u32)) -> Raster<N> {
    let (width, height) = image.dimensions();
    let share =
        |side: u32, part: u32, whole: u32| (u64::from(side) * u64::from(part) / u64::from(whole).max(1)).max(1) as u32;
    let (kept_width, kept_height) = if u64::from(width) * u64::from(rows) > u64::from(height) * u64::from(columns) {
        (share(height, columns, rows).min(width), height)
    } else {
        (width, share(width, rows, columns).min(height))
    };
    image.crop(((width - kept_width) / 2, (height - kept_height) / 2), (kept_width, kept_height))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const COLOUR: Shape = Shape { rows: 2, columns: 3, channels: 3 };

    #[test]
    fn images_of_the_size_are_unchanged() {
        let image = Raster::from_fn(3, 2, |x, y| [x as u8, y as u8, 9, 255]);
        let (pixels, text) = convert_whole_colour(&image, COLOUR);
        assert_eq!((&pixels[..6], text.as_str()), (&[0, 0, 9, 1, 0, 9][..], "taken as it is"));
        let (grey, _) = convert_whole_grey(&image.brightness(), Shape::grey(2, 3));
        assert_eq!(grey, image.brightness().pixels().iter().map(|pixel| pixel[0]).collect::<Vec<_>>());
    }

    #[test]
    fn the_middle_is_cropped_and_scaled() {
        // White stripes at both sides, which a square has no place for.
        let image = Raster::from_fn(60, 20, |x, _| [if (20..40).contains(&x) { 80 } else { 255 }, 255]);
        let (pixels, text) = convert_whole_grey(&image, Shape::grey(5, 5));
        assert_eq!((pixels, text.as_str()), (vec![80; 25], "middle 20 rows and 20 columns, scaled to 5 and 5"));
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 3), (300, 1)] {
            let (pixels, _) = convert_whole_colour(&Raster::from_fn(width, height, |_, _| [0; 4]), COLOUR);
            assert_eq!(pixels.len(), 18);
        }
    }

    #[test]
    fn transparent_pixels_are_black() {
        let image = Raster::from_fn(3, 2, |x, _| [200, 100, 50, if x == 0 { 0 } else { 255 }]);
        assert_eq!(convert_whole_colour(&image, COLOUR).0[..6], [0, 0, 0, 200, 100, 50]);
        let image = Raster::from_fn(1, 1, |_, _| [200, 51]);
        assert_eq!(convert_whole_grey(&image, Shape::grey(1, 1)).0, [40]);
    }
}
