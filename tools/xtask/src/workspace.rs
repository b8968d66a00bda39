//! Paths: the workspace, cargo's target folder, and our own folder in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process::Job;

/// The folders of this checkout, as cargo sees them.
pub struct Workspace {
    /// The folder of the workspace's Cargo.toml.
    pub root: PathBuf,
    /// Cargo's target folder, from `$CARGO_TARGET_DIR` and configuration files if set.
    pub target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    pub fn find() -> Result<Self> {
        // The manifest of this crate works from any current folder.
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let job = Job::new(cargo()).args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"]);
        let metadata: Metadata = job.arg(&manifest).quiet().capture_json()?;
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory })
    }

    /// Returns a cargo command on this workspace, for any current folder.
    pub fn cargo(&self, subcommand: &str) -> Job {
        Job::new(cargo()).arg(subcommand).arg("--manifest-path").arg(self.root.join("Cargo.toml"))
    }

    /// Returns the folder prenda/`name` in the target folder, and creates it if necessary.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join("prenda").join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create folder {}", folder.display()))?;
        Ok(folder)
    }

    /// Returns the path of the demo's model, which may not exist.
    pub fn demo_model(&self) -> PathBuf {
        self.target.join("prenda/demo/run/model.bin")
    }

    /// Returns a program of this workspace; it reports its own errors.
    pub fn job(&self, name: &str) -> Job {
        Job::new(self.target.join("debug").join(name)).reports()
    }

    pub fn build_programs(&self) -> Result<()> {
        self.programs().run()
    }

    /// Returns the command that builds the programs for the host: trainer, parity, bench and
    /// estimate.
    pub fn programs(&self) -> Job {
        // `--workspace` makes cargo choose the same features of dependencies as `cargo test
        // --workspace` does: otherwise burn, most of the work, would be compiled twice.
        let programs = ["--bin", "host-trainer", "--bin", "parity", "--bin", "bench", "--bin", "estimate"];
        self.cargo("build").args(["--workspace", "--locked"]).args(programs)
    }

    /// Builds the trainer and the parity tool without the parts that only tests need: burn-ndarray
    /// and probe-rs, which take half of the time of a build.
    pub fn build_demo_programs(&self) -> Result<()> {
        let packages = ["-p", "host-trainer", "-p", "parity", "--no-default-features"];
        let programs = ["--bin", "host-trainer", "--bin", "parity"];
        self.cargo("build").arg("--locked").args(packages).args(programs).run()
    }

    /// Builds one program, with the features of the whole workspace.
    pub fn build_program(&self, name: &str) -> Result<()> {
        self.cargo("build").args(["--workspace", "--locked", "--bin", name]).run()
    }
}

/// Returns the cargo that runs us.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Returns the path relative to the current folder, if it is in there.
pub fn shown(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&current).unwrap_or(path).display().to_string()
}
