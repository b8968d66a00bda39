//! `cargo xtask check pack`: packs prenda as for crates.io, and builds the packed files.

use anyhow::{Context, Result};

use crate::process::Job;
use crate::workspace::{Workspace, cargo};

/// The packages to publish, in order of dependence.
const PACKAGES: [&str; 4] = ["prenda-core", "prenda-macros", "prenda", "prenda-serve"];

/// The package that depends on all others.
const LAST: &str = "prenda-serve";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Packs the packages, and builds the last from the packed files of all.
///
/// Cargo could verify each, but it keeps what it has unpacked once for a version.
pub fn command(workspace: &Workspace) -> Result<()> {
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    let folder = workspace.folder("pack")?;
    // The working tree can have changes. The tests have downloaded all dependencies.
    let job = workspace.cargo("package").args(packages).args(["--allow-dirty", "--locked", "--offline", "--no-verify"]);
    job.arg("--target-dir").arg(&folder).run()?;

    // Outside the repository, whose workspace has no such packages.
    let outside = tempfile::tempdir().context("cannot create a temporary folder")?;
    let unpacked = |package: &str| outside.path().join(format!("{package}-{VERSION}"));
    let mut build = Job::new(cargo()).args(["build", "--offline", "--quiet", "--manifest-path"]);
    build = build.arg(unpacked(LAST).join("Cargo.toml")).arg("--target-dir").arg(folder.join("built"));
    for package in PACKAGES {
        let file = folder.join("package").join(format!("{package}-{VERSION}.crate"));
        Job::new("tar").arg("-xzf").arg(file).arg("-C").arg(outside.path()).run()?;
        if package != LAST {
            let path = format!("patch.crates-io.{package}.path={:?}", unpacked(package));
            build = build.args(["--config", &path]);
        }
    }
    build.run()
}
