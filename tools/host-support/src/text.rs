//! Text of unknown origin, for terminals.

/// Returns true for control characters and for characters that change the writing direction.
#[must_use]
pub fn is_control(character: char) -> bool {
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns
}

/// Escapes control characters: text from a file must not steer the terminal.
#[must_use]
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
