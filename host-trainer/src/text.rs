//! Formats numbers, paths and text for the terminal and for reports.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

pub use host_support::numbers::grouped as count;
use serde::{Serialize, Serializer};

/// Formats a share, 0 to 1, in percent.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Formats a share, or a difference of shares, in percentage points.
pub fn points(share: f64) -> String {
    format!("{:.2} points", 100.0 * share)
}

/// A path for display and for JSON. Bytes that are not UTF-8 become U+FFFD.
#[derive(Clone, Copy, Debug)]
pub struct Shown<P>(pub P);

impl<P: AsRef<Path>> Display for Shown<P> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&printable(&self.0.as_ref().display().to_string()))
    }
}

impl<P: AsRef<Path>> Serialize for Shown<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.as_ref().display())
    }
}

/// Returns true for control characters and for characters that change the writing direction.
pub fn is_control(character: char) -> bool {
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns
}

/// Escapes control characters: text from a file must not steer the terminal.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if is_control(character) {
            printable.extend(character.escape_debug());
        } else {
            printable.push(character);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("T-shirt \"\u{e9}\" \\"), "T-shirt \"\u{e9}\" \\");
        assert_eq!(printable("a\n\x1b[2J"), "a\\n\\u{1b}[2J");
        for turning in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
            assert_eq!(printable(&turning.to_string()), format!("\\u{{{:x}}}", u32::from(turning)));
        }
        // A zero-width joiner does not change the direction.
        assert_eq!(printable("\u{200d}\u{5d0}"), "\u{200d}\u{5d0}");
    }
}
