//! `cargo xtask bench`: what an inference takes on boards.

mod growth;
mod page;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use boards::Board;
use clap::Args;

use crate::parity::{PROBE, board_of};
use crate::process::Job;
use crate::workspace::{Workspace, shown};
use crate::{UsageError, board, image, run_folder, trainer};

/// Budgets, and the model and pictures that they are for, below the workspace.
const BUDGETS: &str = "tests/bench-budgets.toml";
pub const FIXTURE_MODEL: &str = "tests/fixtures/model.bin";
pub const FIXTURE_ANSWERS: &str = "tests/fixtures/answers.bin";
const FIXTURE_VECTOR_MODEL: &str = "tests/fixtures/vectors.bin";
const FIXTURE_VECTOR_ANSWERS: &str = "tests/fixtures/vectors-answers.bin";

/// Each model of tests/fixtures with its answers.
pub const FIXTURES: [(&str, &str); 2] =
    [(FIXTURE_MODEL, FIXTURE_ANSWERS), (FIXTURE_VECTOR_MODEL, FIXTURE_VECTOR_ANSWERS)];

/// What is measured, and what becomes of it.
#[derive(Args)]
pub struct Options {
    /// A folder of firmware/boards, in QEMU, or behind a debug probe as probe-BOARD, which is flashed; every emulated board when
    /// none is named.
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// The boards are on the desk, each behind a debug probe: cycles of its core. BOARD then is as probe-BOARD.
    #[arg(long, requires = "boards")]
    probe: bool,
    /// The model, or the folder of the run that it came of; the demo's when not given.
    #[arg(long, value_name = "FILE|DIR")]
    model: Option<PathBuf>,
    /// The folder of the data set whose test pictures are measured; the trainer's choice when not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The first so many pictures.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..),
        conflicts_with_all = ["budgets", "write_budgets", "write_docs", "check"])]
    pictures: u32,
    /// The model and the pictures of tests/fixtures, for which nothing is trained.
    #[arg(long, conflicts_with_all = ["model", "data"])]
    fixture: bool,
    /// Prints one JSON array on standard output instead of tables.
    #[arg(long)]
    json: bool,
    /// Also draws bars for each core, ours and others', SVG.
    #[arg(long = "chart", value_name = "FILE.svg")]
    picture: Option<PathBuf>,
    /// Fails where the fixture takes more than tests/bench-budgets.toml allows.
    #[arg(long, conflicts_with_all = ["model", "data", "probe"])]
    budgets: bool,
    /// Writes what the fixture takes to tests/bench-budgets.toml.
    #[arg(long, conflicts_with_all = ["model", "data", "budgets", "boards"])]
    write_budgets: bool,
    /// Writes the tables of docs/bench.md, of the fixture on every emulated board, and its picture.
    #[arg(long, conflicts_with_all = ["model", "data", "budgets", "boards", "write_budgets", "json", "picture"])]
    write_docs: bool,
    /// Writes nothing: exits with 1 if the tables of docs/bench.md would be others.
    #[arg(long, conflicts_with_all = ["model", "data", "budgets", "boards", "write_budgets", "json", "picture", "write_docs"])]
    check: bool,
    /// How cost grows with work: trains networks of several widths for an epoch each, measures them on a core of each kind, and
    /// draws that.
    #[arg(long, conflicts_with_all = ["model", "boards", "budgets", "write_budgets", "write_docs", "check", "json", "fixture"])]
    growth: bool,
}

/// `cargo xtask bench [BOARD..]`.
///
/// # Errors
/// A usage error for an unknown board; others when a build fails, a device does not count, or a budget is exceeded.
pub fn command(workspace: &Workspace, options: Options) -> Result<()> {
    if options.growth {
        return growth::command(workspace, options.data.as_deref(), options.pictures, options.picture);
    }
    if options.write_docs || options.check {
        return page::command(workspace, options.check);
    }
    let devices = devices(&options.boards, options.probe)?;
    let is_fixture = options.fixture || options.budgets || options.write_budgets;
    let work = if is_fixture {
        workspace.build_program("bench")?;
        fixture(workspace)
    } else {
        chosen(workspace, options.model, options.data.as_deref())?
    };
    let mut job = measuring(workspace, &devices, &work)?.args(["--pictures", &options.pictures.to_string()]);
    if options.json {
        job = job.arg("--json");
    }
    if let Some(picture) = options.picture {
        job = job.arg("--chart").arg(picture);
    }
    if options.budgets {
        job = job.arg("--budgets").arg(workspace.root.join(BUDGETS));
    }
    if options.write_budgets {
        job = job.arg("--write-budgets").arg(workspace.root.join(BUDGETS));
    }
    job.run_to_stdout()
}

/// That the fixture takes no more than its budgets on any emulated board. Programs and firmware have been built.
///
/// # Errors
/// When something takes more.
pub fn verify_budgets(workspace: &Workspace) -> Result<()> {
    let job = tool(workspace, &emulated()?, &fixture(workspace))?;
    job.arg("--budgets").arg(workspace.root.join(BUDGETS)).run()
}

