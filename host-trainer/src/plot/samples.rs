//! Sample images of every class of a data set, in a grid.

use maud::html;

use super::PlotError;
use super::image::{Size, data_uri};
use super::text::{fit, width};
use crate::data::Split;
use host_support::style::{MARGIN, TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, text};

const ROWS: usize = 3;

/// Largest number of images in a row.
const MAX_COLUMNS: usize = 20;

/// Largest number of pixels, unless there is one column: many classes of large images get fewer
/// columns.
const MAX_PIXELS: usize = 16 << 20;

/// Longer side of an image, in drawn pixels: small images are enlarged to about the first, large
/// ones reduced to the second.
const SIDES: [usize; 2] = [48, 64];

/// Largest width of a class name, in pixels.
const MAX_NAME_WIDTH: f64 = 180.0;

/// Space between classes, and next to their names, in pixels.
const GAP: f64 = 6.0;

/// Plots the first images of each class in `split`, of this size, next to the class's name.
pub fn samples(split: &Split, names: &[String], size: Size) -> Result<String, PlotError> {
    let [rows, columns, channels] = size;
    let columns_needed = split.count_classes(names.len()).into_iter().max().unwrap_or(0).div_ceil(ROWS);
    let affordable = MAX_PIXELS / (names.len() * ROWS * rows * columns * channels).max(1);
    let across = columns_needed.min(affordable).clamp(1, MAX_COLUMNS);
    let scale = scale(rows.max(columns));
    let (wide, high) = (strip_side(across, columns), strip_side(ROWS, rows));
    let (strip_width, strip_height) = (scale * wide as f64, scale * high as f64);

    let shown: Vec<String> = names.iter().map(|name| fit(name, TEXT_SIZE, MAX_NAME_WIDTH)).collect();
    let title = format!("The first training images of each class, up to {}", ROWS * across);
    let margin = f64::from(MARGIN);
    let left = margin + shown.iter().map(|name| width(name, TEXT_SIZE)).fold(0.0, f64::max) + GAP;
    let top = 2.0 * margin + f64::from(TITLE_SIZE);
    let full_width = (left + strip_width).max(margin + width(&title, TITLE_SIZE)) + margin;
    // Images may be lower than their class's name.
    let class_height = strip_height.max(f64::from(TEXT_SIZE)) + GAP;
    let full_height = top + names.len() as f64 * class_height - GAP + margin;

    let strips = shown.iter().enumerate().map(|(class, name)| {
        let pixels = strip(split, class, across, size);
        Ok((top + class as f64 * class_height, name, data_uri(&pixels, [high, wide, channels])?))
    });
    let strips = strips.collect::<Result<Vec<_>, PlotError>>()?;
    let content = html! {
        (text([full_width / 2.0, margin + f64::from(TITLE_SIZE) / 2.0], Anchor::Middle, TITLE_SIZE, &title))
        @for (y, name, pixels) in strips {
            (text([left - GAP, y + strip_height / 2.0], Anchor::End, TEXT_SIZE, name))
            image x=(left) y=(y) width=(strip_width) height=(strip_height) preserveAspectRatio="none"
                style="image-rendering:pixelated" href=(pixels) {}
        }
    };
    Ok(Drawing { size: [full_width, full_height], content }.document(&title))
}

/// Returns the drawn size of a pixel if the longer side of an image is `side`. Enlarging by whole
/// numbers keeps all pixels the same size.
fn scale(side: usize) -> f64 {
    let [small, large] = SIDES;
    if side > large { large as f64 / side as f64 } else { (small / side.max(1)).max(1) as f64 }
}

/// Returns the length of `count` images of `side` next to each other, with a white pixel between
/// them.
fn strip_side(count: usize, side: usize) -> usize {
    count * (side + 1) - 1
}

/// Returns the pixels of the first images of `class`, `across` in a row.
fn strip(split: &Split, class: usize, across: usize, [rows, columns, channels]: Size) -> Vec<u8> {
    let width = strip_side(across, columns) * channels;
    let mut pixels = vec![u8::MAX; strip_side(ROWS, rows) * width];
    let of_class = split.images().zip(&split.labels).filter(|(_, label)| usize::from(**label) == class);
    for (place, (image, _)) in of_class.take(ROWS * across).enumerate() {
        let (top, left) = (place / across * (rows + 1), place % across * (columns + 1) * channels);
        for (line, row) in image.chunks_exact(columns * channels).enumerate() {
            let start = (top + line) * width + left;
            if let Some(target) = pixels.get_mut(start..start + row.len()) {
                target.copy_from_slice(row);
            }
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_fill_a_grid_and_the_rest_is_white() {
        // Two rows, one column; class 1 has four images, class 0 one.
        let split = Split { width: 2, pixels: (0..10).collect(), labels: vec![1, 1, 0, 1, 1] };
        let white = [255; 3];
        let rows = [[0, 255, 2], [1, 255, 3], white, [6, 255, 8], [7, 255, 9], white, white, white];
        assert_eq!(strip(&split, 1, 2, [2, 1, 1]), rows.concat());
        assert_eq!(strip(&split, 0, 1, [2, 1, 1]), [4, 5, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn the_channels_of_a_pixel_stay_together() {
        let split = Split { width: 6, pixels: (0..12).collect(), labels: vec![0, 0] };
        let pixels = strip(&split, 0, 2, [1, 2, 3]);
        let row = [0, 1, 2, 3, 4, 5, 255, 255, 255, 6, 7, 8, 9, 10, 11];
        assert_eq!((pixels.len(), &pixels[..15]), (75, &row[..]));
    }

    #[test]
    fn any_shape_and_any_names_can_be_drawn() {
        for (rows, columns, classes) in [(28, 28, 10), (1, 16_384, 2), (16_384, 1, 2), (3, 2, 256), (128, 128, 256)] {
            let width = rows * columns;
            let split = Split {
                width,
                pixels: vec![7; classes * width],
                labels: (0..classes).map(|class| class as u8).collect(),
            };
            let names: Vec<String> =
                (0..classes).map(|class| format!("<{class}> & \u{670d}{}", "x".repeat(class))).collect();
            let svg = samples(&split, &names, [rows, columns, 1]).unwrap();
            assert!(svg.contains("&lt;1&gt; &amp; \u{670d}x<") && !svg.contains("<1>"));
            assert_eq!(svg.matches("<image").count(), classes);
            assert_eq!(svg.matches("</image>").count(), classes);
        }
        let empty = Split { width: 4, pixels: Vec::new(), labels: Vec::new() };
        samples(&empty, &["a".to_owned(), "b".to_owned()], [2, 2, 1]).unwrap();
    }

    #[test]
    fn names_of_low_images_do_not_overlap() {
        let split = Split { width: 400, pixels: vec![7; 800], labels: vec![0, 1] };
        let svg = samples(&split, &["a".to_owned(), "b".to_owned()], [1, 400, 1]).unwrap();
        let tops: Vec<f64> =
            svg.split("<image ").skip(1).filter_map(|image| image.split('"').nth(3)?.parse().ok()).collect();
        assert!(tops.len() == 2 && tops[1] - tops[0] >= f64::from(TEXT_SIZE), "{tops:?}");
    }

    #[test]
    fn small_images_are_enlarged_by_whole_numbers() {
        assert_eq!([1, 6, 28, 48, 64, 128].map(scale), [48.0, 8.0, 1.0, 1.0, 1.0, 0.5]);
    }
}
