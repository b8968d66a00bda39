//! `cargo xtask test`: sets up, prepares a model and firmware, and runs every check.

use std::iter;
use std::path::Path;

use anyhow::{Result, bail};
use boards::Board;

use crate::output::print;
use crate::parity::LOOPBACK;
use crate::process::Job;
use crate::programs::find_program;
use crate::setup::{self, Purpose};
use crate::stages::{Outcome, Stage, Stages};
use crate::workspace::Workspace;
use crate::{bench, image, profiles, trainer};

/// `cargo xtask test [ARGS]`.
///
/// # Errors
/// When a preparation or any check fails; all checks are run first.
pub fn command(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let folder = workspace.folder("test")?;
    let (model, answers) = (folder.join("model.bin"), folder.join("answers.bin"));
    let vector_model = folder.join("vectors.bin");
    let boards = boards::all()?;

    let mut stages = Stages::new(11);
    stages.run("Setting up what is missing", || setup::ensure(Purpose::Tests))?;
    stages.run("Building", || build(workspace, arguments))?;
    stages.run("Training, quantizing and exporting", || trainer::train(workspace, &folder, &[]))?;
    stages.run("Answering the test pictures on the host", || {
        trainer::evaluate(workspace, &model, &answers, None)?;
        trainer::reorder(workspace, &model, &vector_model)?;
        trainer::evaluate(workspace, &vector_model, &folder.join("vectors-answers.bin"), None)
    })?;
    let all_firmware = stages.run(&format!("Building the firmware for {} boards", boards.len()), || {
        let build = |board| {
            let firmware = image::build(workspace, board)?;
            firmware.verify_room(board, &model)?;
            Ok(firmware)
        };
        boards.iter().map(build).collect::<Result<Vec<_>>>()
    })?;

    stages.check("Making sure that no firmware can panic", || {
        let mut pairs = boards.iter().zip(&all_firmware);
        outcome(pairs.try_for_each(|(board, firmware)| image::verify_panics(board, firmware)))
    });
    stages.check("Comparing instructions and sizes with the budgets", || outcome(bench::verify_budgets(workspace)));
    stages.check("Comparing builds by other profiles", || outcome(profiles::verify(workspace)));
    stages.check("Checking the format", || format(workspace));
    stages.check("Checking the lints", || lints(workspace));
    stages
        .check("Testing", || outcome(cargo_test(workspace, &folder, &required(&boards), arguments).and_then(Job::run)));

    conclude(stages.done())
}

/// Builds the programs, then the tests, so that a mistake in a test shows before the training.
fn build(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    workspace.build_programs()?;
    if !arguments.is_empty() {
        return Ok(()); // they may be about a single test, or not go with --no-run
    }
    workspace.cargo("test").args(["--workspace", "--locked", "--no-run"]).run()
}

fn format(workspace: &Workspace) -> Outcome {
    if find_program("rustfmt").is_none() {
        return absent("rustfmt", is_ci());
    }
    outcome(workspace.cargo("fmt").args(["--all", "--check"]).run())
}

