//! The most confident mistakes, as pictures.

use maud::{Markup, html};
use plotters::style::RGBColor;

use super::style::{FAINT, FONT, INK, MARGIN, TEXT_SIZE, TITLE_SIZE};
use super::text::{fit, width};
use super::{PlotError, image};
use crate::data::Split;
use crate::model::{Evaluation, Mistake};
use crate::text::percent;

const COLUMNS: usize = 6;
const TITLE_HEIGHT: i32 = 44;

/// Side of the square that a picture fills as far as its shape lets it.
const PICTURE: f64 = 120.0;

/// Width of a picture with its words, and height of these.
const TILE: i32 = 158;
const WORDS: i32 = 66;

/// The mistakes that `evaluation` names, with their pictures from `test`, of `rows` times `columns` pixels.
///
/// # Errors
///
/// Where `test` is another split: it has no such picture, or one of another size.
pub fn mistakes(evaluation: &Evaluation, test: &Split, rows: usize, columns: usize) -> Result<String, PlotError> {
    let shown = &evaluation.mistakes;
    // Even a picture of one row can be seen.
    let side = |length: usize| (PICTURE * length as f64 / rows.max(columns).max(1) as f64).max(4.0) as i32;
    let size = [side(columns), side(rows)];
    let tile_height = size[1] + WORDS;
    let mut tiles = Vec::new();
    for (place, mistake) in shown.iter().enumerate() {
        let picture = image::data_uri(test.image(mistake.index), rows, columns)?;
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        let corner = [MARGIN + TILE * column as i32, TITLE_HEIGHT + tile_height * row as i32];
        tiles.push(tile(corner, &picture, size, mistake, evaluation));
    }
    let title = title(evaluation);
    let wide = 2 * MARGIN + i32::max(TILE * shown.len().min(COLUMNS) as i32, width(&title, TITLE_SIZE) as i32);
    let high = TITLE_HEIGHT + tile_height * shown.len().div_ceil(COLUMNS) as i32 + MARGIN;
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(wide) height=(high) viewBox={ "0 0 " (wide) " " (high) }
            font-family=(FONT) font-size=(TEXT_SIZE) fill=(hex(INK)) {
            rect width=(wide) height=(high) fill="white" {}
            text x=(MARGIN) y=(TITLE_HEIGHT * 5 / 8) font-size=(TITLE_SIZE) { (title) }
            @for tile in tiles { (tile) }
        }
    };
    Ok(svg.into_string() + "\n")
}

fn title(evaluation: &Evaluation) -> String {
    let Evaluation { images: pictures, correct, .. } = evaluation;
    let all = pictures.saturating_sub(*correct);
    match evaluation.mistakes.len() {
        0 if all == 0 => format!("No mistakes: all {pictures} test pictures are classified rightly"),
        count if count == all as usize => {
            format!("All mistakes, {count} in {pictures} test pictures, the most confident first: true \u{2192} given")
        }
        count => {
            format!("The {count} most confident of {all} mistakes in {pictures} test pictures: true \u{2192} given")
        }
    }
}

/// A picture, and below it what it is, what it is given, how surely, and which one it is.
fn tile([x, y]: [i32; 2], picture: &str, [wide, high]: [i32; 2], mistake: &Mistake, evaluation: &Evaluation) -> Markup {
    let name = |class: usize| evaluation.classes.get(class).map_or("", |class| class.name.as_str());
    let most = f64::from(TILE - MARGIN);
    let truth = fit(name(mistake.label), TEXT_SIZE, most - width(" \u{2192}", TEXT_SIZE));
    let given = fit(name(mistake.class), TEXT_SIZE, most);
    let below = y + high;
    html! {
        image href=(picture) x=(x) y=(y) width=(wide) height=(high)
            preserveAspectRatio="none" style="image-rendering:pixelated" {}
        text x=(x) y=(below + 17) { (truth) " \u{2192}" }
        text x=(x) y=(below + 33) { (given) }
        text x=(x) y=(below + 48) font-size=(TEXT_SIZE - 2) fill=(hex(FAINT)) {
            (percent(mistake.probability)) ", picture " (mistake.index)
        }
    }
}

fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::evaluation;

    fn split() -> Split {
        Split { width: 6, pixels: (0..60).collect(), labels: vec![0; 10] }
    }

    #[test]
    fn each_mistake_has_its_picture_and_words() {
        let mut evaluation = evaluation(&["<b>&\"", "an extraordinarily long name of a class"], 10);
        let mistake = |index| Mistake { index, label: 0, class: 1, probability: 0.987_654 };
        evaluation.mistakes = (0..8).map(mistake).collect();
        let svg = mistakes(&evaluation, &split(), 2, 3).unwrap();
        assert_eq!((svg.matches("<image").count(), svg.matches("98.77 %").count()), (8, 8));
        assert_eq!(svg.matches("&lt;b&gt;&amp;&quot; \u{2192}").count(), 8);
        for text in ["an extra", "\u{2026}</text>", "98.77 %, picture 7<", "The 8 most confident of 2 mistakes"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        for (index, pixels) in split().images().enumerate().take(8) {
            assert!(svg.contains(&image::data_uri(pixels, 2, 3).unwrap()), "picture {index}");
        }
    }

    #[test]
    fn no_mistakes_are_said_to_be_none() {
        let mut right = evaluation(&["one", "two"], 10);
        right.correct = right.images;
        let svg = mistakes(&right, &split(), 2, 3).unwrap();
        assert!(svg.contains("No mistakes: all 22 test") && !svg.contains("<image"), "{svg}");
    }

    #[test]
    fn pictures_of_another_split_are_refused() {
        let mut evaluation = evaluation(&["one", "two"], 10);
        evaluation.mistakes = vec![Mistake { index: 10, label: 0, class: 1, probability: 0.5 }];
        assert!(matches!(mistakes(&evaluation, &split(), 2, 3), Err(PlotError::Pixels { found: 0, .. })));
    }
}
