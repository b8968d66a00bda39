//! Converts any image to the data set's form: light on black, centred, filling the image in one
//! direction.
//!
//! ```text
//!  brightness, opacity --border--> background and polarity
//!     --> each pixel's contrast to the background, 0..=255 --> cropped to the object
//!     --> scaled, aspect ratio kept --> centred on black
//! ```
//!
//! Fashion-MNIST was made like this: garments trimmed, the longer side scaled to 28 pixels, colours
//! inverted. 98 % of its test images fill all 28 pixels in at least one direction. An image that
//! already has the target size is not moved.

use std::fmt::{self, Display, Formatter};

use image::imageops::{self, FilterType};
use image::{GrayAlphaImage, GrayImage};
use serde::Serialize;

/// Largest difference between a pixel and the background that still counts as background: 5 %, as
/// Fashion-MNIST was trimmed.
const TOLERANCE: u8 = 12;

/// Blur that hides specks such as camera noise and dust, as a share of the longer side.
const SPECK: f32 = 1.0 / 200.0;

/// Brightness of the object relative to the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// Like the data set.
    LightOnDark,
    /// Like print.
    DarkOnLight,
}

/// The changes made to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    pub polarity: Polarity,
    /// `None` if the image already had the target size.
    fit: Option<Fit>,
}

/// Crop and scale of an image of another size. Sizes are rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fit {
    /// The brightness that became black, after any inversion.
    background: u8,
    cropped: (u32, u32),
    scaled: (u32, u32),
}

impl Display for Conversion {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let inverted = self.polarity == Polarity::DarkOnLight;
        let Some(Fit { background, cropped, scaled }) = self.fit else {
            return f.write_str(if inverted { "inverted" } else { "taken as it is" });
        };
        if inverted {
            f.write_str("inverted, ")?;
        }
        if background > 0 {
            f.write_str("background made black, ")?;
        }
        write!(f, "cropped to {} rows and {} columns, ", cropped.0, cropped.1)?;
        write!(f, "scaled to {} and {}, centred", scaled.0, scaled.1)
    }
}

/// Converts `image` to `rows` by `columns` pixels. Returns `None` if no pixel differs enough from
/// the border.
pub fn convert(
    image: &GrayAlphaImage,
    rows: usize,
    columns: usize,
    polarity: Option<Polarity>,
) -> Option<(Vec<u8>, Conversion)> {
    let (rows, columns) = (u32::try_from(rows).ok()?, u32::try_from(columns).ok()?);
    let border = border(image);
    let polarity = polarity.unwrap_or_else(|| detect_polarity(image, border));
    if image.dimensions() == (columns, rows) {
        let pixels = stand_out(image, polarity, 0);
        let first = pixels.first()?;
        let is_blank = pixels.iter().all(|pixel| pixel == first);
        return (!is_blank).then_some((pixels, Conversion { polarity, fit: None }));
    }
    let background = border.map_or(0, |border| light(border, polarity));
    let (width, height) = image.dimensions();
    let levels = GrayImage::from_raw(width, height, stand_out(image, polarity, background))?;
    let (pixels, fit) = fit(levels, background, (rows, columns))?;
    Some((pixels, Conversion { polarity, fit: Some(fit) }))
}

/// Returns the brightness of the background, which is the median of the outermost pixels. Returns
/// `None` if most of them are transparent.
fn border(image: &GrayAlphaImage) -> Option<u8> {
    let (width, height) = image.dimensions();
    let is_outermost = |x, y| x == 0 || y == 0 || x + 1 == width || y + 1 == height;
    let outermost = image.enumerate_pixels().filter(|(x, y, _)| is_outermost(*x, *y)).map(|(.., pixel)| pixel.0);
    let outermost: Vec<[u8; 2]> = outermost.collect();
    let mut opaque: Vec<u8> = outermost.iter().filter(|[_, alpha]| *alpha >= 128).map(|[grey, _]| *grey).collect();
    opaque.sort_unstable();
    (2 * opaque.len() > outermost.len()).then(|| opaque.get(opaque.len() / 2).copied()).flatten()
}

/// Returns the polarity: dark on light if more of the image is darker than its border. A
/// transparent border counts as medium grey.
fn detect_polarity(image: &GrayAlphaImage, border: Option<u8>) -> Polarity {
    let reference = border.unwrap_or(128);
    let sum = |distance: fn(u8, u8) -> u8| -> u64 {
        let weighted = |[grey, alpha]: [u8; 2]| u64::from(distance(grey, reference)) * u64::from(alpha);
        image.pixels().map(|pixel| weighted(pixel.0)).sum()
    };
    let (lighter, darker) = (sum(u8::saturating_sub), sum(|grey, reference| reference.saturating_sub(grey)));
    if darker > lighter { Polarity::DarkOnLight } else { Polarity::LightOnDark }
}

