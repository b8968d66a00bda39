//! Budgets of each board, in a committed file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::row::Row;

const HEADER: &str = "\
# Budgets of each emulated board for the first test images.
# `cargo xtask bench --budgets` and `cargo xtask test` compare.
# A change that lowers a figure also lowers its budget, with `cargo xtask bench --write-budgets`.
# Firmware from another compiler may exceed a budget by a tenth.
";

/// A file of budgets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    #[serde(rename = "pictures")]
    images: usize,
    compiler: String,
    board: BTreeMap<String, Budget>,
}

/// Budgets of one board.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    /// The model's id.
    model: String,
    instructions_mean: u64,
    instructions_max: u64,
    code_bytes: u64,
    flash_bytes: u64,
    statics_bytes: u64,
    stack_bytes: u64,
}

impl Budget {
    /// Returns the figures of `row`, rounded up; `None` if it counts cycles.
    fn from_row(row: &Row) -> Option<Self> {
        Some(Self {
            model: row.model.clone(),
            instructions_mean: row.instructions_mean?.ceil() as u64,
            instructions_max: row.instructions_max?,
            code_bytes: row.code_bytes,
            flash_bytes: row.flash_bytes.into(),
            statics_bytes: row.ram_statics_bytes.into(),
            stack_bytes: row.ram_stack_bytes.into(),
        })
    }

    fn figures(&self) -> [(&'static str, u64); 6] {
        let Self { instructions_mean, instructions_max, code_bytes, flash_bytes, statics_bytes, stack_bytes, .. } =
            *self;
        [
            ("instructions_mean", instructions_mean),
            ("instructions_max", instructions_max),
            ("code_bytes", code_bytes),
            ("flash_bytes", flash_bytes),
            ("statics_bytes", statics_bytes),
            ("stack_bytes", stack_bytes),
        ]
    }
}

impl Budgets {
    /// Reads a file of budgets.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be read or parsed.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot parse {}", path.display()))
    }

    /// Returns a file of budgets that are exactly the figures of `rows`.
    ///
    /// # Errors
    ///
    /// Returns an error if a row counts cycles: budgets are instructions.
    pub fn to_text(rows: &[Row]) -> anyhow::Result<String> {
        let first = rows.first().context("nothing was measured")?;
        let board = |row: &Row| {
            let budget = Budget::from_row(row)
                .with_context(|| format!("{} counts cycles, but budgets are instructions", row.device))?;
            Ok((row.board.clone(), budget))
        };
        let board = rows.iter().map(board).collect::<anyhow::Result<_>>()?;
        let budgets = Self { images: first.images, compiler: first.compiler.clone(), board };
        Ok(format!("{HEADER}{}", toml::to_string(&budgets)?))
    }

    /// Returns a message for each figure that exceeds its budget.
    ///
    /// # Errors
    ///
    /// Returns an error if the budgets are for another model or image count, or lack a board.
    pub fn exceeded(&self, rows: &[Row]) -> anyhow::Result<Vec<String>> {
        let mut messages = Vec::new();
        for row in rows {
            let budget = self.board.get(&row.board);
            let budget = budget
                .with_context(|| format!("there are no budgets for {}; add them with --write-budgets", row.board))?;
            ensure!(
                (&budget.model, self.images) == (&row.model, row.images),
                "the budgets are for {} images with model {}, but {} measured {} with {}; measure the fixture with \
                 `cargo xtask bench --budgets`, or write new budgets with --write-budgets",
                self.images,
                budget.model,
                row.device,
                row.images,
                row.model
            );
            let found = Budget::from_row(row)
                .with_context(|| format!("{} counts cycles, but budgets are instructions", row.device))?;
            let is_same_compiler = row.compiler == self.compiler;
            for (found, budget) in found.figures().into_iter().zip(budget.figures()) {
                messages.extend(exceeded(&row.board, found, budget.1, is_same_compiler));
            }
        }
        Ok(messages)
    }
}

/// Returns a message if a figure exceeds its budget. Another compiler generates other code from the
/// same source, so it may exceed it by a tenth.
pub fn exceeded(of: &str, (name, found): (&str, u64), most: u64, is_same_compiler: bool) -> Option<String> {
    let most = if is_same_compiler { most } else { most + most / 10 };
    let above = found.checked_sub(most).filter(|above| *above > 0)?;
    Some(format!("{of}: {name} is {found}, {above} above its budget of {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;
    use parity::Unit;

    #[test]
    fn a_figure_above_its_budget_is_reported() {
        let mut rows = [row(Unit::Instructions)];
        let budgets: Budgets = toml::from_str(&Budgets::to_text(&rows).unwrap()).unwrap();
        assert!(budgets.exceeded(&rows).unwrap().is_empty());
        rows[0].instructions_max = Some(1235);
        assert_eq!(budgets.exceeded(&rows).unwrap(), ["b: instructions_max is 1235, 1 above its budget of 1234"]);
        rows[0].compiler = "rustc version 2".into();
        assert!(budgets.exceeded(&rows).unwrap().is_empty(), "another compiler is allowed a tenth more");
        rows[0].instructions_max = Some(1358);
        assert_eq!(budgets.exceeded(&rows).unwrap().len(), 1);
    }

    #[test]
    fn each_figure_has_its_own_budget() {
        let budgets: Budgets = toml::from_str(&Budgets::to_text(&[row(Unit::Instructions)]).unwrap()).unwrap();
        let exceeded = |change: fn(&mut Row)| {
            let mut rows = [row(Unit::Instructions)];
            change(&mut rows[0]);
            budgets.exceeded(&rows).unwrap()
        };
        assert_eq!(exceeded(|row| row.ram_stack_bytes += 1), ["b: stack_bytes is 6, 1 above its budget of 5"]);
        assert_eq!(exceeded(|row| row.ram_statics_bytes += 1), ["b: statics_bytes is 10, 1 above its budget of 9"]);
        assert_eq!(exceeded(|row| row.flash_bytes += 1), ["b: flash_bytes is 7, 1 above its budget of 6"]);
    }

    #[test]
    fn other_images_boards_and_units_are_refused() {
        let budgets: Budgets = toml::from_str(&Budgets::to_text(&[row(Unit::Instructions)]).unwrap()).unwrap();
        let error = |row: Row| budgets.exceeded(&[row]).unwrap_err().to_string();
        assert!(error(Row { images: 8, ..row(Unit::Instructions) }).contains("for 7 images with model 0000001a"));
        assert!(error(Row { board: "c".into(), ..row(Unit::Instructions) }).contains("no budgets for c"));
        assert!(error(row(Unit::Cycles)).contains("counts cycles"));
        assert!(Budgets::to_text(&[row(Unit::Cycles)]).is_err());
    }
}
