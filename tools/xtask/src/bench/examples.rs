//! `cargo xtask bench --examples`: the costs of models in a user's program, compiled in or parsed
//! at start-up.
//!
//! Each model replaces the one in a copy of the example, whose programs run in QEMU.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use boards::Board;
use host_support::files;
use host_support::page::Page;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::Options;
use crate::board;
use crate::examples::copy_for_user;
use crate::output::log;
use crate::process::Job;
use crate::work::FIXTURE_MODEL;
use crate::workspace::{Workspace, cargo};

/// The example, and its programs that measure: of a model that is compiled in, and of one that is
/// parsed at start-up.
const EXAMPLE: &str = "bare-metal";
const PROGRAM: &str = "measure";
const RUN_TIME_PROGRAMS: [&str; 2] = ["run_time", "run_time_sealed"];

/// Names and files of the models, and the features that parsing them needs.
const MODELS: [(&str, &str, &[&str]); 4] = [
    ("784-64-10", "models/784-64-10.bin", &["blocks", "pairs"]),
    ("784-128-10", FIXTURE_MODEL, &["pairs"]),
    ("conv-12k", "models/conv-12k.bin", &["pairs", "convolution"]),
    ("cascade", "models/cascade.bin", &["pairs", "convolution", "cascade"]),
];

/// The line of the example's Cargo.toml that a program for a parsed model changes.
const DEPENDENCY: &str = "prenda = \"0.1\"\n";

/// The first test images that are measured.
const IMAGES: &str = "128";

/// The board that the example is for, then others; with their memory if it is smaller.
const BOARDS: [(&str, Option<&str>); 3] = [
    ("mps2-an386", None),
    ("mps2-an385", None),
    ("microbit", Some("MEMORY { FLASH : ORIGIN = 0, LENGTH = 256K RAM : ORIGIN = 0x20000000, LENGTH = 16K }\n")),
];

/// Nanoseconds of an instruction, as a power of two. A tick of every board is at most 40. The
/// counter has 24 bits, which a parse fills if instructions take longer.
const INSTRUCTION_SHIFT: u8 = 8;
const PARSED_INSTRUCTION_SHIFT: u8 = 6;

/// Budgets and the page, relative to the workspace.
const BUDGETS: &str = "tests/example-budgets.toml";
const PAGE: &str = "docs/your-firmware.md";

/// The command in the page's markers.
const WRITER: &str = "bench --examples --write-docs";

/// A program that has run, for `bench examples`.
#[derive(Serialize)]
struct Run {
    example: &'static str,
    program: &'static str,
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
    size: ModelSize,
}

/// Sizes that a program needs to parse a model. Part of the output of `inspect --json`.
#[derive(Deserialize)]
struct ModelSize {
    layers: Vec<IgnoredAny>,
    memory_bytes: usize,
}

pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let page = (options.write_docs || options.check).then(|| Page::read(&workspace.root.join(PAGE), WRITER));
    let page = page.transpose()?;
    workspace.build_programs()?;
    // The page has the board that the example is for.
    let boards = if page.is_some() { &BOARDS[..1] } else { &BOARDS };
    let job = compared(workspace, boards)?;
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
    compared(workspace, &BOARDS[..1])?.arg("--budgets").arg(workspace.root.join(BUDGETS)).run_to_stdout()
}

/// Runs each model on each of `boards`, and parsed at start-up on the first. Returns the job that
/// compares the outputs with the host's.
fn compared(workspace: &Workspace, boards: &[(&str, Option<&str>)]) -> Result<Job> {
    let folder = workspace.folder("bench-examples")?;
    let mut runs = Vec::new();
    for (name, model, features) in MODELS {
        let work = prepared(workspace, name, model)?;
        let copy = work.folder.join(EXAMPLE);
        for (board, memory) in boards {
            if let Some(memory) = memory {
                files::write(&copy.join("memory.x"), memory.as_bytes())?;
            }
            runs.push(run(workspace, &work, &board::named(board)?, PROGRAM)?);
        }
        files::copy(&workspace.root.join("examples").join(EXAMPLE).join("memory.x"), &copy.join("memory.x"))?;
        choose_features(&copy.join("Cargo.toml"), features)?;
        for program in RUN_TIME_PROGRAMS {
            runs.push(run(workspace, &work, &board::named(boards[0].0)?, program)?);
        }
    }
    let list = folder.join("runs.json");
    files::write(&list, &serde_json::to_vec(&runs)?)?;
    Ok(workspace.job("bench").arg("examples").arg(list))
}

