//! Sizes, fonts and colours of all plots.

/// Font family of all text; the viewer chooses the font.
pub const FONT: &str = "sans-serif";

/// Font size of a title, in pixels.
pub const TITLE_SIZE: u32 = 18;

/// Font size of other text, in pixels.
pub const TEXT_SIZE: u32 = 13;

/// Margin around a plot, in pixels.
pub const MARGIN: i32 = 16;

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// Returns the colour as `#rrggbb`.
    #[must_use]
    pub fn hex(self) -> String {
        let Self(red, green, blue) = self;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// Returns the colour with `hue`, 0..1, and with a medium saturation and lightness.
    fn of_hue(hue: f64) -> Self {
        let (saturation, lightness) = (0.65, 0.4);
        let reach = saturation * f64::min(lightness, 1.0 - lightness);
        // The formula of CSS Color 4.
        let part = |number: f64| {
            let place = (number + 12.0 * hue) % 12.0;
            let share = lightness - reach * f64::min(place - 3.0, 9.0 - place).clamp(-1.0, 1.0);
            (255.0 * share).round() as u8
        };
        Self(part(0.0), part(8.0), part(4.0))
    }
}

/// Colour of text and frames.
pub const INK: Colour = Colour(32, 32, 32);

/// Colour of secondary text.
pub const FAINT: Colour = Colour(110, 110, 110);

/// Colour of grid lines.
pub const GRID: Colour = Colour(225, 225, 225);

/// Colours that are distinguishable with any kind of colour vision, from Okabe and Ito, "Color
/// Universal Design", 2008. The first ones differ most.
pub const COLOURS: [Colour; 7] = [
    Colour(0, 114, 178),
    Colour(213, 94, 0),
    Colour(0, 158, 115),
    Colour(204, 121, 167),
    Colour(230, 159, 0),
    Colour(86, 180, 233),
    Colour(0, 0, 0),
];

/// Returns the colour of series `index`: first those of [`COLOURS`], then others that are far from
/// their neighbours.
#[must_use]
pub fn colour(index: usize) -> Colour {
    // Steps of the golden angle never reach the same hue again.
    COLOURS.get(index).copied().unwrap_or_else(|| Colour::of_hue((index as f64 * 0.618_034).fract()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_series_have_different_colours() {
        let mut colours: Vec<_> = (0..40).map(|index| colour(index).hex()).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), 40);
    }

    #[test]
    fn hues_are_those_of_css() {
        // hsl(0 65% 40%), hsl(120 65% 40%), hsl(210 65% 40%).
        let found = [0.0, 120.0 / 360.0, 210.0 / 360.0].map(Colour::of_hue);
        assert_eq!(found, [Colour(168, 36, 36), Colour(36, 168, 36), Colour(36, 102, 168)]);
    }
}
