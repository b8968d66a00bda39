//! What all pictures have in common: sizes, fonts, colours.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::PlotError;

/// The family of all text; whoever shows the picture chooses a font of it.
pub const FONT: &str = "sans-serif";

/// Size of a title, in pixels.
pub const TITLE_SIZE: u32 = 18;

/// Size of other text, in pixels.
pub const TEXT_SIZE: u32 = 13;

/// What is left free around a picture, in pixels.
pub const MARGIN: i32 = 16;

/// Text and frames.
pub const INK: RGBColor = RGBColor(32, 32, 32);

/// Text that says less.
pub const FAINT: RGBColor = RGBColor(110, 110, 110);

/// Lines of a grid.
pub const GRID: RGBColor = RGBColor(225, 225, 225);

/// Colours that are told apart by people with any kind of colour vision, after Okabe and Ito, "Color Universal Design",
/// 2008. The first ones differ most.
pub const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// A part of a picture that can be drawn on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// An SVG of that many pixels, white but for what `paint` draws.
///
/// # Errors
///
/// Where `paint` fails.
pub fn draw(
    [width, height]: [i32; 2],
    paint: impl FnOnce(&Area<'_>) -> Result<(), PlotError>,
) -> Result<String, PlotError> {
    let mut svg = String::new();
    let size = [width, height].map(i32::unsigned_abs);
    let area = SVGBackend::with_string(&mut svg, size.into()).into_drawing_area();
    area.fill(&WHITE)?;
    paint(&area)?;
    area.present()?;
    drop(area);
    Ok(svg)
}

/// The colour of the series `index` of any number: those of [`COLOURS`], then others that are far from their neighbours.
pub fn colour(index: usize) -> RGBColor {
    COLOURS.get(index).copied().unwrap_or_else(|| {
        // Steps of the golden angle never come back to the same hue.
        let hue = (index as f64 * 0.618_034).fract();
        let (red, green, blue) = HSLColor(hue, 0.65, 0.4).rgb();
        RGBColor(red, green, blue)
    })
}

/// How text of `size` pixels is written: where its position lies in it is `horizontal`, and half its height.
pub fn text(size: u32, colour: RGBColor, horizontal: HPos) -> TextStyle<'static> {
    // plotters divides by that number before it writes a size.
    let font = (FONT, 1.24 * f64::from(size)).into_font();
    font.color(&colour).pos(Pos::new(horizontal, VPos::Center))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_many_series_look_alike() {
        let mut colours: Vec<_> = (0..40).map(colour).map(|RGBColor(red, green, blue)| (red, green, blue)).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), 40);
    }

    #[test]
    fn text_has_the_size_that_was_asked_for() {
        let paint = |area: &Area<'_>| Ok(area.draw_text("a<b", &text(13, INK, HPos::Left), (5, 5))?);
        let svg = draw([50, 20], paint).unwrap();
        assert!(svg.contains("font-size=\"13") && svg.contains("a&lt;b"), "{svg}");
    }
}
