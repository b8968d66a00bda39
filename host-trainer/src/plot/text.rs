//! Width of text in plots, and shortening it to fit.
//!
//! The viewer chooses the font, so widths are estimates, rather too large than too small.

use crate::text::printable;

/// Returns the width of `text` in a font of `size` pixels, in pixels.
pub fn width(text: &str, size: u32) -> f64 {
    f64::from(size) * text.chars().map(ems).sum::<f64>()
}

/// Escapes control characters of `text`, and shortens it with an ellipsis to `max_width` pixels in
/// a font of `size` pixels.
pub fn fit(text: &str, size: u32, max_width: f64) -> String {
    // XML cannot represent these two.
    let text = printable(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    if width(&text, size) <= max_width {
        return text;
    }
    let mut rest = max_width - width("\u{2026}", size);
    let fits = |character: &char| {
        rest -= f64::from(size) * ems(*character);
        rest >= 0.0
    };
    let start: String = text.chars().take_while(fits).collect();
    start.trim_end().to_owned() + "\u{2026}"
}

/// Returns the width of a character as a multiple of the font size, in the widest common fonts.
fn ems(character: char) -> f64 {
    match character {
        ' ' | '!' | '\'' | '(' | ')' | ',' | '-' | '.' | '/' | ':' | ';' | 'I' | 'f' | 'i' | 'j' | 'l' | 'r' | 't' => {
            0.42
        }
        '#' | '%' | '&' | '+' | '<' | '=' | '>' | '@' | 'M' | 'W' | '^' | 'm' | 'w' | '~' => 1.0,
        'A'..='Z' => 0.79,
        ..'\u{1100}' => 0.66,
        '\u{1f000}'.. => 1.3,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_shortened() {
        assert_eq!(fit("Ankle boot", 13, 100.0), "Ankle boot");
        let cut = fit("Ankle boot, worn on the left foot", 13, 100.0);
        assert!(cut.starts_with("Ankle boot") && cut.ends_with('\u{2026}') && width(&cut, 13) <= 100.0, "{cut}");
        assert_eq!(fit("Ankle boot", 13, 0.0), "\u{2026}");
        assert!(fit(&"\u{9774}".repeat(30), 10, 100.0).chars().count() <= 10);
    }

    #[test]
    fn characters_that_xml_cannot_represent_are_replaced() {
        assert_eq!(fit("a\n\0\u{ffff}b", 13, 500.0), "a\\n\\0\u{fffd}b");
    }
}
