//! Sizes, colours and text of both charts.

use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Free space around a chart, in pixels.
pub const MARGIN: i32 = 16;

/// Sizes of a title and of other text, in pixels.
pub const TITLE_SIZE: u32 = 18;
pub const TEXT_SIZE: u32 = 13;

/// Text and frames.
pub const INK: RGBColor = RGBColor(32, 32, 32);

/// Secondary text.
pub const FAINT: RGBColor = RGBColor(110, 110, 110);

pub const GRID: RGBColor = RGBColor(225, 225, 225);

/// Colours that people with any kind of colour vision can distinguish, from Okabe and Ito, "Color
/// Universal Design", 2008.
pub const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// A part of a chart that can be drawn on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Returns an SVG of that size in pixels: what `paint` draws on white.
///
/// # Errors
///
/// Returns an error if `paint` fails.
pub fn draw([width, height]: [i32; 2], paint: impl FnOnce(&Area<'_>) -> anyhow::Result<()>) -> anyhow::Result<String> {
    let mut svg = String::new();
    let size = [width, height].map(i32::unsigned_abs);
    {
        let area = SVGBackend::with_string(&mut svg, size.into()).into_drawing_area();
        area.fill(&WHITE).map_err(|error| anyhow!("cannot draw: {error}"))?;
        paint(&area)?;
        area.present().map_err(|error| anyhow!("cannot draw: {error}"))?;
    }
    Ok(svg)
}

/// Returns the style of text of `size` pixels, anchored at `horizontal` and half its height.
pub fn text(size: u32, colour: RGBColor, horizontal: HPos) -> TextStyle<'static> {
    // plotters divides a size by 1.24 before it writes it.
    let font = ("sans-serif", 1.24 * f64::from(size)).into_font();
    font.color(&colour).pos(Pos::new(horizontal, VPos::Center))
}
