//! Converts any image to the form of a data set.
//!
//! ```text
//!  brightness, opacity --border--> background and polarity
//!     --> each pixel's contrast to the background, 0..=255
//!     --> whole, if its subject is framed like those of the data set
//!         or else cropped to the subject, scaled and placed like them
//!     --> contrast and background of the data set
//! ```
//!
//! Fashion-MNIST was made like this: garments trimmed, the longer side scaled to 28 pixels, colours
//! inverted. 98 % of its test images fill all 28 pixels in at least one direction. An image that
//! already has the target size is not moved.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use libm::{ceil, round};

use crate::background::Background;
use crate::form::{self, Centre, Form, Polarity, Subject, TOLERANCE};
use crate::raster::Raster;
use crate::scale::{blur, resize};
use crate::whole::middle;

/// Blur that hides specks such as camera noise and dust, as a share of the longer side.
const SPECK: f32 = 1.0 / 200.0;

/// Largest difference to the framing of the training images that is ignored, as a share of a side.
const MAX_SLACK: f64 = 0.05;

/// Contrast of a subject, as a multiple of the tolerance, below which it is doubtful.
const MIN_CONTRAST: u8 = 4;

/// The changes made to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The polarity of the file.
    pub polarity: Polarity,
    /// The changes in words.
    pub text: String,
    /// Why the network may not see what a person sees.
    pub doubt: Option<&'static str>,
}

/// Converts `image` to `rows` by `columns` pixels of the form `form`. Returns `None` if no pixel
/// differs enough from the border.
pub fn convert(
    image: &Raster<2>,
    (rows, columns): (usize, usize),
    polarity: Option<Polarity>,
    form: &Form,
) -> Option<(Vec<u8>, Conversion)> {
    let (rows, columns) = (u32::try_from(rows).ok()?, u32::try_from(columns).ok()?);
    if image.dimensions() == (columns, rows) {
        return keep(image, polarity, form);
    }
    let Some(level) = form.background else { return scale(image, (rows, columns), polarity, form) };
    let background = Background::of(image);
    let background = background.as_ref();
    let polarity = polarity.unwrap_or_else(|| detect_polarity(image, background));
    let (width, height) = image.dimensions();
    let mut levels = Raster::<1>::new(width, height, stand_out(image, polarity, background))?;
    let tolerance = background.map_or(TOLERANCE, |background| background.tolerance);
    let is_certain = background.is_none_or(|background| background.is_certain);
    let largest = levels.values().iter().copied().max().unwrap_or_default();
    // A shadow is weaker than the subject.
    let least = if is_certain { tolerance } else { tolerance.max(largest / 4) };
    levels.values_mut().iter_mut().filter(|level| **level <= tolerance).for_each(|level| *level = 0);

    let mut changes = Vec::new();
    if polarity != form.polarity {
        changes.push("inverted".to_owned());
    }
    let black = if polarity == Polarity::DarkOnLight { 255 } else { 0 };
    if background.is_some_and(|background| !background.is_flat(black)) {
        changes.push(if level == 0 { "background made black" } else { "background made even" }.to_owned());
    }
    let (mut pixels, placed) = frame(&levels, least, (rows, columns), form)?;
    changes.push(placed);
    changes.extend(match_contrast(&mut pixels, form));
    let doubt = if !is_certain {
        Some("its border has no uniform background, so its subject may be cropped wrongly")
    } else if largest < tolerance.saturating_mul(MIN_CONTRAST) {
        Some("its subject hardly differs from its background")
    } else {
        None
    };
    for pixel in &mut pixels {
        *pixel = match form.polarity {
            Polarity::LightOnDark => level + part(*pixel, 255 - level),
            Polarity::DarkOnLight => level - part(*pixel, level),
        };
    }
    Some((pixels, Conversion { polarity, text: changes.join(", "), doubt }))
}

/// Returns the share `level` / 255 of `whole`.
fn part(level: u8, whole: u8) -> u8 {
    ((u32::from(level) * u32::from(whole) + 127) / 255) as u8
}

