//! `cargo xtask check profiles`: the same bits in every build.
//!
//! Builds the arithmetic for the host and the firmware for emulated boards at each optimization
//! level, checked and unchecked, and compares the results with the committed answers and the
//! kernels with their reference.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, bail};
use boards::Board;
use clap::Args;
use host_support::errors;
use host_support::parity::ParityRecord;
use host_support::table::Folded;

use crate::output::{log, print};
use crate::work::FIXTURES;
use crate::workspace::Workspace;
use crate::{DEFAULT_BOARD, board, image};

/// Optimization levels, as cargo names them.
const LEVELS: [&str; 5] = ["0", "1", "3", "s", "z"];

/// The level of the profile `firmware`, which is flashed and unchecked.
const FLASHED: &str = "s";

/// The tests that every change runs on the host: those that compute.
const COMPUTING: [&str; 7] = ["--lib", "--test", "fixture", "--test", "kernels", "--test", "windows"];

/// The test of a build that reads only format 1.
const FORMAT_1: [&str; 3] = ["--no-default-features", "--test", "format_1"];

/// The tests that the table adds: those that parse. Without optimization the others take minutes.
const READING: [&str; 4] = ["--test", "blob", "--test", "hostile"];

#[derive(Args)]
pub struct Options {
    /// Emulated boards of firmware/boards. [default: all]
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Optimization levels. [default: all]
    #[arg(long = "level", value_name = "LEVEL", value_parser = LEVELS)]
    levels: Vec<String>,
}

struct Profile {
    level: String,
    /// Overflow and debug assertions are checked.
    is_checked: bool,
}

impl Profile {
    /// Returns the arguments for `cargo --config`, for the profile or package `of`.
    fn settings(&self, of: &str) -> Vec<String> {
        // Cargo accepts numbers only without quotation marks.
        let level = self.level.parse::<u8>().map_or_else(|_| format!("\"{}\"", self.level), |level| level.to_string());
        let checks = self.is_checked;
        vec![
            format!("profile.{of}.opt-level={level}"),
            format!("profile.{of}.overflow-checks={checks}"),
            format!("profile.{of}.debug-assertions={checks}"),
        ]
    }

    fn is_flashed(&self) -> bool {
        self.level == FLASHED && !self.is_checked
    }

    fn name(&self) -> String {
        format!("{}, {}", self.level, if self.is_checked { "checked" } else { "unchecked" })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It ran: the logits compared, and the logits, probabilities and classes that differ.
    Compared { logits: u64, different: u64 },
    /// It does not fit the part.
    NoRoom(&'static str),
    /// It does not build or run; the reason has been printed.
    Failed,
}

impl Verdict {
    fn words(&self) -> String {
        match self {
            Self::Compared { logits, different: 0 } => logits.to_string(),
            Self::Compared { logits, different } => format!("{different} DIFFER of {logits}"),
            Self::NoRoom(what) => format!("no room: {what}"),
            Self::Failed => "FAILED".to_owned(),
        }
    }

    /// Returns true if nothing is wrong. The build that is flashed must fit.
    fn is_right(&self, profile: &Profile) -> bool {
        match self {
            Self::Compared { logits, different } => *logits > 0 && *different == 0,
            Self::NoRoom(_) => !profile.is_flashed(),
            Self::Failed => false,
        }
    }
}

/// Returns the boards without any compared build; each of `rows` has the verdicts of all boards.
fn never_compared<'a>(boards: &[&'a str], rows: &[Vec<Verdict>]) -> Vec<&'a str> {
    let is_compared = |outcome: Option<&Verdict>| matches!(outcome, Some(Verdict::Compared { .. }));
    let never = boards.iter().enumerate().filter(|(at, _)| !rows.iter().any(|row| is_compared(row.get(*at))));
    never.map(|(_, name)| *name).collect()
}

