//! `cargo xtask test`: prepares a model and firmware, and runs every check.

use std::path::Path;

use anyhow::{Result, bail};
use boards::Board;

use crate::check::{lints, pack, profiles};
use crate::output::print;
use crate::parity::LOOPBACK;
use crate::playground::{self, WASM};
use crate::process::Job;
use crate::setup::{self, Purpose};
use crate::stages::{Outcome, Stage, Stages};
use crate::trainer::TestData;
use crate::workspace::Workspace;
use crate::{bench, estimate, examples, image, package, trainer};

/// The name in `PARITY_REQUIRE` of the examples' programs.
const EXAMPLES: &str = "examples";

/// Runs all checks, also after a failure; an error in the preparation ends the command.
pub fn command(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let folder = workspace.folder("test")?;
    let (model, answers) = (folder.join("model.bin"), folder.join("answers.bin"));
    let vector_model = folder.join("vectors.bin");
    let boards = boards::all()?;

    let mut stages = Stages::new(14 + lints::ALL.len());
    stages.run("Setting up what is missing", || setup::ensure(Purpose::Tests))?;
    stages.run("Building", || build(workspace, arguments))?;
    stages.run("Training, quantizing and exporting", || trainer::train(workspace, &folder, &[]))?;
    stages.run("Answering the test images on the host", || {
        trainer::evaluate(workspace, &model, &answers, TestData::default())?;
        trainer::reorder(workspace, &model, &vector_model)?;
        trainer::evaluate(workspace, &vector_model, &folder.join("vectors-answers.bin"), TestData::default())
    })?;
    let all_firmware = stages.run(&format!("Building the firmware for {} boards", boards.len()), || {
        let build = |board| {
            let firmware = image::build(workspace, board)?;
            firmware.verify_room(board, &model)?;
            Ok(firmware)
        };
        boards.iter().map(build).collect::<Result<Vec<_>>>()
    })?;

    stages.run("Writing the page that runs a model in a browser", || playground::build_device(workspace))?;

    stages.check("Building the examples, and running them in QEMU", || examples::verify(workspace).into());
    stages.check("Checking that no firmware can panic", || {
        let mut pairs = boards.iter().zip(&all_firmware);
        pairs.try_for_each(|(board, firmware)| image::verify_panics(board, firmware)).into()
    });
    stages.check("Building the example in C", || package::build_example(workspace).into());
    stages.check("Comparing instructions and sizes with the budgets", || bench::verify_budgets(workspace).into());
    stages.check("Comparing estimated cycles with the budgets", || estimate::budgets::command(workspace, false).into());
    stages.check("Comparing builds by other profiles", || profiles::verify(workspace).into());
    stages.check("Packing prenda and building the packed files", || pack::command(workspace).into());
    for (name, check) in lints::ALL {
        stages.check(name, || check(workspace));
    }
    stages.check("Testing", || {
        cargo_test(workspace, &folder, &required(&boards, needs_browser()), arguments).and_then(Job::run).into()
    });

    conclude(stages.done())
}

/// Builds the programs, then the tests, so that a compile error in a test shows before the
/// training.
fn build(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    workspace.build_programs()?;
    if !arguments.is_empty() {
        return Ok(()); // they may be about a single test, or not go with --no-run
    }
    workspace.cargo("test").args(["--workspace", "--locked", "--no-run"]).run()
}

/// Returns the devices that must be present; outside this command their tests are ignored with a
/// reason.
fn required(boards: &[Board], needs_browser: bool) -> String {
    let emulated = boards.iter().filter(|board| board.emulator.is_some());
    let names = emulated.map(|Board { name, chip, .. }| match chip {
        Some(_) => format!("{name},probe-{name}"),
        None => name.clone(),
    });
    let others = [LOOPBACK, package::C_EXAMPLE, EXAMPLES].into_iter().chain(needs_browser.then_some(WASM));
    others.map(str::to_owned).chain(names).collect::<Vec<_>>().join(",")
}

fn cargo_test(workspace: &Workspace, folder: &Path, required: &str, arguments: &[String]) -> Result<Job> {
    let job = workspace.cargo("test").args(selection(arguments)).arg("--locked").args(arguments);
    let job = if needs_browser() { job.env("PRENDA_REQUIRE_BROWSER", "1") } else { job };
    Ok(job
        .env("PARITY_MODEL", folder.join("model.bin"))
        .env("PARITY_ANSWERS", folder.join("answers.bin"))
        .env("PARITY_VECTOR_MODEL", folder.join("vectors.bin"))
        .env("PARITY_VECTOR_ANSWERS", folder.join("vectors-answers.bin"))
        .env("PARITY_RECORD", folder.join("run"))
        .env("PARITY_FIRMWARE", workspace.folder("firmware")?)
        .env("PARITY_EXAMPLES", workspace.folder("examples")?)
        .env("PARITY_REQUIRE", required)
        .env("PRENDA_REQUIRE_DATA", "1"))
}

/// Returns true if trials in a browser must run: they are optional for a person, required in CI.
fn needs_browser() -> bool {
    lints::is_ci() || setup::has_browser()
}

/// Returns the selection of packages: all, unless `arguments` name some (`--workspace` would win).
fn selection(arguments: &[String]) -> &'static [&'static str] {
    let named =
        |argument: &String| argument.starts_with("-p") || argument == "--package" || argument.starts_with("--package=");
    let mut before_dashes = arguments.iter().take_while(|argument| *argument != "--");
    if before_dashes.any(named) { &[] } else { &["--workspace"] }
}

fn conclude(stages: &[Stage]) -> Result<()> {
    let line = |stage: &Stage| {
        let seconds = stage.elapsed.as_secs_f64();
        match &stage.outcome {
            Outcome::Passed => format!("passed   {seconds:>7.1} s  {}\n", stage.name),
            Outcome::Failed(reason) => format!("FAILED   {seconds:>7.1} s  {}: {reason}\n", stage.name),
            Outcome::Skipped(reason) => format!("skipped  {seconds:>7.1} s  {}: {reason}\n", stage.name),
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
    fn a_board_unknown_to_probe_rs_is_not_required_through_a_probe() {
        let required = required(&boards::all().unwrap(), true);
        let is_required = |name| required.split(',').any(|device| device == name);
        assert!(
            is_required("loopback")
                && is_required("wasm")
                && is_required("mps2-an386")
                && is_required("probe-mps2-an386"),
            "{required}"
        );
        assert!(is_required("riscv32-virt") && !is_required("probe-riscv32-virt"), "{required}");
    }

    #[test]
    fn a_failed_part_fails_the_whole_and_a_skipped_one_does_not() {
        let stage = |outcome: &Outcome| Stage { name: "n".into(), elapsed: Duration::ZERO, outcome: outcome.clone() };
        let (passed, skipped) = (Outcome::Passed, Outcome::Skipped("s".into()));
        assert!(conclude(&[stage(&passed), stage(&skipped)]).is_ok());
        let error = conclude(&[stage(&passed), stage(&Outcome::Failed("f".into()))]).unwrap_err();
        assert_eq!(error.to_string(), "1 of 2 parts failed");
    }
}
