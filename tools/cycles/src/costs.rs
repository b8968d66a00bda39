//! The fitted costs of operations on boards: the file `costs.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use thiserror::Error;

use crate::operation::{Operation, Operations};

const COMMITTED: &str = include_str!("../costs.toml");

const HEADER: &str = "\
# Fitted cycles of each operation of an inference, for the boards of `cargo xtask estimate`.
# Written by `cargo xtask estimate --fit` from traces of networks with random weights.
#
# error_percent: error of the traces' cycles, from docs/latency.md.
# fit_error_percent: largest error of the fit, for models that were not fitted.
# flash_bytes, ram_bytes: the run-time server, without model and workspace.
";

/// The reason why costs cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("cannot parse costs.toml: {0}; `cargo xtask estimate --fit` writes it")]
pub struct CostsError(String);

/// The costs on a board.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardCosts {
    /// Error of the estimates that were fitted, in percent.
    pub error_percent: f64,
    /// Largest error of the fit, in percent, for models that were not fitted.
    pub fit_error_percent: f64,
    /// Flash of the run-time server, without a model.
    pub flash_bytes: u64,
    /// Variables and deepest stack of the server, without the workspace.
    pub ram_bytes: u64,
    /// Cycles of each operation, by its name.
    pub cycles: BTreeMap<String, f64>,
}

/// The costs on all boards.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs(BTreeMap<String, BoardCosts>);

impl BoardCosts {
    /// Returns costs with these `cycles`, in the order of [`Operation::ALL`], without errors and
    /// sizes.
    #[must_use]
    pub fn of_cycles(cycles: &[f64]) -> Self {
        let names = Operation::ALL.iter().map(|operation| operation.name().to_owned());
        let cycles = names.zip(cycles.iter().copied()).collect();
        Self { error_percent: 0.0, fit_error_percent: 0.0, flash_bytes: 0, ram_bytes: 0, cycles }
    }

    /// Returns the cycles of `operations`.
    #[must_use]
    pub fn cycles_of(&self, operations: &Operations) -> f64 {
        let cost = |operation: &Operation| self.cycles.get(operation.name()).copied().unwrap_or(0.0);
        operations.cost(&Operation::ALL.iter().map(cost).collect::<Vec<_>>())
    }
}

impl Costs {
    /// Returns the committed costs.
    ///
    /// # Errors
    ///
    /// Returns [`CostsError`] if they cannot be parsed.
    pub fn committed() -> Result<Self, CostsError> {
        Self::parse(COMMITTED)
    }

    /// Parses a file.
    ///
    /// # Errors
    ///
    /// Returns [`CostsError`] if a key is missing, unknown or wrong.
    pub fn parse(text: &str) -> Result<Self, CostsError> {
        let boards: BTreeMap<String, BoardCosts> =
            toml::from_str(text).map_err(|error| CostsError(error.to_string().trim_end().to_owned()))?;
        for (name, board) in &boards {
            let known = |key: &String| Operation::ALL.iter().any(|operation| operation.name() == key);
            if let Some(key) = board.cycles.keys().find(|key| !known(key)) {
                return Err(CostsError(format!("unknown operation {key} of {name}")));
            }
            let numbers = board.cycles.values().chain([&board.error_percent, &board.fit_error_percent]);
            if let Some(number) = numbers.copied().find(|number| !(number.is_finite() && *number >= 0.0)) {
                return Err(CostsError(format!("found {number} for {name}, expected 0 or more")));
            }
        }
        Ok(Self(boards))
    }

    /// Returns the costs on the board, or the core, of this name.
    #[must_use]
    pub fn get(&self, board: &str) -> Option<&BoardCosts> {
        self.0.get(board)
    }

    /// Returns the file with these costs.
    #[must_use]
    pub fn text(boards: &[(String, BoardCosts)]) -> String {
        let mut text = HEADER.to_owned();
        for (name, board) in boards {
            let BoardCosts { error_percent, fit_error_percent, flash_bytes, ram_bytes, cycles } = board;
            let _ = write!(
                text,
                "\n[{name}]\nerror_percent = {error_percent:.1}\nfit_error_percent = {fit_error_percent:.1}\n\
                 flash_bytes = {flash_bytes}\nram_bytes = {ram_bytes}\n\n[{name}.cycles]\n"
            );
            for operation in Operation::ALL {
                let cost = cycles.get(operation.name()).copied().unwrap_or(0.0);
                let _ = writeln!(text, "{} = {cost:.2}", operation.name());
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use boards::owned;

    use super::*;

    #[test]
    fn the_committed_costs_are_for_known_boards_and_have_all_operations() {
        let costs = Costs::committed().unwrap();
        assert!(costs.get("cortex-m4").is_some() && costs.get("nrf52840-dk").is_some());
        for (name, board) in &costs.0 {
            assert!(owned::named(name).is_ok(), "{name}");
            assert_eq!(board.cycles.len(), Operation::ALL.len(), "{name}");
            assert!(board.fit_error_percent > 0.0 && board.fit_error_percent < 15.0, "{name}");
        }
    }

    #[test]
    fn costs_are_written_as_they_are_read() {
        let cycles: Vec<f64> = (0..Operation::ALL.len()).map(|place| place as f64 / 4.0).collect();
        let board = BoardCosts { error_percent: 6.0, fit_error_percent: 1.5, ..BoardCosts::of_cycles(&cycles) };
        let text = Costs::text(&[("cortex-m4".to_owned(), board.clone())]);
        assert_eq!(Costs::parse(&text).unwrap().get("cortex-m4"), Some(&board));
        let mut operations = Operations::default();
        operations.add(Operation::ALL[2], 10);
        assert_eq!(board.cycles_of(&operations), 5.0);
    }

    #[test]
    fn wrong_costs_are_refused_with_the_key() {
        let board = "[b]\nerror_percent = 1\nfit_error_percent = 1\nflash_bytes = 1\nram_bytes = 1\n[b.cycles]\n";
        assert!(Costs::parse(board).is_ok());
        for (text, reason) in [
            (format!("{board}words = 1\n"), "unknown operation words of b"),
            (format!("{board}word = -1\n"), "found -1 for b"),
            (format!("{board}word = inf\n"), "found inf for b"),
            ("[b]\nerror_percent = 1\n".to_owned(), "missing field"),
            ("[".to_owned(), "cannot parse costs.toml"),
        ] {
            let error = Costs::parse(&text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
