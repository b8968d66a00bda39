//! Pages with a part that a command writes, between two markers.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::bounded;

/// Longest page, in bytes.
const MAX_BYTES: u64 = 16 << 20;

const END: &str = "<!-- end -->\n";

/// An error in reading a page.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages describe the variants")]
pub enum PageError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} has no place for the generated part; add the lines\n{begin}{END}")]
    Markers { path: PathBuf, begin: String },
}

/// A page, cut at its markers.
#[derive(Debug)]
pub struct Page {
    /// The whole page.
    pub text: String,
    before: String,
    after: String,
}

impl Page {
    /// Reads the page at `path` and cuts it at the markers of the xtask command `writer`. Call it
    /// before long work, so that a page without markers fails early.
    ///
    /// # Errors
    ///
    /// Returns [`PageError`] if the page cannot be read as text, or has no such markers.
    pub fn read(path: &Path, writer: &str) -> Result<Self, PageError> {
        let text = bounded::read(path, MAX_BYTES).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
        let text = text.map_err(|source| PageError::Read { path: path.to_owned(), source })?;
        Self::parse(text, writer).map_err(|begin| PageError::Markers { path: path.to_owned(), begin })
    }

    /// Cuts `text`. Returns the marker that it does not contain as an error.
    fn parse(text: String, writer: &str) -> Result<Self, String> {
        let begin = format!("<!-- begin: written by `cargo xtask {writer}` -->\n");
        let parts = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = parts else { return Err(begin) };
        let (before, after) = (format!("{before}{begin}\n"), format!("\n{END}{after}"));
        Ok(Self { text, before, after })
    }

    /// Returns the page with `new` between its markers.
    #[must_use]
    pub fn with(&self, new: &str) -> String {
        format!("{}{}\n{}", self.before, new.trim_end(), self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_between_the_markers_is_replaced() {
        let text = "a\n<!-- begin: written by `cargo xtask w` -->\nold\n<!-- end -->\nb\n";
        let new = Page::parse(text.into(), "w").unwrap().with("| t |\n");
        assert_eq!(new, "a\n<!-- begin: written by `cargo xtask w` -->\n\n| t |\n\n<!-- end -->\nb\n");
        assert_eq!(Page::parse(new.clone(), "w").unwrap().with("| t |\n"), new);
        assert!(Page::parse(text.into(), "other").is_err());
    }
}
