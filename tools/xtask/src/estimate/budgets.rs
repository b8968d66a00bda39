//! `cargo xtask estimate --budgets`: the estimated cycles of the fixture on each core.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};
use host_support::files;
use serde::Deserialize;

use super::CORES;
use crate::output::log;
use crate::work::fixture;
use crate::workspace::Workspace;

/// The budgets, relative to the workspace.
const BUDGETS: &str = "tests/cycle-budgets.toml";

const HEADER: &str = "\
# Estimated cycles of the fixture on each core without wait states, mean of 128 images.
# `cargo xtask estimate --budgets` and `cargo xtask test` compare; `--write-budgets` writes.
# Cycles depend on addresses, so an unrelated change may exceed a budget by 3 %.
";

/// Percent by which a budget may be exceeded.
const TOLERANCE: f64 = 3.0;

/// Largest error, in percent, of the costs from which `host-trainer` estimates.
const FITTED_TOLERANCE: f64 = 10.0;

#[derive(Deserialize)]
struct Row {
    core: String,
    cycles_mean: Option<f64>,
    /// The mean by fitted costs.
    cycles_fitted: Option<f64>,
}

/// Compares the estimates with the budgets, or writes them. Programs and firmware must be built.
pub fn command(workspace: &Workspace, write: bool) -> Result<()> {
    let path = workspace.root.join(BUDGETS);
    let job = super::job(workspace, &fixture(workspace))?.args(CORES).arg("--json");
    let rows: Vec<Row> = job.capture_json()?;
    if write {
        files::write(&path, text(&rows).as_bytes())?;
        log(format_args!("    wrote {BUDGETS}"));
        return Ok(());
    }
    let budgets = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let budgets: BTreeMap<String, u64> =
        toml::from_str(&budgets).with_context(|| format!("cannot parse {}", path.display()))?;
    let exceeded = exceeded(&rows, &budgets);
    if !exceeded.is_empty() {
        bail!("exceeded budgets of {BUDGETS}:\n    {}", exceeded.join("\n    "));
    }
    let misfits = misfits(&rows);
    if !misfits.is_empty() {
        bail!("outdated costs; `cargo xtask estimate --fit` fits them again:\n    {}", misfits.join("\n    "));
    }
    Ok(())
}

/// Builds programs and firmware, and compares or writes.
pub fn with_build(workspace: &Workspace, write: bool) -> Result<()> {
    workspace.build_program("estimate")?;
    super::build(workspace, &super::cores()?)?;
    command(workspace, write)
}

fn text(rows: &[Row]) -> String {
    let mut text = HEADER.to_owned();
    for Row { core, cycles_mean, .. } in rows {
        let _ = writeln!(text, "{core} = {}", cycles_mean.unwrap_or_default().ceil() as u64);
    }
    text
}

/// Returns a message for each estimate above its budget.
fn exceeded(rows: &[Row], budgets: &BTreeMap<String, u64>) -> Vec<String> {
    let message = |Row { core, cycles_mean, .. }: &Row| {
        let found = cycles_mean.unwrap_or_default();
        let Some(&budget) = budgets.get(core) else {
            return Some(format!("{core} has no budget; add --write-budgets"));
        };
        let most = budget as f64 * (1.0 + TOLERANCE / 100.0);
        (found > most).then(|| format!("{core}: found {found:.0} cycles, expected at most {most:.0}"))
    };
    rows.iter().filter_map(message).collect()
}

/// Returns a message for each estimate from which the fitted costs differ too much.
fn misfits(rows: &[Row]) -> Vec<String> {
    let message = |Row { core, cycles_mean, cycles_fitted }: &Row| {
        let traced = cycles_mean.unwrap_or_default();
        let Some(fitted) = cycles_fitted else { return Some(format!("{core} has no costs")) };
        let error = 100.0 * (fitted / traced - 1.0);
        let text = || format!("{core}: found {fitted:.0} cycles, expected {traced:.0} \u{b1} {FITTED_TOLERANCE} %");
        (error.is_nan() || error.abs() > FITTED_TOLERANCE).then(text)
    };
    rows.iter().filter_map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cycles: f64, cycles_fitted: Option<f64>) -> Row {
        Row { core: "cortex-m4".into(), cycles_mean: Some(cycles), cycles_fitted }
    }

    #[test]
    fn fitted_costs_give_about_the_same() {
        assert!(misfits(&[row(1000.0, Some(1099.0)), row(1000.0, Some(901.0))]).is_empty());
        let found = misfits(&[row(1000.0, Some(899.0)), row(1000.0, None), row(0.0, Some(0.0))]);
        assert_eq!(found[0], "cortex-m4: found 899 cycles, expected 1000 \u{b1} 10 %");
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn an_estimate_may_exceed_its_budget_by_three_percent() {
        let rows = |cycles| vec![row(cycles, None)];
        let budgets: BTreeMap<String, u64> = toml::from_str(&text(&rows(999.5))).unwrap();
        assert_eq!(budgets["cortex-m4"], 1000);
        assert!(exceeded(&rows(1029.0), &budgets).is_empty());
        assert_eq!(exceeded(&rows(1031.0), &budgets), ["cortex-m4: found 1031 cycles, expected at most 1030"]);
        assert!(exceeded(&rows(1.0), &BTreeMap::new())[0].contains("has no budget"));
    }
}
