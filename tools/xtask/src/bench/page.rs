//! `cargo xtask bench --write-docs`: the tables of docs/bench.md, and its picture.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use host_support::files;

use super::{emulated, fixture, measuring};
use crate::output::tell;
use crate::page::Page;
use crate::workspace::Workspace;

/// The page and its picture, below the workspace.
const PAGE: &str = "docs/bench.md";
const PICTURE: &str = "docs/bench.svg";

/// Who writes what stands between the page's marks.
const WRITER: &str = "bench --write-docs";

/// Writes the tables, or, with `check`, holds those that are there against what would be written.
///
/// # Errors
/// When nothing can be measured, or, with `check`, the tables differ.
pub fn command(workspace: &Workspace, check: bool) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let there = Page::read(&path, WRITER)?;
    workspace.build_program("bench")?;
    let folder = workspace.folder("bench")?;
    let picture = folder.join("bench.svg");
    let job = measuring(workspace, &emulated()?, &fixture(workspace))?.arg("--markdown").arg("--chart").arg(&picture);
    let page = there.with(&job.capture()?);
    if check {
        let drawn = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        if page != there.text || drawn(&picture)? != drawn(&workspace.root.join(PICTURE))? {
            bail!("{PAGE} or {PICTURE} would be another; `cargo xtask bench --write-docs` writes it");
        }
        return Ok(());
    }
    files::copy(&picture, &workspace.root.join(PICTURE))?;
    files::write(&path, page.as_bytes())?;
    tell(format_args!("    wrote {PAGE} and {PICTURE}"));
    Ok(())
}
