//! `cargo xtask profiles`: the same bits in every build. The arithmetic on the desk and the firmware of emulated boards are built at
//! each level of optimisation, with checks and without, and held against the committed answers and the kernels' reference.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, bail};
use boards::Board;
use clap::Args;
use host_support::parity::ParityRecord;

use crate::bench::FIXTURES;
use crate::output::{print, tell};
use crate::process::Job;
use crate::table;
use crate::workspace::Workspace;
use crate::{DEFAULT_BOARD, board, image};

/// Levels of optimisation, as cargo names them.
const LEVELS: [&str; 5] = ["0", "1", "3", "s", "z"];

/// The level of the profile `firmware`, which also is unchecked: what is flashed.
const FLASHED: &str = "s";

/// What every change tries on the desk: the tests that compute.
const COMPUTING: [&str; 5] = ["--lib", "--test", "fixture", "--test", "kernels"];

/// What else the table tries there: the tests that read. Those that damage a whole model take minutes where nothing is optimised.
const READING: [&str; 4] = ["--test", "blob", "--test", "hostile"];

/// What is built.
#[derive(Args)]
pub struct Options {
    /// Emulated boards of firmware/boards; all when none is named.
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Levels of optimisation; all when none is named.
    #[arg(long = "level", value_name = "LEVEL", value_parser = LEVELS)]
    levels: Vec<String>,
}

/// How something is built.
struct Profile {
    level: String,
    /// Whether overflow and the code's own assertions are checked.
    is_checked: bool,
}

impl Profile {
    /// What `cargo --config` takes, for the profile or package that `of` names.
    fn settings(&self, of: &str) -> Vec<String> {
        // A number is none in quotation marks.
        let level = self.level.parse::<u8>().map_or_else(|_| format!("\"{}\"", self.level), |level| level.to_string());
        let checks = self.is_checked;
        vec![
            format!("profile.{of}.opt-level={level}"),
            format!("profile.{of}.overflow-checks={checks}"),
            format!("profile.{of}.debug-assertions={checks}"),
        ]
    }

    /// Whether this is how boards are flashed.
    fn is_flashed(&self) -> bool {
        self.level == FLASHED && !self.is_checked
    }

    fn name(&self) -> String {
        format!("{}, {}", self.level, if self.is_checked { "checked" } else { "unchecked" })
    }
}

/// What became of a build.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Logits compared, and logits, probabilities and classes that differ.
    Compared { logits: u64, different: u64 },
    /// The part is too small for it.
    NoRoom(&'static str),
    /// It does not build or run, which has been told.
    Failed,
}

impl Outcome {
    fn words(&self) -> String {
        match self {
            Self::Compared { logits, different: 0 } => logits.to_string(),
            Self::Compared { logits, different } => format!("{different} DIFFER of {logits}"),
            Self::NoRoom(what) => format!("no room: {what}"),
            Self::Failed => "FAILED".to_owned(),
        }
    }

    /// Whether nothing is wrong with it. What is flashed has to fit.
    fn is_right(&self, profile: &Profile) -> bool {
        match self {
            Self::Compared { logits, different } => *logits > 0 && *different == 0,
            Self::NoRoom(_) => !profile.is_flashed(),
            Self::Failed => false,
        }
    }
}

/// The boards of which no build at all was compared; `rows` has the outcomes of all boards, for each way to build.
fn never_compared<'a>(boards: &[&'a str], rows: &[Vec<Outcome>]) -> Vec<&'a str> {
    let is_compared = |outcome: Option<&Outcome>| matches!(outcome, Some(Outcome::Compared { .. }));
    let never = boards.iter().enumerate().filter(|(at, _)| !rows.iter().any(|row| is_compared(row.get(*at))));
    never.map(|(_, name)| *name).collect()
}

