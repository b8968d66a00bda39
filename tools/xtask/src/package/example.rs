//! The example `c-firmware`: built from a copy outside the repository.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use host_support::files;

use super::{Kind, write};
use crate::image;
use crate::process::Job;
use crate::workspace::Workspace;

/// The name of its folder. The tests of parity run it like a device.
pub const C_EXAMPLE: &str = "c-firmware";

/// The model in it.
const MODEL: &str = "tests/fixtures/model.bin";

/// Builds the example with the committed model, checks that it cannot panic, and copies it to
/// target/prenda/firmware/c-firmware.elf. The trainer must be built.
pub fn build(workspace: &Workspace) -> Result<()> {
    let package = write(workspace, Kind::C)?;
    let copy = tempfile::tempdir().context("cannot create a temporary folder")?;
    copy_files(&workspace.root.join("examples").join(C_EXAMPLE), copy.path())?;
    let export = workspace.job("host-trainer").arg("export").arg(workspace.root.join(MODEL)).arg("--c");
    export.arg(copy.path()).run()?;
    let mut prenda = OsString::from("PRENDA=");
    prenda.push(&package);
    Job::new("make").arg("--directory").arg(copy.path()).arg(prenda).run()?;
    let elf = workspace.folder("firmware")?.join(format!("{C_EXAMPLE}.elf"));
    files::copy(&copy.path().join("firmware.elf"), &elf)?;
    image::verify_no_panics(&elf)
}

/// Copies the files of a folder, without folders in it.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read folder {}", from.display()))? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            files::copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}
