//! What each board may take at most, as a committed file has it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::row::Row;

/// What stands above the figures.
const INTRODUCTION: &str = "\
# The most that each emulated board may take for the images of tests/fixtures: `cargo xtask bench --budgets` compares, and so does
# `cargo xtask test`. Whoever makes something smaller or quicker lowers them in the same change, by
# `cargo xtask bench --write-budgets`. Firmware of another compiler may take a tenth more.
";

/// Ceilings, by board.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// The first so many images.
    #[serde(rename = "pictures")]
    images: usize,
    /// What compiled the firmware.
    compiler: String,
    /// By the board's name.
    board: BTreeMap<String, Budget>,
}

/// Ceilings of one board.
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
    /// What `row` takes, rounded up. Nothing where that is not instructions.
    fn of(row: &Row) -> Option<Self> {
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
    /// Where it cannot be read or understood.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    /// Exactly what `rows` take, as a file of budgets.
    ///
    /// # Errors
    ///
    /// Where a row counts cycles, which are no budget.
    pub fn text_of(rows: &[Row]) -> anyhow::Result<String> {
        let first = rows.first().context("nothing was measured")?;
        let board = |row: &Row| {
            let budget =
                Budget::of(row).with_context(|| format!("{} counts cycles, which are no budget", row.device))?;
            Ok((row.board.clone(), budget))
        };
        let board = rows.iter().map(board).collect::<anyhow::Result<_>>()?;
        let budgets = Self { images: first.images, compiler: first.compiler.clone(), board };
        Ok(format!("{INTRODUCTION}{}", toml::to_string(&budgets)?))
    }

    /// What exceeds its budget, in words that name board, figure and budget.
    ///
    /// # Errors
    ///
    /// Where the budgets are about another model or other images, or have none for a board.
    pub fn exceeded(&self, rows: &[Row]) -> anyhow::Result<Vec<String>> {
        let mut exceeded = Vec::new();
        for row in rows {
            let budget = self.board.get(&row.board);
            let budget = budget
                .with_context(|| format!("there are no budgets for {}: add them by --write-budgets", row.board))?;
            ensure!(
                (&budget.model, self.images) == (&row.model, row.images),
                "the budgets are for {} images with model {}, and {} had {} with {}: measure the fixture, as \
                 `cargo xtask bench --budgets` does, or write new ones by --write-budgets",
                self.images,
                budget.model,
                row.device,
                row.images,
                row.model
            );
            let found = Budget::of(row)
                .with_context(|| format!("{} counts cycles, for which there are no budgets", row.device))?;
            for ((name, found), (_, most)) in found.figures().into_iter().zip(budget.figures()) {
                // Of another compiler the same source is other code.
                let most = if row.compiler == self.compiler { most } else { most + most / 10 };
                if found > most {
                    exceeded.push(format!(
                        "{}: {name} is {found}, {} above its budget of {most}",
                        row.board,
                        found - most
                    ));
                }
            }
        }
        Ok(exceeded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;
    use parity::Unit;

    #[test]
    fn what_is_written_is_kept_and_one_more_is_named() {
        let mut rows = [row(Unit::Instructions)];
        let budgets: Budgets = toml::from_str(&Budgets::text_of(&rows).unwrap()).unwrap();
        assert!(budgets.exceeded(&rows).unwrap().is_empty());
        rows[0].instructions_max = Some(1235);
        assert_eq!(budgets.exceeded(&rows).unwrap(), ["b: instructions_max is 1235, 1 above its budget of 1234"]);
        rows[0].compiler = "rustc version 2".into();
        assert!(budgets.exceeded(&rows).unwrap().is_empty(), "another compiler may take a tenth more");
        rows[0].instructions_max = Some(1358);
        assert_eq!(budgets.exceeded(&rows).unwrap().len(), 1);
    }

    #[test]
    fn each_figure_has_a_budget_of_its_own() {
        let budgets: Budgets = toml::from_str(&Budgets::text_of(&[row(Unit::Instructions)]).unwrap()).unwrap();
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
    fn other_images_boards_and_cycles_are_not_compared() {
        let budgets: Budgets = toml::from_str(&Budgets::text_of(&[row(Unit::Instructions)]).unwrap()).unwrap();
        let error = |row: Row| budgets.exceeded(&[row]).unwrap_err().to_string();
        assert!(error(Row { images: 8, ..row(Unit::Instructions) }).contains("for 7 pictures with model 0000001a"));
        assert!(error(Row { board: "c".into(), ..row(Unit::Instructions) }).contains("no budgets for c"));
        assert!(error(row(Unit::Cycles)).contains("counts cycles"));
        assert!(Budgets::text_of(&[row(Unit::Cycles)]).is_err());
    }
}
