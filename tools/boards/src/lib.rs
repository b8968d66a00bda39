//! The boards of the firmware: each folder's `board.toml`, parsed.
//!
//! A board's folder, feature, ELF files and tests share one name. A new folder is a new board for
//! every tool.

#![forbid(unsafe_code)]

mod chips;
pub mod owned;

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use thiserror::Error;

pub use chips::chip_descriptions;

/// A board, as its `board.toml` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The folder's name.
    pub name: String,
    /// The core, as the firmware reports it, for example `cortex-m4`.
    pub core: String,
    /// The compiler's name for the core and its calling convention.
    pub triple: String,
    /// The chip's name for probe-rs. `None` if probe-rs does not know it.
    pub chip: Option<String>,
    /// QEMU's emulation of the board. `None` for a hardware board.
    pub emulator: Option<Emulator>,
    /// The order of weights that is fastest on this core.
    pub weight_order: WeightOrder,
    /// Libraries of its drivers that can panic. No other code of its firmware can.
    pub may_panic: Vec<String>,
}

/// QEMU's emulation of a board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulator {
    /// QEMU's name for the machine.
    pub machine: String,
    /// The QEMU program that emulates the core.
    #[serde(default = "default_program")]
    pub program: String,
    /// The chip that the virtual probe offers to probe-rs. `None` if it cannot debug the board.
    pub probe: Option<EmulatedChip>,
}

/// An emulated chip, as a debugger finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmulatedChip {
    /// Part number in the core's ROM table.
    pub part: u16,
    /// Memory that programs are loaded to, with the vector table at its start.
    pub code: Region,
    /// Memory for variables.
    pub ram: Region,
    /// True if a debugger must halt the core to write the code memory.
    #[serde(default)]
    pub flash: bool,
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The first address.
    pub start: u32,
    /// Length in bytes.
    pub length: u32,
}

/// The order of weights in a model: docs/format.md, "Weight orders".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightOrder {
    /// For cores that work on words.
    #[default]
    Pairs,
    /// For cores with Helium.
    Vectors,
}

/// An error in reading the boards' files.
#[derive(Debug, Error)]
pub enum BoardsError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A `board.toml` has a missing, unknown or wrong key.
    #[error("cannot parse {}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The key and the cause.
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
    emulator: Option<Emulator>,
    #[serde(default)]
    weight_order: WeightOrder,
    #[serde(default)]
    may_panic: Vec<String>,
}

fn default_program() -> String {
    "qemu-system-arm".to_owned()
}

impl Board {
    /// Returns the names of its ELF files: the server, and the test programs `faults` and
    /// `kernels`.
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
        let BoardFile { core, triple, chip, emulator, weight_order, may_panic } = toml::from_str(text)?;
        Ok(Self { name, core, triple, chip, emulator, weight_order, may_panic })
    }
}

/// Returns the boards of this workspace, sorted by name.
///
/// # Errors
///
/// Returns [`BoardsError`] if a folder or file cannot be read or parsed.
pub fn all() -> Result<Vec<Board>, BoardsError> {
    let folder = folder();
    let entries = fs::read_dir(&folder).map_err(|source| unreadable(&folder, source))?;
    let folders = entries.flatten().filter(|entry| entry.path().join("board.toml").is_file());
    let boards = folders.map(|entry| Board::read(&entry.path(), entry.file_name().to_string_lossy().into_owned()));
    let mut boards: Vec<_> = boards.collect::<Result<_, _>>()?;
    boards.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(boards)
}

/// Returns the folder with one folder for each board.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("")).join("firmware/boards")
}

fn unreadable(path: &Path, source: io::Error) -> BoardsError {
    BoardsError::Unreadable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chip_and_emulator_are_optional() {
        let text = "core = \"cortex-m3\"\ntriple = \"thumbv7m-none-eabi\"\n";
        let board = Board::parse("b".into(), text).unwrap();
        assert_eq!((board.triple.as_str(), board.core.as_str()), ("thumbv7m-none-eabi", "cortex-m3"));
        assert_eq!((board.chip, board.emulator), (None, None));
        let board = Board::parse("b".into(), &format!("{text}chip = \"c\"\n")).unwrap();
        assert_eq!(board.chip.as_deref(), Some("c"));
        assert_eq!(board.programs(), ["b", "b-faults", "b-kernels"]);
        let board = Board::parse("b".into(), &format!("{text}[emulator]\nmachine = \"m\"\n")).unwrap();
        let emulator = Emulator { machine: "m".into(), program: "qemu-system-arm".into(), probe: None };
        assert_eq!(board.emulator, Some(emulator));
    }

    #[test]
    fn errors_name_missing_and_unknown_keys() {
        let error = Board::parse("b".into(), "core = \"cortex-m3\"").unwrap_err();
        assert!(error.to_string().contains("triple"), "{error}");
        for unknown in ["emulatr = \"m\"", "[emulator]\nmachine = \"m\"\nprogramm = \"p\""] {
            let error = Board::parse("b".into(), &format!("core = \"c\"\ntriple = \"t\"\n{unknown}")).unwrap_err();
            assert!(error.to_string().contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn each_board_of_this_workspace_is_complete() {
        let boards = all().unwrap();
        assert!(boards.iter().any(|board| board.name == "mps2-an386" && board.emulator.is_some()));
        for board in boards {
            for file in ["memory.x", "board.rs"] {
                assert!(folder().join(&board.name).join(file).is_file(), "{}: no {file}", board.name);
            }
        }
    }
}
