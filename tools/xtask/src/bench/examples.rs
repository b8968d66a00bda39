//! `cargo xtask bench --examples`: the costs of models that are compiled into a user's program.
//!
//! Each model replaces the one in a copy of the example, whose program `measure` runs in QEMU.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use boards::Board;
use host_support::files;
use host_support::page::Page;
use serde::Serialize;

use super::{FIXTURE_MODEL, Options};
use crate::board;
use crate::examples::copy_for_user;
use crate::output::log;
use crate::parity::build_firmware;
use crate::process::Job;
use crate::workspace::{Workspace, cargo};

/// The example, and its program that measures.
const EXAMPLE: &str = "bare-metal";
const PROGRAM: &str = "measure";

/// Names and files of the models.
const MODELS: [(&str, &str); 4] = [
    ("784-64-10", "models/784-64-10.bin"),
    ("784-128-10", FIXTURE_MODEL),
    ("conv-12k", "models/conv-12k.bin"),
    ("cascade", "models/cascade.bin"),
];

/// The first test images that are measured.
const IMAGES: &str = "128";

/// The board that the example is for, then others; with their memory if it is smaller.
const BOARDS: [(&str, Option<&str>); 3] = [
    ("mps2-an386", None),
    ("mps2-an385", None),
    ("microbit", Some("MEMORY { FLASH : ORIGIN = 0, LENGTH = 256K RAM : ORIGIN = 0x20000000, LENGTH = 16K }\n")),
];

/// Nanoseconds of an instruction, as a power of two. A tick of every board is at most 40.
const INSTRUCTION_SHIFT: u8 = 8;

/// Budgets and the page, relative to the workspace.
const BUDGETS: &str = "tests/example-budgets.toml";
const PAGE: &str = "docs/your-firmware.md";

/// The command in the page's markers.
const WRITER: &str = "bench --examples --write-docs";

/// A program that has run, for `bench examples`.
#[derive(Serialize)]
struct Run {
    example: &'static str,
    model: &'static str,
    core: String,
    file: PathBuf,
    answers: PathBuf,
    elf: PathBuf,
    output: String,
}

/// A model, the host's answers for its images, and the folder for what is made from them.
struct Work {
    name: &'static str,
    model: PathBuf,
    answers: PathBuf,
    folder: PathBuf,
}

pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let page = (options.write_docs || options.check).then(|| Page::read(&workspace.root.join(PAGE), WRITER));
    let page = page.transpose()?;
    workspace.build_programs()?;
    // The page has the board that the example is for.
    let boards = if page.is_some() { &BOARDS[..1] } else { &BOARDS };
    let job = compared(workspace, boards, true)?;
    let Some(page) = page else {
        let budgets = options.budgets.then(|| workspace.root.join(BUDGETS));
        let new = options.write_budgets.then(|| workspace.root.join(BUDGETS));
        let job = job.flag("--json", options.json).option("--budgets", budgets).option("--write-budgets", new);
        return job.run_to_stdout();
    };
    let text = page.with(&job.arg("--markdown").capture()?);
    if !options.check {
        files::write(&workspace.root.join(PAGE), text.as_bytes())?;
        log(format_args!("    wrote {PAGE}"));
    } else if text != page.text {
        bail!("{PAGE} would change; `cargo xtask {WRITER}` writes it");
    }
    Ok(())
}

/// Checks the budgets on the board that the example is for. Programs must be built.
pub fn verify_budgets(workspace: &Workspace) -> Result<()> {
    compared(workspace, &BOARDS[..1], false)?.arg("--budgets").arg(workspace.root.join(BUDGETS)).run_to_stdout()
}