/// `cargo xtask profiles [BOARD..] [--level LEVEL..]`.
///
/// # Errors
/// A usage error for a board that is not emulated; others when anything differs, when it cannot be built or run for another reason than
/// the part's size, or when a board has no room for what is flashed or for any build at all.
pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let boards: Vec<Board> = if options.boards.is_empty() {
        boards::all()?.into_iter().filter(|board| board.emulator.is_some()).collect()
    } else {
        options.boards.iter().map(|name| board::emulated(name)).collect::<Result<_>>()?
    };
    let levels: Vec<&str> = LEVELS.into_iter().filter(|level| is_chosen(level, &options.levels)).collect();
    build_tool(workspace)?;

    let mut table = table::new();
    let names: Vec<&str> = boards.iter().map(|board| board.name.as_str()).collect();
    table.set_header(["level", "desk"].into_iter().chain(names.iter().copied()));
    let (mut failed, mut without_room) = (0, 0);
    let mut rows = Vec::new();
    for level in levels {
        for is_checked in [true, false] {
            let profile = Profile { level: level.to_owned(), is_checked };
            let outcomes: Vec<Outcome> = boards.iter().map(|board| try_board(workspace, board, &profile)).collect();
            let desk = desk(workspace, &profile, &[&COMPUTING[..], &READING[..]].concat());
            if let Err(error) = &desk {
                tell(format_args!("    desk, {}: {error:#}", profile.name()));
            }
            failed +=
                outcomes.iter().filter(|outcome| !outcome.is_right(&profile)).count() + usize::from(desk.is_err());
            without_room += outcomes.iter().filter(|outcome| matches!(outcome, Outcome::NoRoom(_))).count();
            let desk = if desk.is_ok() { "passed" } else { "FAILED" };
            let cells = [profile.name(), desk.to_owned()].into_iter();
            table.add_row(cells.chain(outcomes.iter().map(Outcome::words)));
            rows.push(outcomes);
        }
    }
    print(table)?;
    print(format_args!(
        "numbers are logits that agree with the committed answers; {without_room} builds do not fit their part and were not compared"
    ))?;
    if failed > 0 {
        bail!("{failed} builds are wrong or failed, or are those that are flashed, and do not fit");
    }
    match never_compared(&names, &rows).as_slice() {
        [] => Ok(()),
        boards => bail!("nothing was compared on {}", boards.join(", ")),
    }
}

/// The part that every change is tried by: the desk without checks, and one board, quick and checked. The tool has been built.
///
/// # Errors
/// When either is wrong.
pub fn verify(workspace: &Workspace) -> Result<()> {
    let profile = |is_checked| Profile { level: "3".to_owned(), is_checked };
    desk(workspace, &profile(false), &COMPUTING)?;
    let outcome = try_board(workspace, &board::named(DEFAULT_BOARD)?, &profile(true));
    match outcome {
        Outcome::Compared { logits: 1.., different: 0 } => Ok(()),
        _ => bail!("{DEFAULT_BOARD}, {}: {}", profile(true).name(), outcome.words()),
    }
}

/// Whether a level is among those that were named, if any were.
fn is_chosen(level: &str, named: &[String]) -> bool {
    named.is_empty() || named.iter().any(|name| name == level)
}

/// The tool that compares.
fn build_tool(workspace: &Workspace) -> Result<()> {
    workspace.cargo("build").args(["--workspace", "--locked", "--bin", "parity"]).run()?;
    workspace.cargo("test").args(["--workspace", "--locked", "--test", "parity", "--no-run"]).run()
}

/// Those tests of the arithmetic that `chosen` names; the committed answers are in [`COMPUTING`].
fn desk(workspace: &Workspace, profile: &Profile, chosen: &[&str]) -> Result<()> {
    let job = workspace.cargo("test").args(["--package", "shared-model", "--locked"]).args(chosen);
    let settings = profile.settings("dev.package.shared-model");
    settings.iter().fold(job, |job, setting| job.arg("--config").arg(setting)).run()
}

/// A board's firmware by `profile`: built, and compared, which is told.
fn try_board(workspace: &Workspace, board: &Board, profile: &Profile) -> Outcome {
    let outcome = build_and_compare(workspace, board, profile).unwrap_or_else(|error| {
        tell(format_args!("{error:#}"));
        Outcome::Failed
    });
    tell(format_args!("    {}, {}: {}", board.name, profile.name(), outcome.words()));
    outcome
}

