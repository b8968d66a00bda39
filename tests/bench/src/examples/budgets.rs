//! Budgets of the examples, in a committed file.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::{ExampleRow, Program};
use crate::budgets::exceeded;

const HEADER: &str = "\
# Budgets of the programs in examples that measure themselves, for each model.
# `cargo xtask bench --examples --budgets` and `cargo xtask test` compare.
# A change that lowers a figure also lowers its budget, with
# `cargo xtask bench --examples --write-budgets`.
# Programs from another compiler may exceed a budget by a tenth.
";

/// A file of budgets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleBudgets {
    #[serde(rename = "pictures")]
    images: u64,
    compiler: String,
    program: Vec<Budget>,
}

/// Budgets of one program.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    example: String,
    program: Program,
    model: String,
    core: String,
    code_bytes: u64,
    ram_bytes: u64,
    instructions_mean: u64,
    instructions_max: u64,
    /// Only of programs that read their model at start-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_instructions: Option<u64>,
}

impl Budget {
    fn from_row(row: &ExampleRow) -> Self {
        Self {
            example: row.example.clone(),
            program: row.program,
            model: row.model.clone(),
            core: row.core.clone(),
            code_bytes: row.code_bytes,
            ram_bytes: row.ram_bytes,
            instructions_mean: row.instructions_mean.ceil() as u64,
            instructions_max: row.instructions_max,
            start_instructions: row.start_instructions,
        }
    }

    fn name(&self) -> [&str; 4] {
        [&self.example, &self.model, self.program.name(), &self.core]
    }

    fn figures(&self) -> [(&'static str, u64); 5] {
        [
            ("code_bytes", self.code_bytes),
            ("ram_bytes", self.ram_bytes),
            ("instructions_mean", self.instructions_mean),
            ("instructions_max", self.instructions_max),
            ("start_instructions", self.start_instructions.unwrap_or(0)),
        ]
    }
}

impl ExampleBudgets {
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
    /// Returns an error if there are no rows.
    pub fn to_text(rows: &[ExampleRow]) -> anyhow::Result<String> {
        let first = rows.first().context("nothing was measured")?;
        let program = rows.iter().map(Budget::from_row).collect();
        let budgets = Self { images: first.images, compiler: first.compiler.clone(), program };
        Ok(format!("{HEADER}{}", toml::to_string(&budgets)?))
    }

    /// Returns a message for each figure that exceeds its budget, and for each model that is slower
    /// compiled in than parsed at start-up.
    ///
    /// # Errors
    ///
    /// Returns an error if a program has no budgets, or if they are for another number of images.
    pub fn exceeded(&self, rows: &[ExampleRow]) -> anyhow::Result<Vec<String>> {
        let mut messages = Vec::new();
        for row in rows {
            let found = Budget::from_row(row);
            let name = found.name().join(", ");
            let budget = self.program.iter().find(|budget| budget.name() == found.name());
            let budget = budget.with_context(|| {
                format!("there are no budgets for {name}; add them with `cargo xtask bench --examples --write-budgets`")
            })?;
            ensure!(
                self.images == row.images,
                "the budgets are for {} images, but {name} measured {}",
                self.images,
                row.images
            );
            let is_same_compiler = row.compiler == self.compiler;
            for (found, budget) in found.figures().into_iter().zip(budget.figures()) {
                messages.extend(exceeded(&name, found, budget.1, is_same_compiler));
            }
            let is_same = |other: &&ExampleRow| (&other.model, &other.core) == (&row.model, &row.core);
            let at_run_time = rows.iter().filter(is_same).find(|other| other.program == Program::RunTime);
            if let Some(other) = at_run_time
                && row.instructions_mean > other.instructions_mean
                && row.program == Program::Measure
            {
                messages.push(format!(
                    "{name}: {:.1} instructions, more than the {:.1} of the model that is parsed at start-up",
                    row.instructions_mean, other.instructions_mean
                ));
            }
        }
        Ok(messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::tests::row;

    #[test]
    fn each_figure_has_a_budget() {
        let budgets: ExampleBudgets = toml::from_str(&ExampleBudgets::to_text(&[row()]).unwrap()).unwrap();
        let exceeded = |change: fn(&mut ExampleRow)| {
            let mut row = row();
            change(&mut row);
            budgets.exceeded(&[row])
        };
        assert!(exceeded(|_| ()).unwrap().is_empty());
        assert_eq!(
            exceeded(|row| row.ram_bytes += 1).unwrap(),
            ["e, m, compiled in, cortex-m4: ram_bytes is 901, 1 above its budget of 900"]
        );
        let at_run_time = ExampleRow { program: Program::RunTime, start_instructions: Some(7), ..row() };
        let budgets: ExampleBudgets =
            toml::from_str(&ExampleBudgets::to_text(&[row(), at_run_time.clone()]).unwrap()).unwrap();
        let slower = ExampleRow { start_instructions: Some(8), instructions_mean: 99.0, ..at_run_time };
        let messages = budgets.exceeded(&[row(), slower]).unwrap();
        assert!(messages.iter().any(|message| message.contains("start_instructions is 8, 1 above")), "{messages:?}");
        assert!(messages.iter().any(|message| message.contains("more than the 99.0")), "{messages:?}");
        assert!(
            exceeded(|row| row.model = "other".into()).unwrap_err().to_string().contains("no budgets for e, other")
        );
        assert!(exceeded(|row| row.images = 2).unwrap_err().to_string().contains("for 1 images"));
    }
}
