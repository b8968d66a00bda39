//! What tools need to know of the firmware's boards: each folder's `board.toml`, read.
//!
//! A board's folder, feature, binary, ELF and tests have one name. A new folder is a new board for
//! every tool.

#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

/// A board, as its `board.toml` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The folder's name.
    pub name: String,
    /// The core, as the firmware tells it, for example `cortex-m4`.
    pub core: String,
    /// The compiler's name for the core and its calling convention.
    pub triple: String,
    /// The name by which probe-rs knows the chip, where it does.
    pub chip: Option<String>,
    /// QEMU's name for the machine, where it emulates the board.
    pub emulator: Option<String>,
    /// The program of QEMU that has the core.
    pub emulator_program: String,
    /// The order of weights that the core is fastest with.
    pub weight_order: WeightOrder,
    /// Libraries of its drivers that can panic. Nothing else of its firmware can.
    pub may_panic: Vec<String>,
}

/// How weights lie in a model: docs/format.md, "Weight orders".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightOrder {
    /// For cores that work on words.
    #[default]
    Pairs,
    /// For cores with Helium.
    Vectors,
}

/// Why there is no list of boards.
#[derive(Debug, Error)]
pub enum BoardsError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A `board.toml` is not as it should be.
    #[error("cannot understand {}: {source}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
}

/// The keys of a `board.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoardFile {
    core: String,
    triple: String,
    chip: Option<String>,
    emulator: Option<String>,
    #[serde(default = "default_emulator_program")]
    emulator_program: String,
    #[serde(default)]
    weight_order: WeightOrder,
    #[serde(default)]
    may_panic: Vec<String>,
}

/// Most boards are Arm's.
fn default_emulator_program() -> String {
    "qemu-system-arm".to_owned()
}

impl Board {
    /// The firmware's own program, and those for the tests: the one that ends as it is told to, and
    /// the one that holds the kernels against a reference.
    #[must_use]
    pub fn programs(&self) -> [String; 3] {
        [self.name.clone(), format!("{}-faults", self.name), format!("{}-kernels", self.name)]
    }

    fn read(folder: &Path, name: String) -> Result<Self, BoardsError> {
        let path = folder.join("board.toml");
        let text = fs::read_to_string(&path).map_err(|source| unreadable(&path, source))?;
        Self::parse(name, &text).map_err(|source| BoardsError::Malformed { path, source: Box::new(source) })
    }

    fn parse(name: String, text: &str) -> Result<Self, toml::de::Error> {
        let BoardFile { core, triple, chip, emulator, emulator_program, weight_order, may_panic } =
            toml::from_str(text)?;
        Ok(Self { name, core, triple, chip, emulator, emulator_program, weight_order, may_panic })
    }
}

/// The boards of this workspace, by name.
///
/// # Errors
///
/// Where a folder or file cannot be read or understood.
pub fn all() -> Result<Vec<Board>, BoardsError> {
    all_in(&folder())
}

/// The folder with one folder for each board.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("")).join("firmware/boards")
}

fn all_in(folder: &Path) -> Result<Vec<Board>, BoardsError> {
    let entries = fs::read_dir(folder).map_err(|source| unreadable(folder, source))?;
    let folders = entries.flatten().filter(|entry| entry.path().join("board.toml").is_file());
    let boards = folders.map(|entry| Board::read(&entry.path(), entry.file_name().to_string_lossy().into_owned()));
    let mut boards: Vec<_> = boards.collect::<Result<_, _>>()?;
    boards.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(boards)
}

fn unreadable(path: &Path, source: io::Error) -> BoardsError {
    BoardsError::Unreadable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_file_is_read_and_chip_and_emulator_may_be_absent() {
        let text = "core = \"cortex-m3\"\ntriple = \"thumbv7m-none-eabi\"\n";
        let board = Board::parse("b".into(), text).unwrap();
        assert_eq!((board.triple.as_str(), board.core.as_str()), ("thumbv7m-none-eabi", "cortex-m3"));
        assert_eq!((board.chip, board.emulator), (None, None));
        let board = Board::parse("b".into(), &format!("{text}chip = \"c\"\n")).unwrap();
        assert_eq!(board.chip.as_deref(), Some("c"));
        assert_eq!(board.programs(), ["b", "b-faults", "b-kernels"]);
        let board = Board::parse("b".into(), &format!("{text}emulator = \"m\"\n")).unwrap();
        assert_eq!((board.emulator.as_deref(), board.emulator_program.as_str()), (Some("m"), "qemu-system-arm"));
        let board = Board::parse("b".into(), &format!("{text}emulator_program = \"p\"\n")).unwrap();
        assert_eq!(board.emulator_program, "p");
    }

    #[test]
    fn missing_and_misspelt_keys_are_named() {
        let error = Board::parse("b".into(), "core = \"cortex-m3\"").unwrap_err();
        assert!(error.to_string().contains("triple"), "{error}");
        let error =
            Board::parse("b".into(), "core = \"c\"\ntriple = \"t\"\nchip = \"c\"\nemulatr = \"m\"").unwrap_err();
        assert!(error.to_string().contains("emulatr"), "{error}");
    }

    #[test]
    fn the_boards_of_this_workspace_are_well_formed() {
        let boards = all().unwrap();
        assert!(boards.iter().any(|board| board.name == "mps2-an386" && board.emulator.is_some()));
        for board in boards {
            let folder = folder().join(&board.name);
            assert!(folder.join("memory.x").is_file(), "{}", board.name);
        }
    }
}