/// Fails if anything differs, if a build fails for another reason than the part's size, or if a
/// board has no room for the build that is flashed or for any build.
pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let boards: Vec<Board> = if options.boards.is_empty() {
        board::all_emulated()?
    } else {
        options.boards.iter().map(|name| board::emulated(name)).collect::<Result<_>>()?
    };
    let is_chosen = |level: &&str| options.levels.is_empty() || options.levels.iter().any(|name| name == level);
    // The programs that compare.
    workspace.build_program("parity")?;
    workspace.cargo("test").args(["--workspace", "--locked", "--test", "parity", "--no-run"]).run()?;

    let names: Vec<&str> = boards.iter().map(|board| board.name.as_str()).collect();
    let columns = boards.iter().map(|board| format!("{}\n{}", board.name, board.core));
    let mut table = Folded::new(["level", "host"].map(str::to_owned).into_iter().chain(columns), 2);
    let (mut failed, mut without_room) = (0, 0);
    let mut rows = Vec::new();
    for level in LEVELS.into_iter().filter(is_chosen) {
        for is_checked in [true, false] {
            let profile = Profile { level: level.to_owned(), is_checked };
            let outcomes: Vec<Verdict> = boards.iter().map(|board| try_board(workspace, board, &profile)).collect();
            let host = host(workspace, &profile, &[&COMPUTING[..], &READING[..]].concat());
            if let Err(error) = &host {
                log(format_args!("    host, {}: {}", profile.name(), errors::chain(error.as_ref())));
            }
            failed +=
                outcomes.iter().filter(|outcome| !outcome.is_right(&profile)).count() + usize::from(host.is_err());
            without_room += outcomes.iter().filter(|outcome| matches!(outcome, Verdict::NoRoom(_))).count();
            let host = if host.is_ok() { "passed" } else { "FAILED" };
            let cells = [profile.name(), host.to_owned()].into_iter();
            table.add_row(cells.chain(outcomes.iter().map(Verdict::words)));
            rows.push(outcomes);
        }
    }
    print(table)?;
    print(format_args!(
        "numbers are logits equal to the committed answers; {without_room} builds do not fit their part and were not \
         compared; all boards run on the emulator, and neither time nor energy is measured"
    ))?;
    if failed > 0 {
        bail!("{failed} builds failed, differ, or are flashed and do not fit");
    }
    match never_compared(&names, &rows).as_slice() {
        [] => Ok(()),
        boards => bail!("no build was compared on {}", boards.join(", ")),
    }
}

/// Checks the builds that every change runs: the host unchecked, and one board checked at level 3.
/// The programs must be built.
pub fn verify(workspace: &Workspace) -> Result<()> {
    let profile = |is_checked| Profile { level: "3".to_owned(), is_checked };
    host(workspace, &profile(false), &COMPUTING)?;
    host(workspace, &profile(true), &FORMAT_1)?;
    let outcome = try_board(workspace, &board::named(DEFAULT_BOARD)?, &profile(true));
    match outcome {
        Verdict::Compared { logits: 1.., different: 0 } => Ok(()),
        _ => bail!("{DEFAULT_BOARD}, {}: {}", profile(true).name(), outcome.words()),
    }
}

/// Runs the tests `chosen` of the arithmetic; [`COMPUTING`] includes the committed answers.
fn host(workspace: &Workspace, profile: &Profile, chosen: &[&str]) -> Result<()> {
    let job = workspace.cargo("test").args(["--package", "prenda-core", "--locked"]).args(chosen);
    let settings = profile.settings("dev.package.prenda-core");
    settings.iter().fold(job, |job, setting| job.arg("--config").arg(setting)).run()
}

/// Builds a board's firmware with `profile`, compares it, and prints the verdict.
fn try_board(workspace: &Workspace, board: &Board, profile: &Profile) -> Verdict {
    let outcome = build_and_compare(workspace, board, profile).unwrap_or_else(|error| {
        log(errors::chain(error.as_ref()));
        Verdict::Failed
    });
    log(format_args!("    {}, {}: {}", board.name, profile.name(), outcome.words()));
    outcome
}

