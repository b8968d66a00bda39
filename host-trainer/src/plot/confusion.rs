//! The confusion matrix.

use maud::{Markup, html};

use super::text::{fit, width};
use crate::model::Evaluation;
use crate::text::{count, percent};
use host_support::style::{Colour, MARGIN, TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, axis_line, baseline, faint_text, text};

const TITLE_HEIGHT: f64 = 40.0;
const AXIS_NAME_HEIGHT: f64 = 24.0;

/// Largest side of a cell, in pixels. With ten classes, the matrix is as wide as a phone.
const MAX_CELL: f64 = 32.0;

/// Height of a matrix with smaller cells, in pixels.
const MATRIX: f64 = 720.0;

/// Largest width of a class name, in pixels.
const MAX_NAME_WIDTH: f64 = 110.0;

/// Height of the colour scales below the matrix.
const SCALES: f64 = 70.0;

/// Shares that are marked below the colour scales.
const SHARES: [(f64, &str); 5] = [(0.01, "1 %"), (0.05, "5 %"), (0.25, "25 %"), (0.5, "50 %"), (1.0, "100 %")];

/// Smallest width of a colour scale with all of its marks, in pixels; a smaller one has the outer
/// ones.
const MIN_SCALE: f64 = 200.0;

/// Colour of a cell with all images of its row, classified correctly.
const CORRECT: Colour = Colour(0, 68, 136);

/// The same for mistakes.
const MISTAKE: Colour = Colour(170, 60, 0);

/// Positions and sizes, in pixels.
struct Layout {
    classes: usize,
    /// Side of a cell.
    cell: f64,
    /// Upper left corner of the first cell.
    start: [f64; 2],
    /// `true` if rows and columns have names, `false` if only some have a number.
    has_names: bool,
    /// Font size of the counts in the cells, if they fit.
    count_size: Option<u32>,
}

/// Plots the confusion matrix: test images by true class (rows) and predicted class (columns).
pub fn confusion(evaluation: &Evaluation) -> String {
    let classes = evaluation.confusion.len();
    let names: Vec<String> = (0..classes)
        .map(|class| evaluation.classes.get(class).map_or("", |class| class.name.as_str()))
        .map(|name| fit(name, TEXT_SIZE, MAX_NAME_WIDTH))
        .collect();
    let layout = Layout::of(evaluation, &names);
    let images = count(evaluation.images.into());
    let title = format!("{} of {images} test images classified correctly", percent(evaluation.accuracy));
    let [left, top] = layout.start;
    let right = f64::max(left + layout.side(), width(&title, TEXT_SIZE));
    // The last number of the scale is wider than its end.
    let full_width = right + 1.5 * f64::from(MARGIN);
    let cells = evaluation.confusion.iter().enumerate().flat_map(|(label, row)| {
        // At least 1: a class without images has shares of 0.
        let images = row.iter().map(|count| u64::from(*count)).sum::<u64>().max(1) as f64;
        let cells = row.iter().enumerate().take(classes);
        cells.map(move |(class, &count)| ([label, class], count, f64::from(count) / images))
    });
    let content = html! {
        (text([full_width / 2.0, 18.0], Anchor::Middle, TITLE_SIZE - 2, "Confusion matrix"))
        (faint_text([full_width / 2.0, 38.0], Anchor::Middle, TEXT_SIZE, &title))
        @for (position, count, share) in cells { (layout.cell(position, count, share)) }
        (layout.frame())
        (layout.names(&names))
        (layout.scales())
    };
    Drawing { size: [full_width, top + layout.side() + SCALES], content }
        .document(&format!("Confusion matrix: {title}"))
}

impl Layout {
    fn of(evaluation: &Evaluation, names: &[String]) -> Self {
        let classes = names.len();
        let cell = (MATRIX / classes.max(1) as f64).clamp(3.0, MAX_CELL).floor();
        let has_names = cell > f64::from(TEXT_SIZE);
        let longest = if has_names {
            names.iter().map(|name| width(name, TEXT_SIZE)).fold(0.0, f64::max)
        } else {
            width("000", TEXT_SIZE)
        };
        let largest = evaluation.confusion.iter().flatten().max().copied().unwrap_or_default().to_string();
        let count_size =
            (9..TEXT_SIZE).rev().find(|&size| width(&largest, size) + 2.0 <= cell && f64::from(size) + 2.0 <= cell);
        let start = [
            f64::from(MARGIN) + AXIS_NAME_HEIGHT + longest + 8.0,
            TITLE_HEIGHT + f64::from(MARGIN) + AXIS_NAME_HEIGHT + longest + 8.0,
        ];
        Self { classes, cell, start, has_names, count_size }
    }

