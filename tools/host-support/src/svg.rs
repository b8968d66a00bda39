//! Pieces of plots: the document with its ground, its colours on a dark ground, text and lines.

use maud::{Markup, PreEscaped, html};

use crate::style::{Colour, FAINT, FONT, GRID, INK, TEXT_SIZE};

/// Colours on a dark ground. Those on a light one are attributes, so that a program without style
/// sheets draws a light plot.
const DARK: &str = "@media(prefers-color-scheme:dark){.ground{fill:#14171b}.ink,.ink-on-light{fill:#e4e8ec}\
    .faint{fill:#9da7b1}.grid{stroke:#2c3239}.axis{stroke:#768390}.line{stroke:#e4e8ec}}";

/// A part of a plot, and the room that it needs, in pixels.
#[derive(Debug)]
pub struct Drawing {
    /// Width and height.
    pub size: [f64; 2],
    /// Elements of an SVG.
    pub content: Markup,
}

impl Drawing {
    /// Returns an SVG of the drawing, named `title`. Its ground is filled, so it is visible on any
    /// page.
    #[must_use]
    pub fn document(&self, title: &str) -> String {
        let [width, height] = self.size.map(f64::ceil);
        let svg = html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
                viewBox={ "0 0 " (width) " " (height) } font-family=(FONT) font-size=(TEXT_SIZE) fill=(INK.hex()) {
                title { (title) }
                style { (PreEscaped(DARK)) }
                rect.ground width=(width) height=(height) fill="#ffffff" {}
                (self.content)
            }
        };
        svg.into_string() + "\n"
    }

    /// Returns the drawing with its upper left corner at `x, y`.
    #[must_use]
    pub fn at(&self, [x, y]: [f64; 2]) -> Markup {
        html! { g transform={ "translate(" (x) "," (y) ")" } { (self.content) } }
    }
}

/// The position of text relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins there.
    Start,
    /// The text's middle is there.
    Middle,
    /// The text ends there.
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// Returns text of `size` pixels, at half its height at `x, y`.
#[must_use]
pub fn text([x, y]: [f64; 2], anchor: Anchor, size: u32, text: &str) -> Markup {
    html! { text.ink x=(short(x)) y=(baseline(y, size)) text-anchor=(anchor.name()) font-size=(size) { (text) } }
}

/// Like [`text`], but less prominent.
#[must_use]
pub fn faint_text([x, y]: [f64; 2], anchor: Anchor, size: u32, text: &str) -> Markup {
    html! {
        text.faint x=(short(x)) y=(baseline(y, size)) text-anchor=(anchor.name()) font-size=(size) fill=(FAINT.hex()) {
            (text)
        }
    }
}

/// Returns a line as prominent as text.
#[must_use]
pub fn ink_line(from: [f64; 2], to: [f64; 2]) -> Markup {
    line("line", INK, from, to)
}

/// Returns a line of the grid.
#[must_use]
pub fn grid_line(from: [f64; 2], to: [f64; 2]) -> Markup {
    line("grid", GRID, from, to)
}

/// Returns a line of an axis.
#[must_use]
pub fn axis_line(from: [f64; 2], to: [f64; 2]) -> Markup {
    line("axis", FAINT, from, to)
}

/// Returns the grid and the axes of a panel between the left, upper, right and lower edge in
/// `frame`. `across` and `up` have the position and the label of each tick. Labels are `gap` pixels
/// left of the panel, and have `size` pixels below it.
#[must_use]
pub fn axes(
    [left, top, right, bottom]: [f64; 4],
    across: impl Iterator<Item = (f64, String)>,
    up: impl Iterator<Item = (f64, String)>,
    gap: f64,
    size: u32,
) -> Markup {
    html! {
        @for (y, label) in up {
            (grid_line([left, y], [right, y]))
            (text([left - gap, y], Anchor::End, TEXT_SIZE, &label))
        }
        @for (x, label) in across {
            (grid_line([x, top], [x, bottom]))
            (text([x, bottom + 14.0], Anchor::Middle, size, &label))
        }
        (axis_line([left, top], [left, bottom]))
        (axis_line([left, bottom], [right, bottom]))
    }
}

fn line(class: &str, colour: Colour, from: [f64; 2], to: [f64; 2]) -> Markup {
    let ([x1, y1], [x2, y2]) = (from.map(short), to.map(short));
    html! { line class=(class) x1=(x1) y1=(y1) x2=(x2) y2=(y2) stroke=(colour.hex()) {} }
}

/// Returns the line that text stands on, if its middle is at `y`. Not all programs that draw SVGs
/// know `dominant-baseline`.
#[must_use]
pub fn baseline(y: f64, size: u32) -> f64 {
    short(y + 0.35 * f64::from(size))
}

/// Rounds a coordinate to a hundredth of a pixel.
#[must_use]
pub fn short(coordinate: f64) -> f64 {
    (coordinate * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_a_ground_and_its_text_is_escaped() {
        let content = text([1.0, 2.345_678], Anchor::End, 10, "a<b>&\"");
        let svg = Drawing { size: [10.2, 20.0], content }.document("</title>");
        assert!(svg.starts_with("<svg ") && svg.contains("width=\"11\" height=\"20\" viewBox=\"0 0 11 20\""), "{svg}");
        assert!(svg.contains("<rect class=\"ground\" width=\"11\" height=\"20\" fill=\"#ffffff\""), "{svg}");
        assert!(svg.contains("y=\"5.85\"") && svg.contains("a&lt;b&gt;&amp;&quot;"), "{svg}");
        assert!(svg.contains("<title>&lt;/title&gt;</title>") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