fn build_and_compare(workspace: &Workspace, board: &Board, profile: &Profile) -> Result<Outcome> {
    let folder = workspace.folder("profiles")?;
    if !image::build_otherwise(workspace, board, &profile.settings("firmware"), !profile.is_flashed(), &folder)? {
        return Ok(Outcome::NoRoom("flash"));
    }
    let (mut logits, mut different) = (0, 0);
    for (model, answers) in FIXTURES {
        let job = workspace.job("parity").arg(&board.name).arg("--json").arg("--firmware").arg(&folder);
        let job = job.arg("--model").arg(workspace.root.join(model));
        let output = job.arg("--answers").arg(workspace.root.join(answers)).probe()?;
        if is_out_of_stack(&output) {
            return Ok(Outcome::NoRoom("stack"));
        }
        // It also fails where something differs, and then prints what.
        let devices: Vec<ParityRecord> = serde_json::from_slice(&output.stdout).with_context(|| said(&output))?;
        let device = devices.first().context("parity compared no device")?;
        logits += device.logits_compared;
        different += device.logits_different + device.probabilities_different + device.classes_different;
    }
    if different > 0 {
        return Ok(Outcome::Compared { logits, different });
    }
    let output = kernels(workspace, board, &folder)?;
    if is_out_of_stack(&output) {
        return Ok(Outcome::NoRoom("stack"));
    }
    // A trial that is not there would not fail.
    if !output.status.success() || !String::from_utf8_lossy(&output.stdout).contains(" 1 passed;") {
        bail!("the kernels are not the reference: {}", said(&output));
    }
    Ok(Outcome::Compared { logits, different })
}

/// The trial that holds the kernels of a board against the reference.
fn kernels(workspace: &Workspace, board: &Board, firmware: &Path) -> Result<Output> {
    let job: Job = workspace.cargo("test").args(["--workspace", "--locked", "--test", "parity", "--", "--exact"]);
    job.arg(format!("{}::kernels", board.name)).env("PARITY_FIRMWARE", firmware).probe()
}

/// Whether the firmware's last words are those of its fault handler about the stack.
fn is_out_of_stack(output: &Output) -> bool {
    !output.status.success() && said(output).contains("stack overflow")
}

fn said(output: &Output) -> String {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{stdout}{stderr}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_written_as_cargo_reads_them() {
        let settings = |level: &str| Profile { level: level.into(), is_checked: true }.settings("firmware").remove(0);
        assert_eq!(settings("3"), "profile.firmware.opt-level=3");
        assert_eq!(settings("z"), "profile.firmware.opt-level=\"z\"");
    }

    #[test]
    fn what_is_flashed_is_what_the_manifest_says() {
        let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        let firmware = &manifest["profile"]["firmware"];
        assert_eq!(firmware["opt-level"].as_str(), Some(FLASHED));
        assert_eq!(firmware["overflow-checks"].as_bool(), Some(false));
    }

    #[test]
    fn a_difference_and_an_empty_comparison_are_not_right() {
        let profile = Profile { level: "z".into(), is_checked: false };
        assert!(Outcome::Compared { logits: 10, different: 0 }.is_right(&profile));
        assert!(!Outcome::Compared { logits: 10, different: 1 }.is_right(&profile));
        assert!(!Outcome::Compared { logits: 0, different: 0 }.is_right(&profile));
        assert!(!Outcome::Failed.is_right(&profile));
    }

    #[test]
    fn no_room_is_right_but_for_what_is_flashed_and_for_a_board_that_has_room_for_nothing() {
        let is_right =
            |level: &str, is_checked| Outcome::NoRoom("stack").is_right(&Profile { level: level.into(), is_checked });
        assert!(is_right("0", false) && is_right("s", true));
        assert!(!is_right("s", false));
        let compared = || Outcome::Compared { logits: 10, different: 0 };
        let rows = [vec![Outcome::NoRoom("flash"), compared()], vec![Outcome::NoRoom("stack"), Outcome::Failed]];
        assert_eq!(never_compared(&["small", "large"], &rows), ["small"]);
    }
}
