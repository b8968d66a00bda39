//! Command lines that can be pasted into a shell.

use std::ffi::OsStr;

/// Returns `word` as a POSIX shell reads it: unchanged if it is plain, otherwise in single quotes.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_words_that_a_shell_would_change_are_quoted() {
        assert_eq!(quoted("runs/a_b-1.5"), "runs/a_b-1.5");
        assert_eq!(["", "b c", "it's"].map(quoted), ["''", "'b c'", r"'it'\''s'"]);
    }
}
