//! The most confident mistakes, with their images.

use maud::{Markup, html};

use super::text::{fit, width};
use super::{PlotError, image};
use crate::data::Split;
use crate::model::{Evaluation, Mistake};
use crate::text::{count, percent};
use host_support::style::{MARGIN, TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, faint_text, text};

const COLUMNS: usize = 6;
const TITLE_HEIGHT: i32 = 44;

/// Longer side of an image, in pixels.
const IMAGE_SIDE: f64 = 120.0;

/// Width of an image with its caption.
const TILE: i32 = 158;
const CAPTION: i32 = 66;

/// Plots the mistakes of `evaluation` with their images from `test`, of this size.
///
/// # Errors
///
/// Returns an error if `test` is another split: it does not have an image, or its size differs.
pub fn mistakes(evaluation: &Evaluation, test: &Split, image_size: image::Size) -> Result<String, PlotError> {
    let [rows, columns, _] = image_size;
    let shown = &evaluation.mistakes;
    // At least 4 pixels: an image of one row must be visible.
    let side = |length: usize| (IMAGE_SIDE * length as f64 / rows.max(columns).max(1) as f64).max(4.0) as i32;
    let size = [side(columns), side(rows)];
    let tile_height = size[1] + CAPTION;
    let mut tiles = Vec::new();
    for (place, mistake) in shown.iter().enumerate() {
        let data = image::data_uri(test.image(mistake.index), image_size)?;
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        let corner = [MARGIN + TILE * column as i32, TITLE_HEIGHT + tile_height * row as i32];
        tiles.push(tile(corner, &data, size, mistake, evaluation));
    }
    let title = title(evaluation);
    let wide = 2 * MARGIN + i32::max(TILE * shown.len().min(COLUMNS) as i32, width(&title, TITLE_SIZE) as i32);
    let high = TITLE_HEIGHT + tile_height * shown.len().div_ceil(COLUMNS) as i32 + MARGIN;
    let content = html! {
        (text([f64::from(wide) / 2.0, f64::from(TITLE_HEIGHT) / 2.0], Anchor::Middle, TITLE_SIZE, &title))
        @for tile in tiles { (tile) }
    };
    Ok(Drawing { size: [wide, high].map(f64::from), content }.document(&title))
}

fn title(evaluation: &Evaluation) -> String {
    let Evaluation { images, correct, .. } = evaluation;
    let (shown, all) = (evaluation.mistakes.len(), images.saturating_sub(*correct));
    let [images, mistakes] = [*images, all].map(|number| count(number.into()));
    match shown {
        0 if all == 0 => format!("No mistakes: all {images} test images are classified correctly"),
        _ if shown == all as usize => {
            format!("All {mistakes} mistakes in {images} test images, most confident first: true \u{2192} predicted")
        }
        _ => {
            format!(
                "The {shown} most confident of {mistakes} mistakes in {images} test images: true \u{2192} predicted"
            )
        }
    }
}

/// Returns an image with its caption: true class, predicted class, probability and index.
fn tile([x, y]: [i32; 2], data: &str, [wide, high]: [i32; 2], mistake: &Mistake, evaluation: &Evaluation) -> Markup {
    let name = |class: usize| evaluation.classes.get(class).map_or("", |class| class.name.as_str());
    let max_width = f64::from(TILE - MARGIN);
    let truth = fit(name(mistake.label), TEXT_SIZE, max_width - width(" \u{2192}", TEXT_SIZE));
    let predicted = fit(name(mistake.class), TEXT_SIZE, max_width);
    let last = format!("{}, image {}", percent(mistake.probability), mistake.index);
    let below = |distance: f64| [f64::from(x), f64::from(y + high) + distance];
    html! {
        image href=(data) x=(x) y=(y) width=(wide) height=(high)
            preserveAspectRatio="none" style="image-rendering:pixelated" {}
        (text(below(11.0), Anchor::Start, TEXT_SIZE, &format!("{truth} \u{2192}")))
        (text(below(27.0), Anchor::Start, TEXT_SIZE, &predicted))
        (faint_text(below(43.0), Anchor::Start, TEXT_SIZE - 2, &last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PixelBytes;
    use crate::model::tests::evaluation;

    fn split() -> Split {
        Split { width: 6, pixels: (0..60).collect(), labels: vec![0; 10] }
    }

    #[test]
    fn each_mistake_has_its_image_and_caption() {
        let mut evaluation = evaluation(&["<b>&\"", "an extraordinarily long name of a class"], 10);
        let mistake =
            |index| Mistake { index, label: 0, class: 1, probability: 0.987_654, pixels: PixelBytes::default() };
        evaluation.mistakes = (0..8).map(mistake).collect();
        let svg = mistakes(&evaluation, &split(), [2, 3, 1]).unwrap();
        assert_eq!((svg.matches("<image").count(), svg.matches("98.77 %").count()), (8, 8));
        assert_eq!(svg.matches("&lt;b&gt;&amp;&quot; \u{2192}").count(), 8);
        for text in ["an extra", "\u{2026}</text>", "98.77 %, image 7<", "The 8 most confident of 2 mistakes"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        for (index, pixels) in split().images().enumerate().take(8) {
            assert!(svg.contains(&image::data_uri(pixels, [2, 3, 1]).unwrap()), "image {index}");
        }
    }

    #[test]
    fn the_title_says_if_there_are_no_mistakes() {
        let mut perfect = evaluation(&["one", "two"], 10);
        perfect.correct = perfect.images;
        let svg = mistakes(&perfect, &split(), [2, 3, 1]).unwrap();
        assert!(svg.contains("No mistakes: all 22 test") && !svg.contains("<image"), "{svg}");
    }

    #[test]
    fn images_of_another_split_are_refused() {
        let mut evaluation = evaluation(&["one", "two"], 10);
        evaluation.mistakes =
            vec![Mistake { index: 10, label: 0, class: 1, probability: 0.5, pixels: PixelBytes::default() }];
        assert!(matches!(mistakes(&evaluation, &split(), [2, 3, 1]), Err(PlotError::Pixels { found: 0, .. })));
    }
}