fn lints(workspace: &Workspace) -> Outcome {
    if find_program("cargo-clippy").is_none() {
        return absent("clippy", is_ci());
    }
    let arguments = ["--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    outcome(workspace.cargo("clippy").args(arguments).run())
}

/// A check that cannot be made: a person may go without it, the check of a change may not.
fn absent(component: &str, ci: bool) -> Outcome {
    let why = format!("{component} is not installed; `rustup component add {component}` adds it");
    if ci { Outcome::Failed(why) } else { Outcome::Skipped(why) }
}

/// Whether this is continuous integration, as its services say by the variable `CI`.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Devices whose absence is a failure here; elsewhere a test without its device is ignored with a reason.
fn required(boards: &[Board]) -> String {
    let emulated = boards.iter().filter(|board| board.emulator.is_some());
    let names = emulated.map(|Board { name, chip, .. }| match chip {
        Some(_) => format!("{name},probe-{name}"),
        None => name.clone(),
    });
    iter::once(LOOPBACK.to_owned()).chain(names).collect::<Vec<_>>().join(",")
}

fn cargo_test(workspace: &Workspace, folder: &Path, required: &str, arguments: &[String]) -> Result<Job> {
    let job = workspace.cargo("test").args(selection(arguments)).arg("--locked").args(arguments);
    // Without a browser a person goes without its trials, the check of a change does not.
    let job = if is_ci() || setup::has_browser() { job.env("PRENDA_REQUIRE_BROWSER", "1") } else { job };
    Ok(job
        .env("PARITY_MODEL", folder.join("model.bin"))
        .env("PARITY_ANSWERS", folder.join("answers.bin"))
        .env("PARITY_VECTOR_MODEL", folder.join("vectors.bin"))
        .env("PARITY_VECTOR_ANSWERS", folder.join("vectors-answers.bin"))
        .env("PARITY_RECORD", folder.join("run"))
        .env("PARITY_FIRMWARE", workspace.folder("firmware")?)
        .env("PARITY_REQUIRE", required)
        .env("PRENDA_REQUIRE_DATA", "1"))
}

/// Every package, unless the person named some: cargo would let `--workspace` win.
fn selection(arguments: &[String]) -> &'static [&'static str] {
    let named =
        |argument: &String| argument.starts_with("-p") || argument == "--package" || argument.starts_with("--package=");
    let mut before_dashes = arguments.iter().take_while(|argument| *argument != "--");
    if before_dashes.any(named) { &[] } else { &["--workspace"] }
}

fn outcome(result: Result<()>) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed,
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}

/// Says what ran and how long it took.
fn conclude(stages: &[Stage]) -> Result<()> {
    let line = |stage: &Stage| {
        let seconds = stage.elapsed.as_secs_f64();
        match &stage.outcome {
            Outcome::Passed => format!("passed   {seconds:>7.1} s  {}\n", stage.name),
            Outcome::Failed(how) => format!("FAILED   {seconds:>7.1} s  {}: {how}\n", stage.name),
            Outcome::Skipped(why) => format!("skipped  {seconds:>7.1} s  {}: {why}\n", stage.name),
        }
    };
    let lines: String = stages.iter().map(line).collect();
    let seconds: f64 = stages.iter().map(|stage| stage.elapsed.as_secs_f64()).sum();
    let printed = print(format_args!("\n{lines}         {seconds:>7.1} s  in all"));
    match stages.iter().filter(|stage| matches!(stage.outcome, Outcome::Failed(_))).count() {
        0 => printed,
        count => bail!("{count} of {} parts failed", stages.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn named_packages_replace_the_whole_workspace() {
        for arguments in ["-p parity", "-pparity", "--package parity", "--package=parity hello"] {
            assert!(selection(&words(arguments)).is_empty(), "{arguments}");
        }
        for arguments in ["", "hello", "-- -p", "--profile dev", "--test parity"] {
            assert_eq!(selection(&words(arguments)), ["--workspace"], "{arguments}");
        }
    }

    #[test]
    fn a_missing_check_is_left_out_by_a_person_and_fails_in_ci() {
        assert!(matches!(absent("rustfmt", false), Outcome::Skipped(why) if why.contains("component add rustfmt")));
        assert!(matches!(absent("rustfmt", true), Outcome::Failed(why) if why.contains("component add rustfmt")));
    }

    #[test]
    fn a_board_that_probe_rs_does_not_know_is_not_asked_for_behind_a_probe() {
        let required = required(&boards::all().unwrap());
        let is_required = |name| required.split(',').any(|device| device == name);
        assert!(is_required("loopback") && is_required("mps2-an386") && is_required("probe-mps2-an386"), "{required}");
        assert!(is_required("riscv32-virt") && !is_required("probe-riscv32-virt"), "{required}");
    }

    #[test]
    fn one_failed_part_fails_the_whole_and_a_skipped_one_does_not() {
        let stage = |outcome: &Outcome| Stage { name: "n".into(), elapsed: Duration::ZERO, outcome: outcome.clone() };
        let (passed, skipped) = (Outcome::Passed, Outcome::Skipped("s".into()));
        assert!(conclude(&[stage(&passed), stage(&skipped)]).is_ok());
        let error = conclude(&[stage(&passed), stage(&Outcome::Failed("f".into()))]).unwrap_err();
        assert_eq!(error.to_string(), "1 of 2 parts failed");
    }
}