/// Takes an image of the target size as it is, or inverted if the user says that its polarity is
/// the other one.
fn keep(image: &Raster<2>, polarity: Option<Polarity>, form: &Form) -> Option<(Vec<u8>, Conversion)> {
    let is_inverted = polarity.is_some_and(|polarity| polarity != form.polarity);
    let pixels = opaque(image, is_inverted, form);
    let first = pixels.first()?;
    if pixels.iter().all(|pixel| pixel == first) {
        return None;
    }
    let text = if is_inverted { "inverted" } else { "taken as it is" }.to_owned();
    let far = |grey: u8| form.background.is_some_and(|expected| grey.abs_diff(expected) >= 128);
    let is_other = Background::of(image).is_some_and(|background| {
        let (width, height) = image.dimensions();
        background.is_certain && far(background.at((width / 2, height / 2), (width, height)))
    });
    let doubt = (polarity.is_none() && is_other).then_some(match form.polarity {
        Polarity::LightOnDark => {
            "its background is light, unlike that of the training images; try --polarity dark-on-light"
        }
        Polarity::DarkOnLight => {
            "its background is dark, unlike that of the training images; try --polarity light-on-dark"
        }
    });
    Some((pixels, Conversion { polarity: polarity.unwrap_or(form.polarity), text, doubt }))
}

/// Scales the whole image, for data sets without a uniform background.
fn scale(
    image: &Raster<2>,
    (rows, columns): (u32, u32),
    polarity: Option<Polarity>,
    form: &Form,
) -> Option<(Vec<u8>, Conversion)> {
    let (width, height) = image.dimensions();
    let plain = opaque(image, false, form);
    let mean = form::mean(&plain) / 255.0;
    // Inverted if only the inverted image is as bright as the training images.
    let is_other = !form.mean.holds(mean, 0.0) && form.mean.holds(1.0 - mean, 0.0);
    let is_inverted = polarity.map_or(is_other, |polarity| polarity != form.polarity);
    let pixels = if is_inverted { opaque(image, true, form) } else { plain };
    let pixels = Raster::<1>::new(width, height, pixels)?;
    let part = middle(&pixels, (columns, rows));
    let (kept_width, kept_height) = part.dimensions();
    let scaled = resize(&part, columns, rows).into_values();
    let first = scaled.first()?;
    if scaled.iter().all(|pixel| pixel == first) {
        return None;
    }
    let inverted = if is_inverted { "inverted, " } else { "" };
    let text =
        format!("{inverted}cropped to {kept_height} rows and {kept_width} columns, scaled to {rows} and {columns}");
    let opposite = match form.polarity {
        Polarity::LightOnDark => Polarity::DarkOnLight,
        Polarity::DarkOnLight => Polarity::LightOnDark,
    };
    let polarity = if is_inverted { opposite } else { form.polarity };
    Some((scaled, Conversion { polarity, text, doubt: None }))
}

/// Returns the brightness of each pixel, with the background of the form for transparent ones.
fn opaque(image: &Raster<2>, is_inverted: bool, form: &Form) -> Vec<u8> {
    let clear = u32::from(form.background.unwrap_or_default());
    let level = |[grey, alpha]: [u8; 2]| {
        let grey = u32::from(if is_inverted { 255 - grey } else { grey });
        (grey * u32::from(alpha) + clear * u32::from(255 - alpha) + 127) / 255
    };
    image.pixels().iter().map(|pixel| level(*pixel) as u8).collect()
}

/// Returns the polarity: dark on light if more of the image is darker than its background. A
/// transparent border counts as medium grey.
fn detect_polarity(image: &Raster<2>, background: Option<&Background>) -> Polarity {
    let tolerance = background.map_or(0, |background| background.tolerance);
    let (mut lighter, mut darker) = (0_u64, 0_u64);
    for (x, y, [grey, alpha]) in image.enumerate() {
        let reference = background.map_or(128, |background| background.at((x, y), image.dimensions()));
        let weight = |difference: u8| if difference > tolerance { u64::from(difference) * u64::from(alpha) } else { 0 };
        lighter += weight(grey.saturating_sub(reference));
        darker += weight(reference.saturating_sub(grey));
    }
    if darker > lighter { Polarity::DarkOnLight } else { Polarity::LightOnDark }
}

/// Returns the brightness, inverted if the subject is dark.
fn light(grey: u8, polarity: Polarity) -> u8 {
    match polarity {
        Polarity::LightOnDark => grey,
        Polarity::DarkOnLight => 255 - grey,
    }
}

