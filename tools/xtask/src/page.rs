//! Pages with a part that a command writes, between two markers.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const END: &str = "<!-- end -->\n";

pub struct Page {
    pub text: String,
    before: String,
    after: String,
}

impl Page {
    /// Reads a page with markers for the xtask command `writer`. Call it before measuring, so that
    /// a page without markers fails early.
    pub fn read(path: &Path, writer: &str) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::of(text, writer).with_context(|| format!("{}: cannot find the generated part", path.display()))
    }

    fn of(text: String, writer: &str) -> Result<Self> {
        let begin = format!("<!-- begin: written by `cargo xtask {writer}` -->\n");
        let parts = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let (before, after) = parts.with_context(|| format!("missing the lines {begin}and {END}"))?;
        let (before, after) = (format!("{before}{begin}\n"), format!("\n{END}{after}"));
        Ok(Self { text, before, after })
    }

    /// Returns the page with `new` between its markers.
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
        let new = Page::of(text.into(), "w").unwrap().with("| t |\n");
        assert_eq!(new, "a\n<!-- begin: written by `cargo xtask w` -->\n\n| t |\n\n<!-- end -->\nb\n");
        assert_eq!(Page::of(new.clone(), "w").unwrap().with("| t |\n"), new);
        assert!(Page::of(text.into(), "other").is_err());
    }
}
