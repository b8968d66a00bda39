//! Boards that people own, as far as the time and energy of a program depend on them: the table
//! `owned.toml`.

use serde::Deserialize;
use thiserror::Error;

const TABLE: &str = include_str!("../owned.toml");

/// Each core, and the emulated board of this workspace whose firmware is compiled for it.
const CORES: [(&str, &str); 8] = [
    ("cortex-m0", "microbit"),
    ("cortex-m0plus", "microbit"),
    ("cortex-m3", "mps2-an385"),
    ("cortex-m4", "mps2-an386"),
    ("cortex-m33", "mps2-an505"),
    ("rv32", "riscv32-virt"),
    ("cortex-m7", "mps2-an500"),
    ("cortex-m55", "mps3-an547"),
];

/// The reason why a board cannot be used as requested.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OwnedError {
    /// No board has this name.
    #[error("unknown board {found:?}; expected one of: {expected}")]
    Unknown {
        /// The name.
        found: String,
        /// The known names.
        expected: String,
    },
    /// The clock does not run.
    #[error("found a clock of 0 Hz for {board}, expected at least 1; set it with --clock HZ")]
    NoClock {
        /// The board.
        board: String,
    },
    /// The flash has no such setting.
    #[error("found {found} wait states for {board}, expected at most {most}")]
    WaitStates {
        /// The board.
        board: String,
        /// Wait states.
        found: u32,
        /// The most that it has.
        most: u32,
    },
    /// The table is wrong.
    #[error("cannot parse owned.toml: {0}")]
    Malformed(String),
}

/// A board.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnedBoard {
    /// Its name on the command line.
    pub name: String,
    /// Its core, such as `cortex-m4`.
    pub core: String,
    /// The clock of the core. `None` for a core without a board.
    pub clock_hz: Option<u64>,
    /// Bytes of flash. `None` for a core without a board.
    pub flash_bytes: Option<u64>,
    /// Bytes of RAM.
    pub ram_bytes: Option<u64>,
    /// Code and model are copied to RAM, because the flash is outside the chip.
    #[serde(default)]
    pub runs_in_ram: bool,
    /// Cycles of a multiplication, on cores whose makers choose it.
    #[serde(default = "one")]
    pub multiply_cycles: u32,
    /// The flash, unless it is as fast as the core.
    #[serde(default)]
    pub flash: Flash,
    /// Error of the cycles in percent, if it is not the core's.
    pub error_percent: Option<u32>,
    /// Energy of a cycle. `None` if no source was found.
    pub nanojoules_per_cycle: Option<f64>,
    /// The source of the energy.
    pub energy_source: Option<String>,
    /// A remark about the figures.
    #[serde(default)]
    pub remark: String,
}

/// The wait states of a flash memory, and its caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// Cycles that reading a line takes longer than one.
    pub wait_states: u32,
    /// The most that the part has.
    #[serde(default)]
    pub max_wait_states: u32,
    /// Bytes of code that are read together.
    pub line_bytes: u32,
    /// Lines of code that are cached; the one not used for the longest time is replaced.
    #[serde(default)]
    pub cache_lines: u32,
    /// The next line is read while one is executed.
    #[serde(default)]
    pub prefetch: bool,
    /// The path of data.
    #[serde(default)]
    pub data: DataPath,
}

/// The path of data from flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum DataPath {
    /// Each word waits.
    #[default]
    Words,
    /// Through a cache of this many lines.
    Lines {
        /// Bytes of a line.
        line_bytes: u32,
        /// Lines.
        lines: u32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    board: Vec<OwnedBoard>,
}

fn one() -> u32 {
    1
}

impl OwnedBoard {
    /// Returns a core alone: its code and data are in memory without wait states.
    #[must_use]
    pub fn core_alone(core: &str) -> Self {
        Self {
            name: core.to_owned(),
            core: core.to_owned(),
            clock_hz: None,
            flash_bytes: None,
            ram_bytes: None,
            runs_in_ram: false,
            multiply_cycles: 1,
            flash: Flash::default(),
            error_percent: None,
            nanojoules_per_cycle: None,
            energy_source: None,
            remark: String::new(),
        }
    }