fn build_and_compare(workspace: &Workspace, board: &Board, profile: &Profile) -> Result<Verdict> {
    let folder = workspace.folder("profiles")?;
    if !image::build_otherwise(workspace, board, &profile.settings("firmware"), !profile.is_flashed(), &folder)? {
        return Ok(Verdict::NoRoom("flash"));
    }
    let (mut logits, mut different) = (0, 0);
    for (model, answers) in FIXTURES {
        let job = workspace.job("parity").arg(&board.name).arg("--json").arg("--firmware").arg(&folder);
        let job = job.arg("--model").arg(workspace.root.join(model));
        let output = job.arg("--answers").arg(workspace.root.join(answers)).probe()?;
        if is_out_of_stack(&output) {
            return Ok(Verdict::NoRoom("stack"));
        }
        // It also fails if something differs, and then prints the report.
        let devices: Vec<ParityRecord> = serde_json::from_slice(&output.stdout).with_context(|| text_of(&output))?;
        let device = devices.first().context("parity compared no device")?;
        logits += device.logits_compared;
        different += device.different();
    }
    if different > 0 {
        return Ok(Verdict::Compared { logits, different });
    }
    let output = kernels(workspace, board, &folder)?;
    if is_out_of_stack(&output) {
        return Ok(Verdict::NoRoom("stack"));
    }
    // A trial that does not exist would not fail.
    if !output.status.success() || !String::from_utf8_lossy(&output.stdout).contains(" 1 passed;") {
        bail!("the kernels differ from the reference: {}", text_of(&output));
    }
    Ok(Verdict::Compared { logits, different })
}

/// Runs the trial that compares a board's kernels with the reference.
fn kernels(workspace: &Workspace, board: &Board, firmware: &Path) -> Result<Output> {
    let job = workspace.cargo("test").args(["--workspace", "--locked", "--test", "parity", "--", "--exact"]);
    job.arg(format!("{}::kernels", board.name)).env("PARITY_FIRMWARE", firmware).probe()
}

/// Returns true if the firmware's fault handler reported a stack overflow.
fn is_out_of_stack(output: &Output) -> bool {
    !output.status.success() && text_of(output).contains("stack overflow")
}

fn text_of(output: &Output) -> String {
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
    fn the_flashed_build_is_the_one_in_the_manifest() {
        let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        let firmware = &manifest["profile"]["firmware"];
        assert_eq!(firmware["opt-level"].as_str(), Some(FLASHED));
        assert_eq!(firmware["overflow-checks"].as_bool(), Some(false));
    }

    #[test]
    fn a_difference_and_an_empty_comparison_are_wrong() {
        let profile = Profile { level: "z".into(), is_checked: false };
        assert!(Verdict::Compared { logits: 10, different: 0 }.is_right(&profile));
        assert!(!Verdict::Compared { logits: 10, different: 1 }.is_right(&profile));
        assert!(!Verdict::Compared { logits: 0, different: 0 }.is_right(&profile));
        assert!(!Verdict::Failed.is_right(&profile));
    }

    #[test]
    fn no_room_is_an_error_only_for_the_flashed_build_and_a_board_without_any_build() {
        let is_right =
            |level: &str, is_checked| Verdict::NoRoom("stack").is_right(&Profile { level: level.into(), is_checked });
        assert!(is_right("0", false) && is_right("s", true));
        assert!(!is_right("s", false));
        let compared = || Verdict::Compared { logits: 10, different: 0 };
        let rows = [vec![Verdict::NoRoom("flash"), compared()], vec![Verdict::NoRoom("stack"), Verdict::Failed]];
        assert_eq!(never_compared(&["small", "large"], &rows), ["small"]);
    }
}
