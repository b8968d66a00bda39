//! `cargo xtask bench --write-docs`: the tables and the chart of docs/bench.md.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use host_support::{files, page::Page};

use super::{emulated, measuring};
use crate::output::log;
use crate::work::fixture;
use crate::workspace::Workspace;

/// The page and its chart, relative to the workspace.
const PAGE: &str = "docs/bench.md";
const CHART: &str = "docs/bench.svg";

/// The command in the page's markers.
const WRITER: &str = "bench --write-docs";

/// Writes the tables, or, with `check`, compares them with the page.
pub fn command(workspace: &Workspace, check: bool) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let there = Page::read(&path, WRITER)?;
    workspace.build_program("bench")?;
    let folder = workspace.folder("bench")?;
    let chart = folder.join("bench.svg");
    let job = measuring(workspace, &emulated()?, &fixture(workspace))?.arg("--markdown").arg("--chart").arg(&chart);
    let page = there.with(&job.capture()?);
    if check {
        let drawn = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        if page != there.text || drawn(&chart)? != drawn(&workspace.root.join(CHART))? {
            bail!("{PAGE} or {CHART} would change; `cargo xtask bench --write-docs` writes it");
        }
        return Ok(());
    }
    files::copy(&chart, &workspace.root.join(CHART))?;
    files::write(&path, page.as_bytes())?;
    log(format_args!("    wrote {PAGE} and {CHART}"));
    Ok(())
}
