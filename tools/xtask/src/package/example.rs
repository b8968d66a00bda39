//! The example `c-firmware`: built from a copy outside the repository.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use host_support::files;

use super::{Folder, Library, build_all, c};
use crate::image;
use crate::process::Job;
use crate::workspace::Workspace;

/// The name of its folder. The tests of parity run it like a device.
pub const C_EXAMPLE: &str = "c-firmware";

/// The core of the emulated board that runs it.
const CORE: &str = "cortex-m4f";

/// The model in it.
const MODEL: &str = "tests/fixtures/model.bin";

/// Builds the example with the committed model for each Cortex-M, and checks that it cannot panic.
/// Copies the one for [`CORE`] to target/prenda/firmware. The trainer must be built.
pub fn build(workspace: &Workspace) -> Result<()> {
    let libraries = build_all(workspace, &[])?;
    let copy = tempfile::tempdir().context("cannot create a temporary folder")?;
    c::fill(&Folder { path: &copy.path().join("prenda") }, &libraries)?;
    copy_files(&workspace.root.join("examples").join(C_EXAMPLE), copy.path())?;
    let export = workspace.job("host-trainer").arg("export").arg(workspace.root.join(MODEL)).arg("--c");
    export.arg(copy.path()).run()?;
    for Library { core, .. } in libraries.iter().filter(|library| library.core.triple.starts_with("thumb")) {
        let job = Job::new("make").arg("--directory").arg(copy.path()).arg("--no-print-directory");
        job.arg(format!("CORE={}", core.name)).run()?;
        let built = copy.path().join(format!("firmware-{}.elf", core.name));
        image::verify_no_panics(&built)?;
        if core.name == CORE {
            files::copy(&built, &workspace.folder("firmware")?.join(format!("{C_EXAMPLE}.elf")))?;
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::cores::CORES;

    #[test]
    fn the_makefile_has_the_flags_of_each_core() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(C_EXAMPLE).join("Makefile");
        let text = fs::read_to_string(path).unwrap();
        for core in CORES.iter().filter(|core| core.triple.starts_with("thumb")) {
            let line = format!("FLAGS_{} = {}\n", core.name, core.flags);
            assert!(text.contains(&line), "{line} is not in the Makefile");
        }
    }
}