/// Runs each model on each of `boards`. Returns the job that compares the outputs with the host's;
/// with `at_run_time`, it also has the costs of the boards' firmware.
fn compared(workspace: &Workspace, boards: &[(&str, Option<&str>)], at_run_time: bool) -> Result<Job> {
    let folder = workspace.folder("bench-examples")?;
    let devices: Vec<_> = boards.iter().map(|(name, _)| (*name).to_owned()).collect();
    if at_run_time {
        build_firmware(workspace, &devices)?;
    }
    let (mut runs, mut run_times) = (Vec::new(), Vec::new());
    for (name, model) in MODELS {
        let work = prepared(workspace, name, model)?;
        for (board, memory) in boards {
            if let Some(memory) = memory {
                files::write(&work.folder.join(EXAMPLE).join("memory.x"), memory.as_bytes())?;
            }
            runs.push(run(workspace, &work, &board::named(board)?)?);
        }
        if at_run_time {
            let job = workspace.job("bench").arg("measure").args(&devices).arg("--model").arg(&work.model);
            let job = job.arg("--answers").arg(&work.answers).args(["--pictures", IMAGES, "--json", "--where-it-fits"]);
            let path = work.folder.join("run-time.json");
            files::write(&path, job.arg("--firmware").arg(workspace.folder("firmware")?).capture()?.as_bytes())?;
            run_times.push(path);
        }
    }
    let list = folder.join("runs.json");
    files::write(&list, &serde_json::to_vec(&runs)?)?;
    let job = workspace.job("bench").arg("examples").arg(list);
    Ok(run_times.iter().fold(job, |job, path| job.arg("--run-time").arg(path)))
}

/// Copies the example, and puts a model and its test images into the copy.
fn prepared(workspace: &Workspace, name: &'static str, model: &str) -> Result<Work> {
    let folder = workspace.folder(&format!("bench-examples/{name}"))?;
    let copy = folder.join(EXAMPLE);
    copy_for_user(workspace, EXAMPLE, &copy)?;

    let work = Work { name, model: workspace.root.join(model), answers: folder.join("answers.bin"), folder };
    let job = workspace.job("host-trainer").arg("evaluate").arg(&work.model).args(["--first", IMAGES, "--json"]);
    job.arg("--answers").arg(&work.answers).capture()?;
    files::copy(&work.model, &copy.join("shoes.bin"))?;
    let job = workspace.job("bench").arg("images").arg("--model").arg(&work.model);
    job.arg("--answers").arg(&work.answers).arg(copy.join("images.gray")).run()?;
    Ok(work)
}

/// Builds the copy and runs it in QEMU. A board other than the one that it is for has another
/// emulator.
fn run(workspace: &Workspace, work: &Work, board: &Board) -> Result<Run> {
    let Board { name, core, triple, emulator, .. } = board;
    let machine =
        emulator.as_ref().map(|emulator| &*emulator.machine).with_context(|| format!("{name}: no emulator"))?;
    let (copy, target) = (work.folder.join(EXAMPLE), workspace.folder("bench-examples")?.join("target"));
    let mut job = Job::new(cargo()).args(["run", "--release", "--locked", "--quiet", "--bin", PROGRAM]).within(&copy);
    if name != BOARDS[0].0 {
        let runner = format!(
            "qemu-system-arm -machine {machine} -icount shift={INSTRUCTION_SHIFT} -display none -semihosting-config \
             enable=on,target=native -kernel"
        );
        job = job.args(["--target", triple, "--config"]).arg(format!("target.{triple}.runner='{runner}'"));
    }
    // Cargo joins it with the flags of the example.
    let job = job.arg("--config").arg(format!("target.{triple}.rustflags=['-C', 'link-arg=--emit-relocs']"));
    let output = job.env("CARGO_TARGET_DIR", &target).without_input().capture()?;
    let elf = work.folder.join(format!("{name}.elf"));
    files::copy(&target.join(triple).join("release").join(PROGRAM), &elf)?;
    Ok(Run {
        example: EXAMPLE,
        model: work.name,
        core: core.clone(),
        file: work.model.clone(),
        answers: work.answers.clone(),
        elf,
        output,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_files_of_the_measurement_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!(MODELS.iter().all(|(_, path)| root.join(path).is_file()));
        assert!(root.join(BUDGETS).is_file());
        assert!(Page::read(&root.join(PAGE), WRITER).is_ok());
        let program = format!("examples/{EXAMPLE}/src/bin/{PROGRAM}.rs");
        assert!(root.join(program).is_file());
    }
}
