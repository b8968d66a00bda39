//! `cargo xtask estimate --fit`: the costs from which programs without an emulator estimate.

use std::fs;

use anyhow::{Context, Result};

use crate::output::log;
use crate::work::{FIXTURES, answered};
use crate::workspace::Workspace;

/// The costs, relative to the workspace.
const COSTS: &str = "tools/cycles/costs.toml";

/// Models with answers in the workspace, for which the error of the costs is measured.
const ANSWERED: [(&str, &str); 2] = [FIXTURES[0], ("tests/fixtures/colours.bin", "tests/fixtures/colours-answers.bin")];

/// The folder of more models, whose answers need the data set.
const MODELS: &str = "models";

pub fn command(workspace: &Workspace) -> Result<()> {
    for program in ["host-trainer", "estimate"] {
        workspace.build_program(program)?;
    }
    super::build(workspace, &super::cores()?)?;
    let mut job = workspace.job("estimate").arg("--fit").arg(workspace.root.join(COSTS));
    job = job.arg("--firmware").arg(workspace.folder("firmware")?);
    for (model, answers) in ANSWERED {
        job = job.arg("--validate").arg(workspace.root.join(model)).arg(workspace.root.join(answers));
    }
    let folder = workspace.folder("estimate")?;
    let models = workspace.root.join(MODELS);
    let entries = fs::read_dir(&models).with_context(|| format!("cannot read {}", models.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bin"));
    paths.sort();
    for path in paths {
        let folder = folder.join(path.file_stem().unwrap_or_default());
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let (model, answers) = answered(workspace, path, &folder, None)?.pairs;
        job = job.arg("--validate").arg(model).arg(answers);
    }
    job.run()?;
    log(format_args!("    wrote {COSTS}"));
    Ok(())
}