/// Returns the brightness, inverted if the object is dark.
fn light(grey: u8, polarity: Polarity) -> u8 {
    match polarity {
        Polarity::LightOnDark => grey,
        Polarity::DarkOnLight => 255 - grey,
    }
}

/// Returns each pixel's contrast to the background: 0 at or below `background` and for transparent
/// pixels, 255 for the lightest.
fn stand_out(image: &GrayAlphaImage, polarity: Polarity, background: u8) -> Vec<u8> {
    let most = u32::from(255 - background).max(1);
    let level = |[grey, alpha]: [u8; 2]| {
        let above = u32::from(light(grey, polarity).saturating_sub(background));
        ((255 * above + most / 2) / most * u32::from(alpha) + 127) / 255
    };
    image.pixels().map(|pixel| level(pixel.0) as u8).collect()
}

/// Crops and scales `levels`, and centres it in an image of `rows` and `columns`.
fn fit(mut levels: GrayImage, background: u8, (rows, columns): (u32, u32)) -> Option<(Vec<u8>, Fit)> {
    for level in levels.iter_mut().filter(|level| **level <= TOLERANCE) {
        *level = 0;
    }
    let around = imageops::fast_blur(&levels, SPECK * levels.width().max(levels.height()) as f32);
    let standing_out = || {
        let pixels = levels.enumerate_pixels().zip(around.pixels());
        pixels.filter(|((.., level), around)| level.0[0] > 0 && around.0[0] > TOLERANCE).map(|(pixel, _)| pixel)
    };
    let (left, right) = ends(standing_out().map(|(x, ..)| x))?;
    let (top, bottom) = ends(standing_out().map(|(_, y, _)| y))?;
    let (height, width) = (bottom - top + 1, right - left + 1);
    let cropped = imageops::crop_imm(&levels, left, top, width, height).to_image();

    // The direction that fills first decides. The other is rounded, to at least one pixel.
    let share = |side: u32, all: u32, whole: u32| (side * all + whole / 2) / whole;
    let (new_height, new_width) = if width * rows >= height * columns {
        (share(height, columns, width).clamp(1, rows), columns)
    } else {
        (rows, share(width, rows, height).clamp(1, columns))
    };
    let scaled = imageops::resize(&cropped, new_width, new_height, FilterType::Triangle);
    let mut fitted = GrayImage::new(columns, rows);
    // Like the data set: the larger half of an odd margin is at the top and at the left.
    let (x, y) = ((columns - new_width).div_ceil(2), (rows - new_height).div_ceil(2));
    imageops::replace(&mut fitted, &scaled, x.into(), y.into());
    let fit = Fit { background, cropped: (height, width), scaled: (new_height, new_width) };
    Some((fitted.into_raw(), fit))
}

/// Returns the smallest and the largest of `values`.
fn ends(values: impl Iterator<Item = u32>) -> Option<(u32, u32)> {
    values.fold(None, |ends, value| {
        let (least, largest) = ends.unwrap_or((value, value));
        Some((least.min(value), largest.max(value)))
    })
}

#[cfg(test)]
mod tests {
    use image::LumaA;

    use super::*;

    /// Creates an image of opaque pixels, `[row][column]`.
    fn opaque(greys: &[u8], width: u32) -> GrayAlphaImage {
        let pixels = greys.iter().flat_map(|&grey| [grey, 255]).collect();
        GrayAlphaImage::from_raw(width, greys.len() as u32 / width, pixels).unwrap()
    }

    /// Draws a rectangle, 20 columns from 30 and 60 rows from 10, in an image of 100 columns and 80
    /// rows.
    fn rectangle(inside: LumaA<u8>, outside: LumaA<u8>) -> GrayAlphaImage {
        let is_inside = |x, y| (30..50).contains(&x) && (10..70).contains(&y);
        GrayAlphaImage::from_fn(100, 80, |x, y| if is_inside(x, y) { inside } else { outside })
    }

    #[test]
    fn an_image_of_the_target_size_is_kept_or_inverted() {
        let greys = [3, 0, 7, 1, 200, 2, 9, 0, 0];
        let (pixels, conversion) = convert(&opaque(&greys, 3), 3, 3, None).unwrap();
        assert_eq!((pixels.as_slice(), conversion.to_string().as_str()), (&greys[..], "taken as it is"));
        let (pixels, conversion) = convert(&opaque(&greys.map(|grey| 255 - grey), 3), 3, 3, None).unwrap();
        assert_eq!((pixels.as_slice(), conversion.to_string().as_str()), (&greys[..], "inverted"));
        let (pixels, _) = convert(&opaque(&greys, 3), 3, 3, Some(Polarity::DarkOnLight)).unwrap();
        assert_eq!(pixels, greys.map(|grey| 255 - grey));
    }

