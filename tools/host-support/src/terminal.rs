//! Draws images and bars with characters.

use std::io::stdout;

use anstream::{AutoStream, ColorChoice};
use anstyle::{Ansi256Color, Style};

use crate::table::MAX_WIDTH;

/// Characters from dark to bright, for terminals without colours and for files.
const RAMP: &[u8] = b" .:-=+*#%@";

/// Eighths of a character's width, filled from the left.
const EIGHTHS: [char; 8] =
    ['\u{258f}', '\u{258e}', '\u{258d}', '\u{258c}', '\u{258b}', '\u{258a}', '\u{2589}', '\u{2588}'];

/// Returns true if standard output is a terminal with colours or `CLICOLOR_FORCE` is set, unless
/// `NO_COLOR` forbids them.
#[must_use]
pub fn has_colours() -> bool {
    AutoStream::choice(&stdout()) != ColorChoice::Never
}

/// Draws the brightness of an image (`[row][column][channel]`, 0 is black, 255 is white) as lines
/// of text: with `colours`, two rows of pixels per line, in greys; otherwise two characters per
/// pixel, dense for bright.
#[must_use]
pub fn image(pixels: &[u8], columns: usize, channels: usize, colours: bool) -> String {
    let channels = channels.max(1);
    let brightness = |pixel: &[u8]| (pixel.iter().map(|&value| usize::from(value)).sum::<usize>() / channels) as u8;
    let pixels: Vec<u8> = pixels.chunks_exact(channels).map(brightness).collect();
    // If an image is wider than a terminal, only every second or third pixel is drawn.
    let step = (columns * if colours { 1 } else { 2 }).div_ceil(MAX_WIDTH).max(1);
    let rows = pixels.chunks(columns.max(1)).step_by(step);
    let rows: Vec<Vec<u8>> = rows.map(|row| row.iter().copied().step_by(step).collect()).collect();
    let columns = columns.div_ceil(step);
    if !colours {
        let character = |&pixel: &u8| char::from(RAMP[usize::from(pixel) * RAMP.len() / 256]);
        let line = |row: &Vec<u8>| row.iter().map(character).flat_map(|character| [character; 2]).collect::<String>();
        return rows.iter().map(|row| line(row).trim_end().to_owned() + "\n").collect();
    }
    let mut text = String::new();
    for pair in rows.chunks(2) {
        for column in 0..columns {
            let [above, below] = [0, 1].map(|row| pair.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0));
            let style = Style::new().fg_color(Some(grey(above).into())).bg_color(Some(grey(below).into()));
            text += &format!("{style}\u{2580}{style:#}");
        }
        text.push('\n');
    }
    text
}

/// Draws a bar of `share * width` characters, padded with blanks to `width`.
#[must_use]
pub fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize;
    let (full, rest) = (eighths / 8, eighths % 8);
    let mut bar = EIGHTHS[7].to_string().repeat(full);
    if rest > 0 {
        bar.push(EIGHTHS[rest - 1]);
    }
    bar + &" ".repeat(width - full - usize::from(rest > 0))
}

/// Returns the grey of the 256 colours nearest to `pixel`: black, 24 steps, white.
fn grey(pixel: u8) -> Ansi256Color {
    Ansi256Color(match pixel {
        0..=3 => 16,
        247..=u8::MAX => 231,
        // Steps of 10 from 8 to 238: colours 232 to 255.
        _ => 232 + (pixel.saturating_sub(3) / 10).min(23),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_brighter_pixels_are_denser() {
        assert_eq!(image(&[0, 255, 0, 128, 0, 0], 2, 1, false), "  @@\n  ++\n\n");
    }

    #[test]
    fn with_colours_a_line_shows_two_rows() {
        let text = image(&[0, 255, 128, 8, 238, 3], 2, 1, true);
        assert_eq!(text.lines().count(), 2);
        assert_eq!(text.matches('\u{2580}').count(), 4);
        assert!(text.contains("38;5;16") && text.contains("38;5;231"), "{text:?}");
    }

    #[test]
    fn a_wide_image_is_drawn_in_part() {
        let text = image(&[255; 100 * 30], 100, 1, false);
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [68; 10]);
        let text = image(&[255; 100 * 4], 100, 1, true);
        assert_eq!((text.lines().count(), text.matches('\u{2580}').count()), (1, 50));
    }

    #[test]
    fn greys_are_monotonic() {
        let grey = |pixel| grey(pixel).0;
        let greys: Vec<u8> = (0..=255).map(grey).map(|colour| if colour == 16 { 0 } else { colour }).collect();
        assert!(greys[..247].is_sorted());
        assert_eq!([grey(0), grey(8), grey(128), grey(238), grey(255)], [16, 232, 244, 255, 231]);
    }

    #[test]
    fn a_bar_has_the_length_of_its_share() {
        assert_eq!(bar(0.0, 4), "    ");
        assert_eq!(bar(1.0, 3), "\u{2588}\u{2588}\u{2588}");
        assert_eq!(bar(0.5, 3), "\u{2588}\u{258c} ");
        assert_eq!(bar(7.0, 1), "\u{2588}");
    }
}
