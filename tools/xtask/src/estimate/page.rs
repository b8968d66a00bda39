//! `cargo xtask estimate --write-docs`: the tables of docs/latency.md, and its chart.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use boards::owned::{self, OwnedBoard};
use host_support::files;
use host_support::measured::MeasuredRecord;
use host_support::numbers::{grouped, rounded};
use host_support::page::Page;
use serde::Deserialize;

use crate::output::log;
use crate::work::{FIXTURE_MODEL, answered, fixture};
use crate::workspace::Workspace;

/// The page, and the command in its markers.
const PAGE: &str = "docs/latency.md";
const WRITER: &str = "estimate --write-docs";
const CHART: &str = "docs/latency.svg";

/// The folder of measurements on hardware, one JSON file for each.
const MEASURED: &str = "docs/measured";

/// Names of the models of the table, and their files. The first one is the fixture.
const MODELS: [(&str, &str); 3] =
    [("784-128-10", FIXTURE_MODEL), ("784-64-10", "models/784-64-10.bin"), ("conv-12k", "models/conv-12k.bin")];

/// A row of `estimate --json`.
#[derive(Deserialize)]
struct Row {
    board: String,
    /// The model's id.
    model: String,
    clock_hz: Option<u64>,
    wait_states: u32,
    cycles_mean: Option<f64>,
    error_percent: Option<u32>,
    milliseconds_mean: Option<f64>,
    microjoules_mean: Option<f64>,
}

pub fn command(workspace: &Workspace, check: bool) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let page = Page::read(&path, WRITER)?;
    for program in ["host-trainer", "estimate"] {
        workspace.build_program(program)?;
    }
    let boards: Vec<OwnedBoard> = super::cores()?.into_iter().chain(owned::owned()?).collect();
    super::build(workspace, &boards)?;
    let names: Vec<_> = boards.iter().map(|board| &board.name).collect();
    let folder = workspace.folder("estimate")?;
    let mut models = vec![fixture(workspace)];
    for (name, model) in &MODELS[1..] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        models.push(answered(workspace, workspace.root.join(model), &folder, None)?);
    }
    let mut tables = Vec::new();
    let chart = folder.join("latency.svg");
    let mut drawing = workspace.job("estimate").arg("--chart").arg(&chart);
    for ((name, _), work) in MODELS.iter().zip(&models) {
        let text = super::job(workspace, work)?.args(&names).arg("--json").capture()?;
        let file = folder.join(name).with_extension("json");
        files::write(&file, text.as_bytes())?;
        drawing = drawing.args(["--rows", *name]).arg(file);
        let rows: Vec<Row> = serde_json::from_str(&text).context("cannot parse the output of `estimate`")?;
        tables.push(rows);
    }
    drawing.run()?;
    let chart = fs::read(&chart).with_context(|| format!("cannot read {}", chart.display()))?;
    let text = page.with(&tables_text(&tables, &measured(&workspace.root.join(MEASURED))?));
    if check {
        if text != page.text || fs::read(workspace.root.join(CHART)).ok() != Some(chart) {
            bail!("{PAGE} or {CHART} would change; `cargo xtask {WRITER}` writes them");
        }
        return Ok(());
    }
    files::write(&path, text.as_bytes())?;
    files::write(&workspace.root.join(CHART), &chart)?;
    log(format_args!("    wrote the tables of {PAGE}, and {CHART}"));
    Ok(())
}

/// Reads the measurements on hardware, sorted by file name.
fn measured(folder: &Path) -> Result<Vec<MeasuredRecord>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read = |path: &Path| {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not a measurement", path.display()))
    };
    paths.iter().map(|path| read(path)).collect()
}

