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
# instructions_error_percent: the same for instructions; only cores have them.
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
    /// Largest error of fitted instructions, in percent, for models that were not fitted.
    #[serde(default)]
    pub instructions_error_percent: f64,
    /// Cycles of each operation, by its name.
    pub cycles: BTreeMap<String, f64>,
    /// Instructions of each operation, by its name; empty for a board; see its core.
    #[serde(default)]
    pub instructions: BTreeMap<String, f64>,
}

/// The costs on all boards.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs(BTreeMap<String, BoardCosts>);

impl BoardCosts {
    /// Returns costs with these `cycles`, in the order of [`Operation::ALL`], without errors and
    /// sizes.
    #[must_use]
    pub fn of_cycles(cycles: &[f64]) -> Self {
        Self {
            error_percent: 0.0,
            fit_error_percent: 0.0,
            flash_bytes: 0,
            ram_bytes: 0,
            instructions_error_percent: 0.0,
            cycles: by_name(cycles),
            instructions: BTreeMap::new(),
        }
    }

    /// Returns the same costs with these `instructions`, in the order of [`Operation::ALL`].
    #[must_use]
    pub fn with_instructions(self, instructions: &[f64]) -> Self {
        Self { instructions: by_name(instructions), ..self }
    }

    /// Returns the cycles of `operations`.
    #[must_use]
    pub fn cycles_of(&self, operations: &Operations) -> f64 {
        cost(&self.cycles, operations)
    }

    /// Returns the instructions of `operations`; `None` for a board.
    #[must_use]
    pub fn instructions_of(&self, operations: &Operations) -> Option<f64> {
        (!self.instructions.is_empty()).then(|| cost(&self.instructions, operations))
    }
}

fn by_name(costs: &[f64]) -> BTreeMap<String, f64> {
    let names = Operation::ALL.iter().map(|operation| operation.name().to_owned());
    names.zip(costs.iter().copied()).collect()
}

fn cost(costs: &BTreeMap<String, f64>, operations: &Operations) -> f64 {
    let cost = |operation: &Operation| costs.get(operation.name()).copied().unwrap_or(0.0);
    operations.cost(&Operation::ALL.iter().map(cost).collect::<Vec<_>>())
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
            if let Some(key) = board.cycles.keys().chain(board.instructions.keys()).find(|key| !known(key)) {
                return Err(CostsError(format!("unknown operation {key} of {name}")));
            }
            let instructions = Some(&board.instructions).filter(|table| !table.is_empty());
            let tables = [&board.cycles].into_iter().chain(instructions);
            let absent = |table: &BTreeMap<String, f64>| {
                Operation::ALL.iter().find(|operation| !table.contains_key(operation.name()))
            };
            if let Some(operation) = tables.filter_map(absent).next() {
                return Err(CostsError(format!("operation {} of {name} is missing", operation.name())));
            }
            let errors = [&board.error_percent, &board.fit_error_percent, &board.instructions_error_percent];
            let numbers = board.cycles.values().chain(board.instructions.values()).chain(errors);
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
            let BoardCosts { error_percent, fit_error_percent, flash_bytes, ram_bytes, .. } = board;
            let _ = write!(
                text,
                "\n[{name}]\nerror_percent = {error_percent:.1}\nfit_error_percent = {fit_error_percent:.1}\n\
                 flash_bytes = {flash_bytes}\nram_bytes = {ram_bytes}\n"
            );
            if !board.instructions.is_empty() {
                let _ = writeln!(text, "instructions_error_percent = {:.1}", board.instructions_error_percent);
            }
            for (table, costs) in [("cycles", &board.cycles), ("instructions", &board.instructions)] {
                if costs.is_empty() {
                    continue;
                }
                let _ = write!(text, "\n[{name}.{table}]\n");
                for operation in Operation::ALL {
                    let cost = costs.get(operation.name()).copied().unwrap_or(0.0);
                    let _ = writeln!(text, "{} = {cost:.2}", operation.name());
                }
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
            let is_core_alone = owned::named(name).unwrap().is_core_alone();
            assert_eq!(board.cycles.len(), Operation::ALL.len(), "{name}");
            assert!(board.fit_error_percent > 0.0 && board.fit_error_percent < 15.0, "{name}");
            let instructions = if is_core_alone { Operation::ALL.len() } else { 0 };
            assert_eq!(board.instructions.len(), instructions, "{name}");
            assert!(board.instructions_error_percent < 15.0, "{name}");
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
        assert_eq!((board.cycles_of(&operations), board.instructions_of(&operations)), (5.0, None));
        let cycles = vec![2.0; Operation::ALL.len()];
        let core = BoardCosts { instructions_error_percent: 2.5, ..board.with_instructions(&cycles) };
        let text = Costs::text(&[("cortex-m4".to_owned(), core.clone())]);
        assert_eq!(Costs::parse(&text).unwrap().get("cortex-m4"), Some(&core));
        assert_eq!(core.instructions_of(&operations), Some(20.0));
    }

    #[test]
    fn wrong_costs_are_refused_with_the_key() {
        let names = Operation::ALL.iter().map(|operation| operation.name());
        let costs: String = names.filter(|name| *name != "word").map(|name| format!("{name} = 1\n")).collect();
        let board = "[b]\nerror_percent = 1\nfit_error_percent = 1\nflash_bytes = 1\nram_bytes = 1\n[b.cycles]\n";
        let board = format!("{board}{costs}");
        assert!(Costs::parse(&format!("{board}word = 1\n")).is_ok());
        for (text, reason) in [
            (board.clone(), "operation word of b is missing"),
            (format!("{board}word = 1\nwords = 1\n"), "unknown operation words of b"),
            (format!("{board}word = -1\n"), "found -1 for b"),
            (format!("{board}word = inf\n"), "found inf for b"),
            (format!("{board}word = 1\n[b.instructions]\nword = 1\n"), "of b is missing"),
            ("[b]\nerror_percent = 1\n".to_owned(), "missing field"),
            ("[".to_owned(), "cannot parse costs.toml"),
        ] {
            let error = Costs::parse(&text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