/// What the bench prints of every emulated board in JSON, whose memory is what is asked for: one picture.
///
/// # Errors
/// When something cannot be built or measured.
pub fn memory(workspace: &Workspace) -> Result<String> {
    workspace.build_program("bench")?;
    measuring(workspace, &emulated()?, &fixture(workspace))?.args(["--pictures", "1", "--json"]).capture()
}

/// What is measured: a model and pictures, the host's answers, for each order of weights.
struct Work {
    pairs: (PathBuf, PathBuf),
    vectors: (PathBuf, PathBuf),
}

/// The model and the pictures that budgets and tables are for.
fn fixture(workspace: &Workspace) -> Work {
    let file = |path: &str| workspace.root.join(path);
    Work {
        pairs: (file(FIXTURE_MODEL), file(FIXTURE_ANSWERS)),
        vectors: (file(FIXTURE_VECTOR_MODEL), file(FIXTURE_VECTOR_ANSWERS)),
    }
}

/// `model`, and in `folder` what goes with it.
///
/// # Errors
/// When the trainer fails; its own message has been shown.
fn answered(workspace: &Workspace, model: PathBuf, folder: &Path, data: Option<&Path>) -> Result<Work> {
    let pairs = (model, folder.join("answers.bin"));
    let vectors = (folder.join("vectors.bin"), folder.join("vectors-answers.bin"));
    trainer::reorder(workspace, &pairs.0, &vectors.0)?;
    for (model, answers) in [&pairs, &vectors] {
        trainer::evaluate(workspace, model, answers, data)?;
    }
    Ok(Work { pairs, vectors })
}

/// A person's model.
fn chosen(workspace: &Workspace, model: Option<PathBuf>, data: Option<&Path>) -> Result<Work> {
    let model = model.map_or_else(|| workspace.demo_model(), run_folder::model_of);
    if !model.is_file() {
        bail!(
            "there is no model {}; run `cargo xtask demo`, or name one by --model FILE, or take --fixture",
            shown(&model)
        );
    }
    workspace.build_programs()?;
    answered(workspace, model, &workspace.folder("bench")?, data)
}

/// The tool on these devices, whose firmware is built.
fn measuring(workspace: &Workspace, devices: &[String], work: &Work) -> Result<Job> {
    for device in devices {
        image::build(workspace, &board::named(board_of(device))?)?;
    }
    tool(workspace, devices, work)
}

fn tool(workspace: &Workspace, devices: &[String], work: &Work) -> Result<Job> {
    let Work { pairs, vectors } = work;
    let job = workspace.job("bench").arg("measure").args(devices);
    let job = job.arg("--model").arg(&pairs.0).arg("--answers").arg(&pairs.1);
    let job = job.arg("--vector-model").arg(&vectors.0).arg("--vector-answers").arg(&vectors.1);
    Ok(job.arg("--firmware").arg(workspace.folder("firmware")?))
}

/// Every emulated board.
fn emulated() -> Result<Vec<String>> {
    Ok(boards::all()?.into_iter().filter(|board| board.emulator.is_some()).map(|board| board.name).collect())
}

/// The devices that a person means, all of which are boards that can be measured.
fn devices(names: &[String], probe: bool) -> Result<Vec<String>> {
    if names.is_empty() {
        return emulated();
    }
    let device = |typed: &String| {
        let Board { name, chip, emulator, .. } = board::named(board_of(typed))?;
        let usage = |text: String| Err(UsageError(text).into());
        match (probe || typed.starts_with(PROBE), emulator, chip) {
            (false, Some(_), _) => Ok(name),
            (false, None, _) => usage(format!("nothing emulates {name}; --probe measures it behind a debug probe")),
            (true, Some(_), _) => {
                usage(format!("{name} is emulated: behind a probe its instructions cannot be counted"))
            }
            (true, None, Some(_)) => Ok(format!("{PROBE}{name}")),
            (true, None, None) => usage(format!("no debug probe can be in front of {name}")),
        }
    };
    names.iter().map(device).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulated_boards_are_measured_in_qemu_and_others_behind_a_probe() {
        let of = |name: &str, probe| devices(&[name.to_owned()], probe).map_err(|error| error.to_string());
        assert_eq!(of("mps2-an386", false), Ok(vec!["mps2-an386".into()]));
        assert_eq!(of("pico2", true), Ok(vec!["probe-pico2".into()]));
        assert_eq!(of("probe-pico2", false), of("pico2", true));
        assert!(of("pico2", false).unwrap_err().contains("--probe"));
        assert!(of("probe-mps2-an386", false).unwrap_err().contains("emulated"));
        assert!(of("no-such-board", false).unwrap_err().contains("the boards are"));
        let all = devices(&[], false).unwrap();
        assert!(all.contains(&"microbit".into()) && !all.contains(&"pico2".into()), "{all:?}");
    }

    #[test]
    fn what_budgets_are_for_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!(
            [BUDGETS, FIXTURE_MODEL, FIXTURE_ANSWERS, FIXTURE_VECTOR_MODEL, FIXTURE_VECTOR_ANSWERS]
                .iter()
                .all(|path| root.join(path).is_file())
        );
    }
}
