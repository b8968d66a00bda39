//! What all pictures have in common: sizes, fonts, colours.

use plotters::style::RGBColor;

/// The family of all text; whoever shows the picture chooses a font of it.
pub const FONT: &str = "sans-serif";

/// Size of a title, in pixels.
pub const TITLE_SIZE: u32 = 18;

/// Size of other text, in pixels.
pub const TEXT_SIZE: u32 = 13;

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
