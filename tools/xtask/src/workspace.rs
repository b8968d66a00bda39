//! Where things lie: the workspace, cargo's target folder, and our own folder inside it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process::Job;

/// The folders of this checkout, as cargo sees them.
pub struct Workspace {
    /// The folder of the workspace's Cargo.toml.
    pub root: PathBuf,
    /// Cargo's target folder, `$CARGO_TARGET_DIR` and configuration files respected.
    pub target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// When the workspace cannot be loaded; cargo's own message says why.
    pub fn find() -> Result<Self> {
        // The manifest of this crate, so that any current folder will do.
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let text = Job::new(cargo())
            .args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"])
            .arg(&manifest)
            .quiet()
            .capture()?;
        let metadata: Metadata = serde_json::from_str(&text).context("cannot read `cargo metadata`")?;
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory })
    }

    /// A cargo command on this workspace, from any current folder.
    pub fn cargo(&self, subcommand: &str) -> Job {
        Job::new(cargo()).arg(subcommand).arg("--manifest-path").arg(self.root.join("Cargo.toml"))
    }

    /// A folder of ours below the target folder, made if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join("prenda").join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(folder)
    }

    /// The demo's model, whether it is there or not.
    pub fn demo_model(&self) -> PathBuf {
        self.target.join("prenda/demo/run/model.bin")
    }

    /// A program that this workspace builds; it says itself why it fails.
    pub fn job(&self, name: &str) -> Job {
        Job::new(self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))).tells()
    }

    /// Builds the programs for the desk.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build_programs(&self) -> Result<()> {
        self.programs().run()
    }

    /// What builds the programs for the desk: the trainer, the parity tool and the bench.
    pub fn programs(&self) -> Job {
        // The whole workspace is named so that cargo chooses the same features of dependencies as for `cargo test
        // --workspace`: otherwise burn, most of the work, is compiled once for each.
        let programs = ["--bin", "host-trainer", "--bin", "parity", "--bin", "bench"];
        self.cargo("build").args(["--workspace", "--locked"]).args(programs)
    }

    /// Builds one of the programs that need no burn.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build_program(&self, name: &str) -> Result<()> {
        self.cargo("build").args(["--workspace", "--locked", "--bin", name]).run()
    }
}

/// The cargo that runs us.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The path as a person would type it from the current folder.
pub fn shown(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&current).unwrap_or(path).display().to_string()
}