/// Returns boards by models, in Markdown.
fn tables_text(tables: &[Vec<Row>], measured: &[MeasuredRecord]) -> String {
    let number = |number: Option<f64>| number.map_or(String::new(), rounded);
    let names: Vec<_> = MODELS.iter().take(tables.len()).map(|(name, _)| *name).collect();
    let mut text = "Cycles of an inference without wait states, mean of 128 images\n\n".to_owned();
    let _ = write!(text, "| core | ± % | {} |\n|---|---:|{}\n", names.join(" | "), "---:|".repeat(names.len()));
    let rows = |with_clock: bool| {
        let first = tables.first().into_iter().flatten().enumerate();
        first.filter(move |(_, row)| row.clock_hz.is_some() == with_clock)
    };
    for (index, row) in rows(false) {
        let _ = write!(text, "| {} | {} |", row.board, row.error_percent.unwrap_or_default());
        for table in tables {
            let mean = table.get(index).and_then(|row| row.cycles_mean);
            let _ = write!(text, " {} |", mean.map_or(String::new(), |mean| grouped(mean.round() as u64)));
        }
        text.push('\n');
    }
    text.push_str("\nMilliseconds of an inference, and microjoules ± 30 % where a source has the board's energy\n\n");
    let _ = write!(
        text,
        "| board | MHz | wait states | ± % | {} |\n|---|---:|---:|---:|{}\n",
        names.join(" | "),
        "---:|".repeat(names.len())
    );
    for (index, row) in rows(true) {
        let megahertz = row.clock_hz.unwrap_or_default() / 1_000_000;
        let error = row.error_percent.unwrap_or_default();
        let _ = write!(text, "| {} | {megahertz} | {} | {error} |", row.board, row.wait_states);
        for row in tables.iter().filter_map(|table| table.get(index)) {
            let time = number(row.milliseconds_mean);
            let energy = row.microjoules_mean.map_or(String::new(), |energy| format!(", {} µJ", rounded(energy)));
            let _ = write!(text, " {time}{energy} |");
        }
        text.push('\n');
    }
    if measured.is_empty() {
        text.push_str("\nNo board has been measured yet.\n");
        return text;
    }
    text.push_str("\nMeasured on hardware\n\n");
    text.push_str("| board | network | date | firmware | images | min | mean cycles | max | mean / estimated |\n");
    text.push_str("|---|---|---|---|---:|---:|---:|---:|---:|\n");
    let estimates = tables.iter().flatten();
    let estimates = estimates.filter_map(|row| Some(((row.board.as_str(), row.model.as_str()), row.cycles_mean?)));
    let estimates: BTreeMap<_, _> = estimates.collect();
    for record in measured {
        let MeasuredRecord { board, network, model, date, firmware, images, cycles_min, cycles_mean, cycles_max } =
            record;
        let ratio = number(estimates.get(&(board.as_str(), model.as_str())).map(|estimate| cycles_mean / estimate));
        let [min, mean, max] = [*cycles_min, cycles_mean.round() as u64, *cycles_max].map(grouped);
        let _ = writeln!(
            text,
            "| {board} | {network} | {date} | {firmware} | {images} | {min} | {mean} | {max} | {ratio} |"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(board: &str, clock_hz: Option<u64>) -> Row {
        Row {
            board: board.into(),
            model: "0000001a".into(),
            clock_hz,
            wait_states: 2,
            cycles_mean: Some(96_262.4),
            error_percent: Some(6),
            milliseconds_mean: clock_hz.map(|clock| 96_262.4 / clock as f64 * 1e3),
            microjoules_mean: clock_hz.map(|_| 19.04),
        }
    }

    #[test]
    fn measurements_are_compared_with_estimates() {
        let tables = [vec![row("cortex-m4", None), row("b", Some(64_000_000))]];
        let text = tables_text(&tables, &[]);
        assert!(text.contains("| cortex-m4 | 6 | 96,262 |"), "{text}");
        assert!(text.contains("| b | 64 | 2 | 6 | 1.50, 19.0 µJ |"), "{text}");
        let measured = r#"{"board":"b","network":"784-128-10","model":"0000001a","date":"2026-12-01","firmware":"1",
            "pictures":128,"cycles_min":9,"cycles_mean":100000,"cycles_max":110000}"#;
        let text = tables_text(&tables, &[serde_json::from_str(measured).unwrap()]);
        assert!(text.contains("| b | 784-128-10 | 2026-12-01 | 1 | 128 | 9 | 100,000 | 110,000 | 1.04 |"), "{text}");
    }
}