/// Returns each pixel's contrast to the background: 0 at or below it and for transparent pixels,
/// 255 for the lightest.
fn stand_out(image: &Raster<2>, polarity: Polarity, background: Option<&Background>) -> Vec<u8> {
    let level = |(x, y, [grey, alpha]): (u32, u32, [u8; 2])| {
        let background = background.map_or(0, |background| light(background.at((x, y), image.dimensions()), polarity));
        let most = u32::from(255 - background).max(1);
        let above = u32::from(light(grey, polarity).saturating_sub(background));
        ((255 * above + most / 2) / most * u32::from(alpha) + 127) / 255
    };
    image.enumerate().map(|pixel| level(pixel) as u8).collect()
}

/// Puts the subject of `levels`, the pixels above `least`, into an image of `rows` and `columns`,
/// like the subjects of the data set. Returns the image, and the changes in words.
fn frame(levels: &Raster<1>, least: u8, (rows, columns): (u32, u32), form: &Form) -> Option<(Vec<u8>, String)> {
    let (width, height) = levels.dimensions();
    let around = blur(levels, SPECK * width.max(height) as f32);
    let is_subject = |level: u8, around: u8| level > least && around > least.min(TOLERANCE);
    let subject = levels
        .values()
        .iter()
        .zip(around.values())
        .map(|(level, around)| if is_subject(*level, *around) { *level } else { 0 });
    let subject = Raster::<1>::new(width, height, subject.collect())?;
    let standing_out = || subject.enumerate().filter(|(.., [level])| *level > 0);
    let (left, right) = ends(standing_out().map(|(x, ..)| x))?;
    let (top, bottom) = ends(standing_out().map(|(_, y, _)| y))?;

    let found = Subject::of(subject.values(), width as usize)?;
    let [row, column] = form.place(&found);
    let slack = (0.5 / f64::from(rows.max(columns))).min(MAX_SLACK);
    let (area, other) = (u64::from(width) * u64::from(rows), u64::from(height) * u64::from(columns));
    // At most half a pixel of the target.
    let has_same_aspect = 2 * area.abs_diff(other) * u64::from(rows.max(columns)) <= area.max(other);
    if has_same_aspect
        && form.fill.holds(found.fill, slack)
        && form.row.holds(row, slack)
        && form.column.holds(column, slack)
    {
        let scaled = resize(levels, columns, rows);
        return Some((
            scaled.into_values(),
            format!("scaled to {rows} and {columns}, framed like the training images"),
        ));
    }

    let (height, width) = (bottom - top + 1, right - left + 1);
    let cropped = levels.crop((left, top), (width, height));
    // The direction that fills its part first decides. The other is rounded, to at least one pixel.
    let fill = |whole: u32| round(form.fill.median * f64::from(whole)).max(1.0) as u32;
    let (most_rows, most_columns) = (fill(rows), fill(columns));
    let share = |side: u32, all: u32, whole: u32| (side * all + whole / 2) / whole;
    let (new_height, new_width) = if width * most_rows >= height * most_columns {
        (share(height, most_columns, width).clamp(1, most_rows), most_columns)
    } else {
        (most_rows, share(width, most_rows, height).clamp(1, most_columns))
    };
    let scaled = resize(&cropped, new_width, new_height);
    let centre = match form.centre {
        Centre::Box => [0.5, 0.5],
        Centre::Mass => Subject::of(scaled.values(), new_width as usize).map_or([0.5, 0.5], |subject| subject.mass),
    };
    // Like Fashion-MNIST: the larger half of an odd margin is at the top and at the left.
    let start = |place: f64, whole: u32, centre: f64, length: u32| {
        let start = place * f64::from(whole) - centre * f64::from(length);
        (ceil(start - 1e-9).max(0.0) as u32).min(whole - length)
    };
    let x = start(form.column.median, columns, centre[1], new_width);
    let y = start(form.row.median, rows, centre[0], new_height);
    let mut framed = Raster::<1>::new(columns, rows, vec![0; columns as usize * rows as usize])?;
    framed.replace(&scaled, (x, y));
    let place = if *form == Form::FASHION_MNIST { "centred" } else { "placed like the training images" };
    let text = format!("cropped to {height} rows and {width} columns, scaled to {new_height} and {new_width}, {place}");
    Some((framed.into_values(), text))
}

