//! `cargo xtask check deny`: licences, sources and versions of all dependencies.

use anyhow::{Result, bail};

use crate::programs::find_program;
use crate::workspace::Workspace;

const MISSING: &str = "cargo-deny is not installed; `cargo install cargo-deny --locked` builds it in some minutes";

pub fn command(workspace: &Workspace, advisories: bool) -> Result<()> {
    if find_program("cargo-deny").is_none() {
        bail!(MISSING);
    }
    let job = workspace.cargo("deny").args(["--locked", "check", "--deny", "warnings", "licenses", "sources", "bans"]);
    job.flag("advisories", advisories).run()
}