    /// Returns true if this is a core without a board.
    #[must_use]
    pub fn is_core_alone(&self) -> bool {
        self.clock_hz.is_none()
    }

    /// Returns the emulated board of this workspace whose firmware is compiled for the core.
    #[must_use]
    pub fn emulated(&self) -> Option<&'static str> {
        CORES.iter().find(|(core, _)| *core == self.core).map(|(_, emulated)| *emulated)
    }

    /// Sets another clock or other wait states. Without wait states the error is the core's.
    ///
    /// # Errors
    ///
    /// Returns [`OwnedError`] if the clock is 0, or the flash does not have these wait states.
    pub fn with(mut self, clock_hz: Option<u64>, wait_states: Option<u32>) -> Result<Self, OwnedError> {
        self.clock_hz = clock_hz.or(self.clock_hz);
        if self.clock_hz == Some(0) {
            return Err(OwnedError::NoClock { board: self.name });
        }
        if let Some(found) = wait_states {
            let most = self.flash.max_wait_states;
            if found > most {
                return Err(OwnedError::WaitStates { board: self.name, found, most });
            }
            self.flash.wait_states = found;
            if found == 0 {
                self.error_percent = None;
            }
        }
        Ok(self)
    }
}

/// Returns the table, in its order.
///
/// # Errors
///
/// Returns [`OwnedError::Malformed`] if a key is missing, unknown or wrong.
pub fn owned() -> Result<Vec<OwnedBoard>, OwnedError> {
    let table: Table = toml::from_str(TABLE).map_err(|error| OwnedError::Malformed(error.to_string()))?;
    Ok(table.board)
}

/// Returns the board of this name, or a core alone.
///
/// # Errors
///
/// Returns [`OwnedError::Unknown`] with all names if there is neither.
pub fn named(name: &str) -> Result<OwnedBoard, OwnedError> {
    let mut boards = owned()?;
    if let Some(place) = boards.iter().position(|board| board.name == name) {
        return Ok(boards.swap_remove(place));
    }
    let cores = || CORES.iter().map(|(core, _)| *core);
    if cores().any(|core| core == name) {
        return Ok(OwnedBoard::core_alone(name));
    }
    let names = boards.iter().map(|board| board.name.as_str()).chain(cores());
    Err(OwnedError::Unknown { found: name.to_owned(), expected: names.collect::<Vec<_>>().join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_board_of_the_table_is_possible() {
        let boards = owned().unwrap();
        assert!(boards.len() >= 10);
        for board in &boards {
            let Flash { wait_states, max_wait_states, line_bytes, .. } = board.flash;
            assert!(board.emulated().is_some(), "{}", board.name);
            assert!(board.clock_hz.is_some_and(|clock| clock > 0), "{}", board.name);
            assert!(wait_states <= max_wait_states, "{}", board.name);
            assert!(wait_states == 0 || line_bytes.is_power_of_two(), "{}", board.name);
            assert_eq!(board.nanojoules_per_cycle.is_some(), board.energy_source.is_some(), "{}", board.name);
            assert_eq!(boards.iter().filter(|other| other.name == board.name).count(), 1, "{}", board.name);
        }
    }

    #[test]
    fn impossible_settings_are_refused_with_both_values() {
        let board = || named("nrf52840-dk").unwrap();
        assert_eq!(board().with(Some(0), None).unwrap_err(), OwnedError::NoClock { board: "nrf52840-dk".into() });
        let error = board().with(None, Some(99)).unwrap_err().to_string();
        assert!(error.contains("found 99") && error.contains("at most"), "{error}");
        assert_eq!(board().with(None, Some(0)).unwrap().error_percent, None);
        let error = named("arduino-uno").unwrap_err().to_string();
        assert!(error.contains("nrf52840-dk") && error.contains("cortex-m4"), "{error}");
    }
}
