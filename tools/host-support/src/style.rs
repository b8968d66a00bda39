//! Sizes, fonts and colours of all plots, as SVG.

use std::io;

use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Font family of all text; the viewer chooses the font.
pub const FONT: &str = "sans-serif";

/// Font size of a title, in pixels.
pub const TITLE_SIZE: u32 = 18;

/// Font size of other text, in pixels.
pub const TEXT_SIZE: u32 = 13;

/// Margin around a plot, in pixels.
pub const MARGIN: i32 = 16;

/// Colour of text and frames.
pub const INK: RGBColor = RGBColor(32, 32, 32);

/// Colour of secondary text.
pub const FAINT: RGBColor = RGBColor(110, 110, 110);

/// Colour of grid lines.
pub const GRID: RGBColor = RGBColor(225, 225, 225);

/// Colours that are distinguishable with any kind of colour vision, from Okabe and Ito, "Color
/// Universal Design", 2008. The first ones differ most.
pub const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// A part of a plot that can be drawn on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// The error of drawing on an [`Area`].
pub type DrawError = DrawingAreaErrorKind<io::Error>;

/// Returns an SVG of `width` by `height` pixels, which `paint` draws on a white background.
///
/// # Errors
///
/// Returns an error if `paint` fails.
pub fn draw<E: From<DrawError>>(
    [width, height]: [i32; 2],
    paint: impl FnOnce(&Area<'_>) -> Result<(), E>,
) -> Result<String, E> {
    let mut svg = String::new();
    let size = [width, height].map(i32::unsigned_abs);
    let area = SVGBackend::with_string(&mut svg, size.into()).into_drawing_area();
    area.fill(&WHITE)?;
    paint(&area)?;
    area.present()?;
    drop(area);
    Ok(svg)
}

/// Returns the colour of series `index`: first those of [`COLOURS`], then others that are far from
/// their neighbours.
#[must_use]
pub fn colour(index: usize) -> RGBColor {
    COLOURS.get(index).copied().unwrap_or_else(|| {
        // Steps of the golden angle never reach the same hue again.
        let hue = (index as f64 * 0.618_034).fract();
        let (red, green, blue) = HSLColor(hue, 0.65, 0.4).rgb();
        RGBColor(red, green, blue)
    })
}

/// Returns a text style of `size` pixels. `horizontal` is the anchor of the text's position;
/// vertically it is the middle.
#[must_use]
pub fn text(size: u32, colour: RGBColor, horizontal: HPos) -> TextStyle<'static> {
    // plotters divides font sizes by 1.24 before it writes them.
    let font = (FONT, 1.24 * f64::from(size)).into_font();
    font.color(&colour).pos(Pos::new(horizontal, VPos::Center))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_series_have_different_colours() {
        let mut colours: Vec<_> = (0..40).map(colour).map(|RGBColor(red, green, blue)| (red, green, blue)).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), 40);
    }

    #[test]
    fn text_has_the_requested_size() {
        let paint = |area: &Area<'_>| area.draw_text("a<b", &text(13, INK, HPos::Left), (5, 5));
        let svg = draw([50, 20], paint).unwrap();
        assert!(svg.contains("font-size=\"13") && svg.contains("a&lt;b"), "{svg}");
    }
}
