//! Converts whole images, without looking for a subject: those of class folders.
//!
//! ```text
//!  transparent pixels over black --> grey by Rec. 709, if the data set is grey
//!     --> the middle part that has the target's aspect --> scaled with a triangle filter
//! ```

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, Pixel, RgbImage};
use prenda::Shape;

/// Converts `image` to `shape`, whose rows and columns are not 0. Returns the pixels and the
/// changes in words.
pub fn convert(image: DynamicImage, shape: Shape) -> (Vec<u8>, String) {
    let size = [shape.columns.into(), shape.rows.into()];
    let found = [image.width(), image.height()];
    let (pixels, [width, height]) =
        if shape.channels == 1 { fit(&grey(image), size) } else { fit(&colour(image), size) };
    if found == size {
        return (pixels, "taken as it is".to_owned());
    }
    (pixels, format!("middle {height} rows and {width} columns, scaled to {} and {}", size[1], size[0]))
}

/// Returns the brightness over black.
fn grey(image: DynamicImage) -> GrayImage {
    if !image.color().has_alpha() {
        return image.into_luma8();
    }
    let image: GrayAlphaImage = image.into_luma_alpha8();
    let values = image.pixels().map(|pixel| over_black(pixel.0[0], pixel.0[1])).collect();
    GrayImage::from_raw(image.width(), image.height(), values).unwrap_or_default()
}

/// Returns red, green and blue over black.
fn colour(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    let values = image.pixels().flat_map(|pixel| {
        let [red, green, blue, alpha] = pixel.0;
        [red, green, blue].map(|value| over_black(value, alpha))
    });
    RgbImage::from_raw(image.width(), image.height(), values.collect()).unwrap_or_default()
}

fn over_black(value: u8, alpha: u8) -> u8 {
    ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8
}

/// Crops `image` to the aspect of `size`, width and height, and scales it. Returns the pixels and
/// the size of the part that was kept.
fn fit<P: Pixel<Subpixel = u8> + 'static>(image: &ImageBuffer<P, Vec<u8>>, size: [u32; 2]) -> (Vec<u8>, [u32; 2]) {
    let (width, height) = image.dimensions();
    let [columns, rows] = size;
    if [width, height] == size {
        return (image.as_raw().clone(), size);
    }
    let share = |side: u32, part: u32, whole: u32| (u64::from(side) * u64::from(part) / u64::from(whole)).max(1) as u32;
    let kept = if u64::from(width) * u64::from(rows) > u64::from(height) * u64::from(columns) {
        [share(height, columns, rows).min(width), height]
    } else {
        [width, share(width, rows, columns).min(height)]
    };
    let [x, y] = [(width - kept[0]) / 2, (height - kept[1]) / 2];
    let part = imageops::crop_imm(image, x, y, kept[0], kept[1]);
    (imageops::resize(&*part, columns, rows, FilterType::Triangle).into_raw(), kept)
}

#[cfg(test)]
mod tests {
    use image::{LumaA, Rgb, Rgba, RgbaImage};

    use super::*;

    const COLOUR: Shape = Shape { rows: 2, columns: 3, channels: 3 };

    #[test]
    fn images_of_the_size_are_unchanged() {
        let image = RgbImage::from_fn(3, 2, |x, y| Rgb([x as u8, y as u8, 9]));
        let (pixels, text) = convert(image.clone().into(), COLOUR);
        assert_eq!((pixels, text.as_str()), (image.clone().into_raw(), "taken as it is"));
        let (grey, _) = convert(image.clone().into(), Shape::grey(2, 3));
        assert_eq!(grey, DynamicImage::from(image).into_luma8().into_raw());
    }

    #[test]
    fn the_middle_is_cropped_and_scaled() {
        // White stripes at both sides, which a square has no place for.
        let image = GrayImage::from_fn(60, 20, |x, _| image::Luma([if (20..40).contains(&x) { 80 } else { 255 }]));
        let (pixels, text) = convert(image.into(), Shape::grey(5, 5));
        assert_eq!((pixels, text.as_str()), (vec![80; 25], "middle 20 rows and 20 columns, scaled to 5 and 5"));
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 3), (300, 1)] {
            let (pixels, _) = convert(RgbImage::new(width, height).into(), COLOUR);
            assert_eq!(pixels.len(), 18);
        }
    }

    #[test]
    fn transparent_pixels_are_black() {
        let image = RgbaImage::from_fn(3, 2, |x, _| Rgba([200, 100, 50, if x == 0 { 0 } else { 255 }]));
        assert_eq!(convert(image.into(), COLOUR).0[..6], [0, 0, 0, 200, 100, 50]);
        let image = GrayAlphaImage::from_pixel(1, 1, LumaA([200, 51]));
        assert_eq!(convert(image.into(), Shape::grey(1, 1)).0, [40]);
    }
}