/// Lets the example at `manifest` parse models that need only `features` of prenda.
fn choose_features(manifest: &Path, features: &[&str]) -> Result<()> {
    let text = fs::read_to_string(manifest)?;
    // With the feature `macros`, the lock file does not change.
    let features = [&["macros"], features].concat();
    let line = format!("prenda = {{ version = \"0.1\", default-features = false, features = {features:?} }}\n");
    let changed = text.replacen(DEPENDENCY, &line, 1);
    ensure!(changed != text, "{}: no line {DEPENDENCY:?}", manifest.display());
    Ok(files::write(manifest, changed.as_bytes())?)
}

/// Copies the example, and puts a model and its test images into the copy.
fn prepared(workspace: &Workspace, name: &'static str, model: &str) -> Result<Work> {
    let folder = workspace.folder(&format!("bench-examples/{name}"))?;
    let copy = folder.join(EXAMPLE);
    copy_for_user(workspace, EXAMPLE, &copy)?;

    let model = workspace.root.join(model);
    let size = workspace.job("host-trainer").arg("inspect").arg(&model).arg("--json").capture_json()?;
    let work = Work { name, model, answers: folder.join("answers.bin"), folder, size };
    let job = workspace.job("host-trainer").arg("evaluate").arg(&work.model).args(["--first", IMAGES, "--json"]);
    job.arg("--answers").arg(&work.answers).capture()?;
    files::copy(&work.model, &copy.join("shoes.bin"))?;
    let job = workspace.job("host-trainer").arg("export").arg(&work.model).arg("--overwrite").arg("--sealed");
    job.arg(copy.join("sealed.bin")).run()?;
    let job = workspace.job("bench").arg("images").arg("--model").arg(&work.model);
    job.arg("--answers").arg(&work.answers).arg(copy.join("images.gray")).run()?;
    Ok(work)
}

/// Builds a program of the copy and runs it in QEMU.
fn run(workspace: &Workspace, work: &Work, board: &Board, program: &'static str) -> Result<Run> {
    let Board { name, core, triple, emulator, .. } = board;
    let machine =
        emulator.as_ref().map(|emulator| &*emulator.machine).with_context(|| format!("{name}: no emulator"))?;
    let (copy, target) = (work.folder.join(EXAMPLE), workspace.folder("bench-examples")?.join("target"));
    let is_parsed = RUN_TIME_PROGRAMS.contains(&program);
    let mut job = Job::new(cargo()).args(["run", "--release", "--locked", "--quiet", "--bin", program]).within(&copy);
    if is_parsed {
        // The parser is the larger part, and runs once.
        job = job
            .args(["--features", "run-time", "--config", "profile.release.opt-level='z'"])
            .env("LAYERS", work.size.layers.len().to_string());
        job = job.env("MEMORY_BYTES", work.size.memory_bytes.to_string());
    }
    let shift = if is_parsed { PARSED_INSTRUCTION_SHIFT } else { INSTRUCTION_SHIFT };
    let runner = format!(
        "qemu-system-arm -machine {machine} -icount shift={shift} -display none -semihosting-config \
         enable=on,target=native -kernel"
    );
    let job = job.args(["--target", triple, "--config"]).arg(format!("target.{triple}.runner='{runner}'"));
    // Cargo joins it with the flags of the example.
    let job = job.arg("--config").arg(format!("target.{triple}.rustflags=['-C', 'link-arg=--emit-relocs']"));
    let output = job.env("CARGO_TARGET_DIR", &target).without_input().capture()?;
    let elf = work.folder.join(format!("{name}-{program}.elf"));
    files::copy(&target.join(triple).join("release").join(program), &elf)?;
    Ok(Run {
        example: EXAMPLE,
        program,
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
        assert!(MODELS.iter().all(|(_, path, _)| root.join(path).is_file()));
        assert!(root.join(BUDGETS).is_file());
        assert!(Page::read(&root.join(PAGE), WRITER).is_ok());
        for program in RUN_TIME_PROGRAMS.iter().chain([&PROGRAM]) {
            assert!(root.join(format!("examples/{EXAMPLE}/src/bin/{program}.rs")).is_file());
        }
        let manifest = fs::read_to_string(root.join("examples").join(EXAMPLE).join("Cargo.toml")).unwrap();
        assert!(manifest.contains(DEPENDENCY));
    }
}
