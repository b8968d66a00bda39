//! Reads class names from a text file: one name a line, in the order of the labels.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use prenda::MAX_CLASSES;
use thiserror::Error;

use crate::support::bounded;
use crate::text::is_control;

/// Optional file in a data set's folder with the class names.
pub const FILE_NAME: &str = "class-names.txt";

/// Longest name in bytes. Names are part of every model, and so of the device's flash.
const MAX_NAME_BYTES: usize = 1024;

/// Size of a file with the longest names, line ends and a byte order mark.
const MAX_FILE_BYTES: usize = MAX_CLASSES * (MAX_NAME_BYTES + 2) + BYTE_ORDER_MARK.len_utf8();

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why a file cannot be used as names of classes.
#[derive(Debug, Error)]
pub enum ClassNamesError {
    #[error("cannot read class names {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("class names {path}: more than {MAX_FILE_BYTES} bytes; is it a text file with one name a line?")]
    TooLarge { path: PathBuf },
    #[error(
        "class names {path}: {names} names for {classes} classes; write one name a line, in the order of the labels"
    )]
    Count { path: PathBuf, names: usize, classes: usize },
    #[error("class names {path}, line {line}: {reason}")]
    Line { path: PathBuf, line: usize, reason: LineError },
}

/// Why a line is not a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    #[error("not UTF-8; save the file in that encoding")]
    NotText,
    #[error("it is empty; every class needs a name")]
    Empty,
    /// A character that could steer a terminal.
    #[error("it has the control character {}", .0.escape_debug())]
    Control(char),
    #[error("a name of {0} bytes, expected at most {MAX_NAME_BYTES}")]
    Long(usize),
    #[error("the same name as in line {0}; every class needs its own name")]
    Duplicate(usize),
}

/// Reads the names of `classes` classes. Ignores a byte order mark and blanks around names. Lines
/// end in LF or CRLF, which the last line may omit.
///
/// # Errors
///
/// Returns an error if the file cannot be read, a line is not a name, or the number of names is
/// wrong.
pub fn read(path: &Path, classes: usize) -> Result<Vec<String>, ClassNamesError> {
    let mut bytes = Vec::new();
    bounded::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|source| ClassNamesError::Read { path: path.to_owned(), source })?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ClassNamesError::TooLarge { path: path.to_owned() });
    }
    let names =
        parse(&bytes).map_err(|(line, reason)| ClassNamesError::Line { path: path.to_owned(), line, reason })?;
    if names.len() != classes {
        return Err(ClassNamesError::Count { path: path.to_owned(), names: names.len(), classes });
    }
    Ok(names)
}

/// Returns the names in `bytes`, or the number, from 1, of the first line that is not a name.
fn parse(bytes: &[u8]) -> Result<Vec<String>, (usize, LineError)> {
    let mut mark = [0; 4];
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK.encode_utf8(&mut mark).as_bytes()).unwrap_or(bytes);
    let mut names: Vec<String> = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let name = name(line).and_then(|name| match names.iter().position(|earlier| earlier == name) {
            Some(earlier) => Err(LineError::Duplicate(earlier + 1)),
            None => Ok(name),
        });
        names.push(name.map_err(|error| (names.len() + 1, error))?.to_owned());
    }
    Ok(names)
}

/// Checks that `text` can be a name.
///
/// # Errors
///
/// Returns what is wrong with it.
pub fn check(text: &str) -> Result<(), LineError> {
    name(text.as_bytes()).map(|_| ())
}

fn name(line: &[u8]) -> Result<&str, LineError> {
    let name = str::from_utf8(line).map_err(|_| LineError::NotText)?.trim();
    if name.is_empty() {
        return Err(LineError::Empty);
    }
    if let Some(control) = name.chars().find(|character| is_control(*character)) {
        return Err(LineError::Control(control));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(LineError::Long(name.len()));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::support::damage::damaged;

    #[test]
    fn names_are_read_with_any_line_ending() {
        for text in ["Coat\nT-shirt/top\nお", "\u{feff}Coat\r\n  T-shirt/top \r\nお\r\n", "Coat\nT-shirt/top\t\nお\n"]
        {
            assert_eq!(parse(text.as_bytes()).unwrap(), ["Coat", "T-shirt/top", "お"], "{text:?}");
        }
        assert_eq!(parse(b"").unwrap(), [""; 0]);
        assert_eq!(parse("x".repeat(MAX_NAME_BYTES).as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn errors_name_the_line() {
        let long = format!("a\n{}", "x".repeat(MAX_NAME_BYTES + 1));
        for (text, line, reason) in [
            (&b"a\n\nb\n"[..], 2, LineError::Empty),
            (b"a\nb\n \n", 3, LineError::Empty),
            (b"a\nb\nc\nb", 4, LineError::Duplicate(2)),
            (b"a\n\x1b[2J", 2, LineError::Control('\x1b')),
            ("a\nb\u{202e}c".as_bytes(), 2, LineError::Control('\u{202e}')),
            (b"a\rb", 1, LineError::Control('\r')),
            (b"a\nb\xff\nc", 2, LineError::NotText),
            (b"\xff\xfea\0", 1, LineError::NotText),
            (long.as_bytes(), 2, LineError::Long(MAX_NAME_BYTES + 1)),
        ] {
            assert_eq!(parse(text).unwrap_err(), (line, reason));
        }
    }

    #[test]
    fn a_file_is_read_only_up_to_the_limit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; MAX_FILE_BYTES + 1]).unwrap();
        assert!(matches!(read(file.path(), 2), Err(ClassNamesError::TooLarge { .. })));
        std::fs::write(file.path(), "a\nb\nc").unwrap();
        let error = read(file.path(), 47).unwrap_err().to_string();
        assert!(error.contains("3 names for 47 classes"), "{error}");
    }

    proptest! {
        #[test]
        fn damaged_names_are_an_error_or_names(bytes in damaged("Coat\r\nT-shirt/top\nお\nBag\n".as_bytes().to_vec())) {
            for name in parse(&bytes).unwrap_or_default() {
                prop_assert!(!name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.contains(is_control));
            }
        }
    }
}