    /// Returns the side of the matrix.
    fn side(&self) -> f64 {
        self.cell * self.classes as f64
    }

    /// Returns the upper left corner of a cell.
    fn corner(&self, [row, column]: [usize; 2]) -> [f64; 2] {
        [self.start[0] + self.cell * column as f64, self.start[1] + self.cell * row as f64]
    }

    fn cell(&self, [row, column]: [usize; 2], count: u32, share: f64) -> Markup {
        let ([x, y], side) = (self.corner([row, column]), self.cell);
        let (colour, strength) = (if row == column { CORRECT } else { MISTAKE }, strength(share));
        let (class, ink) = ink_on(colour, strength);
        html! {
            @if count > 0 {
                rect.cell x=(x) y=(y) width=(side) height=(side) fill=(colour.hex()) fill-opacity=(strength) {}
            }
            @if let Some(size) = self.count_size {
                @let middle = [x + side / 2.0, y + side / 2.0];
                @if count == 0 {
                    (faint_text(middle, Anchor::Middle, size, "0"))
                } @else {
                    text class=(class) x=(middle[0]) y=(baseline(middle[1], size)) text-anchor="middle" font-size=(size)
                        fill=(ink) { (count) }
                }
            }
        }
    }

    fn frame(&self) -> Markup {
        let ([left, top], side) = (self.start, self.side());
        let (right, bottom) = (left + side, top + side);
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]];
        html! { @for pair in corners.windows(2) { (axis_line(pair[0], pair[1])) } }
    }

    fn names(&self, names: &[String]) -> Markup {
        let ([left, top], side) = (self.start, self.side());
        // Without names, some rows and columns have numbers, far enough apart to be read.
        let step =
            if self.has_names { 1 } else { (4 * TEXT_SIZE as usize).div_ceil(self.cell as usize).next_multiple_of(5) };
        let number = if self.has_names { "" } else { " (number)" };
        let turned = |[x, y]: [f64; 2], text: &Markup| {
            html! { g transform={ "translate(" (x) "," (y) ") rotate(-90)" } { (text) } }
        };
        let (x, y) =
            (f64::from(MARGIN) + AXIS_NAME_HEIGHT / 2.0, TITLE_HEIGHT + f64::from(MARGIN) + AXIS_NAME_HEIGHT / 2.0);
        html! {
            @for (class, name) in names.iter().enumerate().step_by(step) {
                @let name = if self.has_names { name.clone() } else { class.to_string() };
                @let middle = self.corner([class, class]).map(|corner| corner + self.cell / 2.0);
                (text([left - 6.0, middle[1]], Anchor::End, TEXT_SIZE, &name))
                (turned([middle[0], top - 6.0], &text([0.0, 0.0], Anchor::Start, TEXT_SIZE, &name)))
            }
            (faint_text([left + side / 2.0, y], Anchor::Middle, TEXT_SIZE, &format!("predicted class{number}")))
            (turned(
                [x, top + side / 2.0],
                &faint_text([0.0, 0.0], Anchor::Middle, TEXT_SIZE, &format!("true class{number}")),
            ))
        }
    }

    /// Returns the colour scales below the matrix.
    fn scales(&self) -> Markup {
        let (right, top) = (self.start[0] + self.side(), self.start[1] + self.side() + 14.0);
        let left = f64::max(f64::from(MARGIN) + 76.0, f64::min(self.start[0], right - 280.0));
        let wide = (right - left).max(120.0);
        html! {
            @for (y, colour, name) in [(top, CORRECT, "correct"), (top + 14.0, MISTAKE, "mistakes")] {
                linearGradient id=(name) {
                    stop offset="0" stop-color=(colour.hex()) stop-opacity="0" {}
                    stop offset="1" stop-color=(colour.hex()) {}
                }
                rect x=(left) y=(y) width=(wide) height="10" fill={ "url(#" (name) ")" } {}
                (faint_text([left - 8.0, y + 6.0], Anchor::End, TEXT_SIZE - 1, name))
            }
            @for (share, name) in SHARES.iter().filter(|(share, _)| wide >= MIN_SCALE || [0.01, 1.0].contains(share)) {
                (text([left + strength(*share) * wide, top + 36.0], Anchor::Middle, TEXT_SIZE - 2, name))
            }
            (faint_text([left - 8.0, top + 36.0], Anchor::End, TEXT_SIZE - 2, "of its row"))
        }
    }
}

