//! Pictures of every class, in a grid: what a data set looks like.

use std::borrow::Cow;

use maud::html;

use super::PlotError;
use super::image::data_uri;
use super::style::{FONT, TEXT_SIZE, TITLE_SIZE};
use crate::dataset::Split;

/// Rows of pictures of a class.
const ROWS: usize = 3;

/// Pictures in a row, at most.
const COLUMNS: usize = 20;

/// Pixels that are drawn, at most, but for one column: with many classes of large pictures columns are fewer.
const MAX_PIXELS: usize = 16 << 20;

/// Longer side of a picture as it is drawn: small ones are enlarged to about the first, large ones reduced to the second.
const SIDES: [usize; 2] = [48, 64];

/// Characters of a class name, at most, and the width of one.
const NAME_LENGTH: usize = 24;
const CHARACTER_WIDTH: f64 = 0.6 * TEXT_SIZE as f64;

/// Space around everything, and between classes.
const MARGIN: f64 = 16.0;
const GAP: f64 = 6.0;

/// The first pictures of each class in `split`, each `rows` by `columns` pixels, beside the class's name; a place stays
/// white where a class has fewer.
///
/// # Errors
///
/// Where pixels cannot be written as PNG.
pub fn samples(split: &Split, names: &[String], rows: usize, columns: usize) -> Result<String, PlotError> {
    let most = split.counts(names.len()).into_iter().max().unwrap_or(0).div_ceil(ROWS);
    let affordable = MAX_PIXELS / (names.len() * ROWS * rows * columns).max(1);
    let across = most.min(affordable).clamp(1, COLUMNS);
    let scale = scale(rows.max(columns));
    let (wide, high) = (strip_side(across, columns), strip_side(ROWS, rows));
    let (width, height) = (scale * wide as f64, scale * high as f64);

    let short = |name| console::truncate_str(name, NAME_LENGTH, "\u{2026}");
    let shown: Vec<Cow<'_, str>> = names.iter().map(|name| short(name)).collect();
    let longest = shown.iter().map(|name| console::measure_text_width(name)).max().unwrap_or(0);
    let left = MARGIN + longest as f64 * CHARACTER_WIDTH + GAP;
    let top = 2.0 * MARGIN + f64::from(TITLE_SIZE);
    let title = format!("The first training pictures of each class, up to {}", ROWS * across);
    let title_width = title.len() as f64 * f64::from(TITLE_SIZE) * 0.55;
    let full_width = (left + width).max(MARGIN + title_width) + MARGIN;
    let full_height = top + names.len() as f64 * (height + GAP) + MARGIN - GAP;

    let mut strips = Vec::with_capacity(names.len());
    for (class, (name, shown)) in names.iter().zip(&shown).enumerate() {
        let uri = data_uri(&strip(split, class, across, (rows, columns)), high, wide)?;
        strips.push((top + class as f64 * (height + GAP), name, shown, uri));
    }
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(full_width.ceil()) height=(full_height.ceil())
            viewBox={ "0 0 " (full_width.ceil()) " " (full_height.ceil()) } font-family=(FONT) font-size=(TEXT_SIZE) {
            rect width="100%" height="100%" fill="white" {}
            text x=(MARGIN) y=(MARGIN + f64::from(TITLE_SIZE)) font-size=(TITLE_SIZE) { (title) }
            @for (y, name, shown, uri) in strips {
                text x=(left - GAP) y=(y + height / 2.0) text-anchor="end" dominant-baseline="central" {
                    (shown) title { (name) }
                }
                image x=(left) y=(y) width=(width) height=(height) preserveAspectRatio="none"
                    style="image-rendering:pixelated" href=(uri) {}
            }
        }
    };
    Ok(svg.into_string())
}

/// How large a pixel is drawn where the longer side of a picture is `side`: whole numbers, so that all are as large.
fn scale(side: usize) -> f64 {
    let [small, large] = SIDES;
    if side > large { large as f64 / side as f64 } else { (small / side.max(1)).max(1) as f64 }
}

/// Pixels that `count` pictures of `side` take, side by side, with one of white between them.
fn strip_side(count: usize, side: usize) -> usize {
    count * (side + 1) - 1
}

/// The pixels of the first pictures of `class`, each `rows` by `columns`, `across` in a row.
fn strip(split: &Split, class: usize, across: usize, (rows, columns): (usize, usize)) -> Vec<u8> {
    let width = strip_side(across, columns);
    let mut pixels = vec![u8::MAX; strip_side(ROWS, rows) * width];
    let of_class = split.pictures().zip(&split.labels).filter(|(_, label)| usize::from(**label) == class);
    for (place, (picture, _)) in of_class.take(ROWS * across).enumerate() {
        let (top, left) = (place / across * (rows + 1), place % across * (columns + 1));
        for (line, row) in picture.chunks_exact(columns).enumerate() {
            let start = (top + line) * width + left;
            if let Some(target) = pixels.get_mut(start..start + columns) {
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
    fn pictures_stand_side_by_side_and_absent_ones_are_white() {
        // Two rows, one column; class 1 has four pictures, class 0 one.
        let split = Split { width: 2, pixels: (0..10).collect(), labels: vec![1, 1, 0, 1, 1] };
        let white = [255; 3];
        let rows = [[0, 255, 2], [1, 255, 3], white, [6, 255, 8], [7, 255, 9], white, white, white];
        assert_eq!(strip(&split, 1, 2, (2, 1)), rows.concat());
        assert_eq!(strip(&split, 0, 1, (2, 1)), [4, 5, 255, 255, 255, 255, 255, 255]);
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
            let svg = samples(&split, &names, rows, columns).unwrap();
            assert!(svg.contains("&lt;1&gt; &amp; \u{670d}x") && !svg.contains("<1>"));
            assert_eq!(svg.matches("<image").count(), classes);
            assert_eq!(svg.matches("</image>").count(), classes);
        }
        let empty = Split { width: 4, pixels: Vec::new(), labels: Vec::new() };
        samples(&empty, &["a".to_owned(), "b".to_owned()], 2, 2).unwrap();
    }

    #[test]
    fn small_pictures_are_enlarged_by_whole_numbers() {
        assert_eq!([1, 6, 28, 48, 64, 128].map(scale), [48.0, 8.0, 1.0, 1.0, 1.0, 0.5]);
    }
}
