//! A board: one name for its folder, its feature, its programs and its tests.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::UsageError;

/// What firmware/boards/NAME/board.toml says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The folder's name.
    pub name: String,
    /// The compiler's name for the core and its calling convention.
    pub triple: String,
    /// The core, in words.
    pub core: String,
}

#[derive(Deserialize)]
struct BoardFile {
    triple: String,
    core: String,
}

impl Board {
    /// Reads one board of the workspace at `root`.
    ///
    /// # Errors
    /// [`UsageError`] with the known names when there is no such board; others when its file cannot be read.
    pub fn read(root: &Path, name: &str) -> Result<Self> {
        if !names(root)?.iter().any(|known| known == name) {
            let known = names(root)?.join(", ");
            return Err(UsageError(format!("there is no board {name:?}; the boards are: {known}")).into());
        }
        let path = root.join("firmware/boards").join(name).join("board.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(name, &text).with_context(|| format!("cannot understand {}", path.display()))
    }

    /// The programs of this board: the firmware, and the one that provokes faults for the tests.
    pub fn programs(&self) -> [String; 2] {
        [self.name.clone(), format!("{}-faults", self.name)]
    }

    fn parse(name: &str, text: &str) -> Result<Self> {
        let BoardFile { triple, core } = toml::from_str(text)?;
        Ok(Self { name: name.to_owned(), triple, core })
    }
}

/// The boards of the workspace at `root`, sorted.
///
/// # Errors
/// When firmware/boards cannot be read.
pub fn names(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("firmware/boards");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("board.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_file_is_read_and_further_keys_are_left_to_others() {
        let board = Board::parse("b", "triple = \"thumbv7m-none-eabi\"\ncore = \"cortex-m3\"\nqemu = 1\n").unwrap();
        assert_eq!((board.triple.as_str(), board.core.as_str()), ("thumbv7m-none-eabi", "cortex-m3"));
        assert_eq!(board.programs(), ["b", "b-faults"]);
    }

    #[test]
    fn a_board_without_a_triple_is_refused_by_name_of_the_key() {
        let error = Board::parse("b", "core = \"cortex-m3\"").unwrap_err();
        assert!(format!("{error:#}").contains("triple"), "{error:#}");
    }
}