/// Returns the opacity of a cell's colour for its share. The exponent makes 1 % visible.
fn strength(share: f64) -> f64 {
    (share.clamp(0.0, 1.0).powf(0.4) * 1000.0).round() / 1000.0
}

/// Returns the class and the colour of text on `colour` above white: whichever of black and white
/// has the higher contrast. On a dark ground, both are light.
fn ink_on(colour: Colour, opacity: f64) -> (&'static str, &'static str) {
    if contrast(luminance(colour, opacity), 0.0) > contrast(luminance(colour, opacity), 1.0) {
        ("ink", "#000000")
    } else {
        ("on", "#ffffff")
    }
}

/// Returns the relative luminance of WCAG 2 of `colour` above white.
fn luminance(Colour(red, green, blue): Colour, opacity: f64) -> f64 {
    let linear = |part: u8| {
        let mixed = 1.0 - opacity * (1.0 - f64::from(part) / 255.0);
        if mixed <= 0.04045 { mixed / 12.92 } else { ((mixed + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// Returns the contrast of WCAG 2 between two luminances, 1 to 21.
fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::evaluation;

    fn cells(svg: &str) -> usize {
        svg.matches("class=\"cell\"").count()
    }

    #[test]
    fn each_cell_has_its_count_and_each_class_its_names() {
        let svg = confusion(&evaluation(&["<b>&\"", "plain", "line\nend"], 20));
        assert_eq!(cells(&svg), 9);
        assert_eq!(svg.matches("&lt;b&gt;&amp;&quot;").count(), 2);
        assert_eq!(svg.matches("line\\nend").count(), 2);
        for text in ["true class", "predicted class", "90.91 %", ">20<", ">1<"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn many_classes_drop_counts_and_then_names() {
        let has = |classes: usize| {
            let names: Vec<String> = (0..classes).map(|class| format!("name-{class}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let svg = confusion(&evaluation(&names, 7777));
            assert_eq!(cells(&svg), classes * classes);
            assert!(!svg.contains("NaN"));
            (svg.contains(">7777<"), svg.contains("name-1"), svg.contains("class (number)"))
        };
        assert_eq!(has(2), (true, true, false));
        assert_eq!(has(40), (false, true, false));
        assert_eq!(has(256), (false, false, true));
    }

    #[test]
    fn a_damaged_record_does_not_break_the_plot() {
        let mut odd = evaluation(&["one", "two"], 0);
        assert_eq!(cells(&confusion(&odd)), 2);
        odd.classes.pop();
        odd.confusion = vec![vec![u32::MAX; 5], Vec::new()];
        confusion(&odd);
        odd.confusion.clear();
        confusion(&odd);
    }

    #[test]
    fn counts_are_readable_on_every_colour_and_a_hundredth_is_visible() {
        for (colour, percent) in
            [CORRECT, MISTAKE].into_iter().flat_map(|colour| (0..=100).map(move |share| (colour, share)))
        {
            let strength = strength(f64::from(percent) / 100.0);
            let on_white = luminance(colour, strength);
            let ink = if ink_on(colour, strength).0 == "ink" { 0.0 } else { 1.0 };
            assert!(contrast(on_white, ink) >= 4.5, "{percent} %: {}", contrast(on_white, ink));
        }
        assert!(contrast(luminance(MISTAKE, strength(0.01)), 1.0) > 1.2);
        assert_eq!(strength(0.0), 0.0);
    }
}
