//! `cargo xtask bench --write-docs`: the tables of docs/bench.md, and its picture.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{emulated, fixture, measuring};
use crate::image;
use crate::output::tell;
use crate::workspace::Workspace;

/// The page and its picture, below the workspace.
const PAGE: &str = "docs/bench.md";
const PICTURE: &str = "docs/bench.svg";

/// Between these lines is what is written here.
const BEGIN: &str = "<!-- begin: written by `cargo xtask bench --write-docs` -->\n";
const END: &str = "<!-- end -->\n";

/// Writes the tables, or, with `check`, holds those that are there against what would be written.
///
/// # Errors
/// When nothing can be measured, or, with `check`, the tables differ.
pub fn command(workspace: &Workspace, check: bool) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let there = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    // Early, so that nothing is measured for a page without a place for it.
    spliced(&there, "")?;

    workspace.build_program("bench")?;
    let folder = workspace.folder("bench")?;
    let picture = folder.join("bench.svg");
    let job = measuring(workspace, &emulated()?, &fixture(workspace))?.arg("--markdown").arg("--chart").arg(&picture);
    let page = spliced(&there, &job.capture()?)?;
    if check {
        let drawn = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        if page != there || drawn(&picture)? != drawn(&workspace.root.join(PICTURE))? {
            bail!("{PAGE} or {PICTURE} would be another; `cargo xtask bench --write-docs` writes it");
        }
        return Ok(());
    }
    let new = folder.join("page.md");
    fs::write(&new, page).with_context(|| format!("cannot write {}", new.display()))?;
    image::replace(&picture, &workspace.root.join(PICTURE))?;
    image::replace(&new, &path)?;
    tell(format_args!("    wrote {PAGE} and {PICTURE}"));
    Ok(())
}

/// The page with other tables.
fn spliced(page: &str, tables: &str) -> Result<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| format!("{PAGE} has no place for tables: {BEGIN}and {END}"))?;
    Ok(format!("{before}{BEGIN}\n{}\n\n{END}{after}", tables.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        let new = spliced(&page, "| t |\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\n| t |\n\n{END}b\n"));
        assert_eq!(spliced(&new, "| t |\n").unwrap(), new);
        assert!(spliced("a\n", "t").is_err());
    }
}