/// Scales the contrast of `pixels` to the largest that the training images have, or to the
/// smallest, if it is outside. Returns the change in words.
fn match_contrast(pixels: &mut [u8], form: &Form) -> Option<String> {
    let largest = pixels.iter().copied().max().filter(|largest| *largest > 0)?;
    let peak = f64::from(largest) / 255.0;
    // `clamp` has a panic that formats floats, which is a tenth of the page.
    let wanted = peak.max(form.peak.least).min(form.peak.largest);
    let target = round(255.0 * wanted) as u8;
    if target == largest {
        return None;
    }
    let factor = wanted / peak;
    pixels.iter_mut().for_each(|pixel| *pixel = round(f64::from(*pixel) * factor) as u8);
    Some(format!("contrast {} to that of the training images", if target > largest { "raised" } else { "lowered" }))
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
    use super::*;
    use crate::form::Span;

    /// Converts without a data set, as for a model that is not in its run.
    fn convert(
        image: &Raster<2>,
        rows: usize,
        columns: usize,
        polarity: Option<Polarity>,
    ) -> Option<(Vec<u8>, Conversion)> {
        super::convert(image, (rows, columns), polarity, &Form::FASHION_MNIST)
    }

    /// Creates an image of opaque pixels, `[row][column]`.
    fn opaque(greys: &[u8], width: u32) -> Raster<2> {
        let pixels = greys.iter().flat_map(|&grey| [grey, 255]).collect();
        Raster::<2>::new(width, greys.len() as u32 / width, pixels).unwrap()
    }

    /// Draws a rectangle, 20 columns from 30 and 60 rows from 10, in an image of 100 columns and 80
    /// rows.
    fn rectangle(inside: [u8; 2], outside: [u8; 2]) -> Raster<2> {
        let is_inside = |x, y| (30..50).contains(&x) && (10..70).contains(&y);
        Raster::from_fn(100, 80, |x, y| if is_inside(x, y) { inside } else { outside })
    }

    #[test]
    fn an_image_of_the_target_size_is_kept_or_inverted() {
        let greys = [3, 0, 7, 1, 200, 2, 9, 0, 0];
        let (pixels, conversion) = convert(&opaque(&greys, 3), 3, 3, None).unwrap();
        assert_eq!((pixels.as_slice(), conversion.text.as_str()), (&greys[..], "taken as it is"));
        assert_eq!(conversion.doubt, None);
        // Only the user knows that it is inverted; data sets have images with a light border.
        let inverted = greys.map(|grey| 255 - grey);
        let (pixels, conversion) = convert(&opaque(&inverted, 3), 3, 3, None).unwrap();
        assert_eq!((pixels.as_slice(), conversion.text.as_str()), (&inverted[..], "taken as it is"));
        assert!(conversion.doubt.unwrap().contains("--polarity dark-on-light"));
        let (pixels, conversion) = convert(&opaque(&inverted, 3), 3, 3, Some(Polarity::DarkOnLight)).unwrap();
        assert_eq!((pixels.as_slice(), conversion.text.as_str()), (&greys[..], "inverted"));
        let dark = Form { background: Some(255), polarity: Polarity::DarkOnLight, ..Form::FASHION_MNIST };
        let (pixels, conversion) = super::convert(&opaque(&inverted, 3), (3, 3), None, &dark).unwrap();
        assert_eq!((pixels.as_slice(), conversion.doubt), (&inverted[..], None));
    }

    #[test]
    fn transparent_pixels_are_background() {
        let pixels = [[255, 0], [200, 128], [77, 255], [0, 0]];
        let image = Raster::<2>::new(2, 2, pixels.concat()).unwrap();
        let converted = |polarity| convert(&image, 2, 2, Some(polarity)).unwrap().0;
        assert_eq!(converted(Polarity::LightOnDark), [0, 100, 77, 0]);
        assert_eq!(converted(Polarity::DarkOnLight), [0, 28, 178, 0]);
        // On a transparent background.
        for (grey, polarity) in [(20, Polarity::DarkOnLight), (220, Polarity::LightOnDark)] {
            let (pixels, conversion) = convert(&rectangle([grey, 255], [grey, 0]), 28, 28, None).unwrap();
            assert_eq!(conversion.polarity, polarity);
            assert_eq!([pixels[14 * 28 + 14], pixels[14 * 28 + 3]], [light(grey, polarity), 0]);
        }
    }

    #[test]
    fn the_object_is_cropped_scaled_and_centred() {
        let black = [0, 255];
        for (inside, outside, text) in [
            (black, [255, 255], "inverted, cropped to"),
            (black, [90, 255], "inverted, background made black, cropped to"),
            ([255, 255], [90, 255], "background made black, cropped to"),
            ([255, 255], black, "cropped to"),
        ] {
            let (pixels, conversion) = convert(&rectangle(inside, outside), 28, 28, None).unwrap();
            let text = format!("{text} 60 rows and 20 columns, scaled to 28 and 9, centred");
            assert_eq!(conversion.text, text);
            // Nine of 28 columns: the margin has ten at the left and nine at the right.
            let row: Vec<u8> = [[0; 10].as_slice(), &[255; 9], &[0; 9]].concat();
            assert!(pixels.chunks(28).all(|found| found == row), "{inside:?} on {outside:?}");
        }
    }

    /// The form of MNIST's digits, of which 20 of 28 pixels are filled.
    fn digits(background: u8, polarity: Polarity) -> Form {
        let fill = Span { least: 0.5, median: 20.0 / 28.0, largest: 0.8 };
        let place = Span { least: 0.45, median: 0.5, largest: 0.55 };
        let peak = Span { least: 0.9, median: 1.0, largest: 1.0 };
        Form { background: Some(background), polarity, fill, row: place, column: place, peak, ..Form::FASHION_MNIST }
    }

    #[test]
    fn an_image_is_framed_like_the_data_set() {
        // 60 rows of 80 would fill 20 rows of 28. The contrast of 90 on 180 is raised to 0.9.
        let image = rectangle([90, 255], [180, 255]);
        for (background, polarity) in [(0, Polarity::LightOnDark), (200, Polarity::DarkOnLight)] {
            let (pixels, conversion) = super::convert(&image, (28, 28), None, &digits(background, polarity)).unwrap();
            let inverted = if polarity == Polarity::LightOnDark {
                "inverted, background made black"
            } else {
                "background made even"
            };
            let text = format!(
                "{inverted}, cropped to 60 rows and 20 columns, scaled to 20 and 7, placed like the training images, \
                 contrast raised to that of the training images"
            );
            assert_eq!((conversion.text, conversion.doubt), (text, None));
            let inside = if polarity == Polarity::LightOnDark { 230 } else { 20 };
            for (index, pixel) in pixels.iter().enumerate() {
                let (row, column) = (index / 28, index % 28);
                let is_inside = (4..24).contains(&row) && (11..18).contains(&column);
                let expected = if is_inside { inside } else { background };
                assert!(pixel.abs_diff(expected) <= 1, "{row} {column}: {pixel}");
            }
        }
    }

    #[test]
    fn an_image_that_is_framed_like_the_data_set_is_only_scaled() {
        let bar = |x, y| (100..180).contains(&y) && (135..155).contains(&x);
        let image = Raster::from_fn(280, 280, |x, y| [if bar(x, y) { 0 } else { 255 }, 255]);
        let form = Form { fill: Span { least: 0.25, median: 0.7, largest: 0.8 }, ..digits(0, Polarity::LightOnDark) };
        let (pixels, conversion) = super::convert(&image, (28, 28), None, &form).unwrap();
        assert_eq!(conversion.text, "inverted, scaled to 28 and 28, framed like the training images");
        assert_eq!((pixels[14 * 28 + 14], pixels[5 * 28 + 14], pixels[14 * 28 + 9]), (255, 0, 0));
    }

    #[test]
    fn images_of_a_data_set_without_background_are_scaled_as_a_whole() {
        let form =
            Form { background: None, mean: Span { least: 0.1, median: 0.3, largest: 0.4 }, ..Form::FASHION_MNIST };
        let stripes =
            |light: u8| Raster::from_fn(80, 40, move |x, _| [if x % 20 < 10 { light } else { 255 - light }, 255]);
        let (pixels, conversion) = super::convert(&stripes(60), (4, 4), None, &form).unwrap();
        assert_eq!(conversion.text, "cropped to 40 rows and 40 columns, scaled to 4 and 4");
        assert!(pixels.iter().any(|pixel| *pixel > 150) && pixels.iter().any(|pixel| *pixel < 100));
        let bright = Raster::from_fn(40, 40, |x, _| [if x < 20 { 150 } else { 240 }, 255]);
        let (pixels, conversion) = super::convert(&bright, (4, 4), None, &form).unwrap();
        assert_eq!((conversion.polarity, pixels[0], pixels[3]), (Polarity::DarkOnLight, 105, 15));
    }

    #[test]
    fn a_shadow_is_not_the_subject() {
        // Ink has a quarter of the brightness of the paper.
        let ink = |x, y| (60..180).contains(&x) && (60..220).contains(&y) && (x / 20 + y / 20) % 2 == 0;
        let lit = |light: fn(u32, u32) -> f64| {
            Raster::from_fn(400, 300, |x, y| [(light(x, y) / if ink(x, y) { 4.0 } else { 1.0 }) as u8, 255])
        };
        let (expected, _) = convert(&lit(|_, _| 240.0), 16, 12, None).unwrap();
        for light in [
            (|x, _| 170.0 + 70.0 * f64::from(x) / 400.0) as fn(u32, u32) -> f64,
            |_, y| 240.0 - 90.0 * f64::from(y) / 300.0,
            |x, y| 250.0 - 60.0 * ((f64::from(x) / 200.0 - 1.0).powi(2) + (f64::from(y) / 150.0 - 1.0).powi(2)),
        ] {
            let (pixels, conversion) = convert(&lit(light), 16, 12, None).unwrap();
            assert!(conversion.text.contains("cropped to 160 rows and 120 columns"), "{}", conversion.text);
            assert_eq!(conversion.doubt, None);
            assert!(pixels.iter().zip(&expected).all(|(pixel, expected)| pixel.abs_diff(*expected) < 16));
        }
        // The shadow of a hand.
        for light in [(|x, _| if x > 290 { 150.0 } else { 230.0 }) as fn(u32, u32) -> f64, |x, _| {
            240.0 - 70.0 / (1.0 + ((300.0 - f64::from(x)) / 12.0).exp())
        }] {
            let (_, conversion) = convert(&lit(light), 16, 12, None).unwrap();
            assert!(conversion.text.contains("cropped to 160 rows and 120 columns"), "{}", conversion.text);
            assert!(conversion.doubt.is_some());
        }
        // The sharp edge of a table is not paper.
        let (_, conversion) =
            convert(&lit(|x, y| if x > 250 && y > 100 { 40.0 } else { 230.0 }), 16, 12, None).unwrap();
        assert!(conversion.doubt.unwrap().contains("no uniform background"));
        let faint = convert(&rectangle([225, 255], [250, 255]), 28, 28, None).unwrap().1;
        assert!(faint.doubt.unwrap().contains("hardly differs"));
    }

    #[test]
    fn every_shape_converts_to_every_other() {
        for (width, height) in [(1, 1000), (1000, 1), (2, 2), (300, 7), (31, 31)] {
            let point = |x, y| if (x, y) == (width / 2, height / 2) { [255, 255] } else { [0, 255] };
            let image = Raster::from_fn(width, height, point);
            for (rows, columns) in [(1, 1), (28, 28), (4, 9), (16_384, 1), (1, 16_384)] {
                let (pixels, _) = convert(&image, rows, columns, None).unwrap();
                assert_eq!(pixels.len(), rows * columns);
                assert!(pixels.contains(&255), "{width} x {height} to {rows} x {columns}");
            }
        }
    }

    #[test]
    fn shrinking_averages() {
        let stripes = Raster::from_fn(560, 560, |x, y| {
            let is_edge = x < 10 || y < 10 || x >= 550 || y >= 550;
            [if is_edge || (x / 2) % 2 == 0 { 0 } else { 255 }, 255]
        });
        let (pixels, _) = convert(&stripes, 27, 27, None).unwrap();
        let middle = &pixels[13 * 27 + 2..13 * 27 + 25];
        assert!(middle.iter().all(|pixel| (115..=140).contains(pixel)), "{middle:?}");
    }

    #[test]
    fn specks_are_ignored() {
        let image = rectangle([255, 255], [0, 255]);
        let (expected, _) = convert(&image, 28, 28, None).unwrap();
        let image = Raster::from_fn(1000, 800, |x, y| match (x, y) {
            (3, 3) | (900, 790) | (500, 5) => [255, 255],
            (900..910, 400..410) => [18, 255],
            _ => image.get(x / 10, y / 10),
        });
        let (pixels, conversion) = convert(&image, 28, 28, None).unwrap();
        assert_eq!(conversion.text, "cropped to 600 rows and 200 columns, scaled to 28 and 9, centred");
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
        let transparent = Raster::from_fn(40, 40, |_, _| [0, 0]);
        assert_eq!(convert(&transparent, 28, 28, None), None);
        let white_on_black = rectangle([255, 255], [0, 255]);
        assert_eq!(convert(&white_on_black, 28, 28, Some(Polarity::DarkOnLight)), None);
    }
}