    #[test]
    fn transparent_pixels_are_background() {
        let pixels = [[255, 0], [200, 128], [77, 255], [0, 0]];
        let image = GrayAlphaImage::from_raw(2, 2, pixels.concat()).unwrap();
        let converted = |polarity| convert(&image, 2, 2, Some(polarity)).unwrap().0;
        assert_eq!(converted(Polarity::LightOnDark), [0, 100, 77, 0]);
        assert_eq!(converted(Polarity::DarkOnLight), [0, 28, 178, 0]);
        // On a transparent background.
        for (grey, polarity) in [(20, Polarity::DarkOnLight), (220, Polarity::LightOnDark)] {
            let (pixels, conversion) = convert(&rectangle(LumaA([grey, 255]), LumaA([grey, 0])), 28, 28, None).unwrap();
            assert_eq!(conversion.polarity, polarity);
            assert_eq!([pixels[14 * 28 + 14], pixels[14 * 28 + 3]], [light(grey, polarity), 0]);
        }
    }

    #[test]
    fn the_object_is_cropped_scaled_and_centred() {
        let black = LumaA([0, 255]);
        for (inside, outside, text) in [
            (black, LumaA([255, 255]), "inverted, cropped to"),
            (black, LumaA([90, 255]), "inverted, background made black, cropped to"),
            (LumaA([255, 255]), LumaA([90, 255]), "background made black, cropped to"),
            (LumaA([255, 255]), black, "cropped to"),
        ] {
            let (pixels, conversion) = convert(&rectangle(inside, outside), 28, 28, None).unwrap();
            let text = format!("{text} 60 rows and 20 columns, scaled to 28 and 9, centred");
            assert_eq!(conversion.to_string(), text);
            // Nine of 28 columns: the margin has ten at the left and nine at the right.
            let row: Vec<u8> = [[0; 10].as_slice(), &[255; 9], &[0; 9]].concat();
            assert!(pixels.chunks(28).all(|found| found == row), "{inside:?} on {outside:?}");
        }
    }

    #[test]
    fn every_shape_converts_to_every_other() {
        for (width, height) in [(1, 1000), (1000, 1), (2, 2), (300, 7), (31, 31)] {
            let point = |x, y| if (x, y) == (width / 2, height / 2) { LumaA([255, 255]) } else { LumaA([0, 255]) };
            let image = GrayAlphaImage::from_fn(width, height, point);
            for (rows, columns) in [(1, 1), (28, 28), (4, 9), (16_384, 1), (1, 16_384)] {
                let (pixels, _) = convert(&image, rows, columns, None).unwrap();
                assert_eq!(pixels.len(), rows * columns);
                assert!(pixels.contains(&255), "{width} x {height} to {rows} x {columns}");
            }
        }
    }

    #[test]
    fn shrinking_averages() {
        let stripes = GrayAlphaImage::from_fn(560, 560, |x, y| {
            let is_edge = x < 10 || y < 10 || x >= 550 || y >= 550;
            LumaA([if is_edge || (x / 2) % 2 == 0 { 0 } else { 255 }, 255])
        });
        let (pixels, _) = convert(&stripes, 27, 27, None).unwrap();
        let middle = &pixels[13 * 27 + 2..13 * 27 + 25];
        assert!(middle.iter().all(|pixel| (115..=140).contains(pixel)), "{middle:?}");
    }

    #[test]
    fn specks_are_ignored() {
        let mut image = rectangle(LumaA([255, 255]), LumaA([0, 255]));
        let (expected, _) = convert(&image, 28, 28, None).unwrap();
        image[(90, 40)] = LumaA([18, 255]);
        image = imageops::resize(&image, 1000, 800, FilterType::Nearest);
        for (x, y) in [(3, 3), (900, 790), (500, 5)] {
            image[(x, y)] = LumaA([255, 255]);
        }
        let (pixels, conversion) = convert(&image, 28, 28, None).unwrap();
        assert_eq!(conversion.to_string(), "cropped to 600 rows and 200 columns, scaled to 28 and 9, centred");
        assert_eq!(pixels, expected);
    }

    #[test]
    fn blank_images_are_refused() {
        for grey in [0, 128, 255] {
            for polarity in [None, Some(Polarity::LightOnDark), Some(Polarity::DarkOnLight)] {
                assert_eq!(convert(&opaque(&[grey; 9], 3), 3, 3, polarity), None);
                assert_eq!(convert(&opaque(&[grey; 9], 3), 5, 5, polarity), None);
            }
        }
        let transparent = GrayAlphaImage::new(40, 40);
        assert_eq!(convert(&transparent, 28, 28, None), None);
        let white_on_black = rectangle(LumaA([255, 255]), LumaA([0, 255]));
        assert_eq!(convert(&white_on_black, 28, 28, Some(Polarity::DarkOnLight)), None);
    }
}
