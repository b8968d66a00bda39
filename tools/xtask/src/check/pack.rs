//! `cargo xtask check pack`: packs prenda as for crates.io, and builds the packed files.

use anyhow::Result;

use crate::workspace::Workspace;

/// The packages to publish, in order of dependence.
const PACKAGES: [&str; 4] = ["prenda-core", "prenda-macros", "prenda", "prenda-serve"];

/// Packs the packages. Cargo builds each from its packed file, and those that it depends on from
/// theirs.
pub fn command(workspace: &Workspace) -> Result<()> {
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    // The working tree can have changes. The tests have downloaded all dependencies.
    let job = workspace.cargo("package").args(packages).args(["--allow-dirty", "--locked", "--offline", "--quiet"]);
    job.arg("--target-dir").arg(workspace.folder("pack")?).run()
}
