//! Cases for every board.

use libtest_mimic::Failed;
use parity::ClientError;
use prenda::{BlobError, DeviceFault, Model, Refusal};

use crate::bench::{Bench, Program, model};
use crate::common::{damaged, renamed};
use crate::run::End;

pub type Case = fn(&Bench) -> Result<(), Failed>;

pub const CASES: &[(&str, Case)] = &[
    ("info", info),
    ("run", run),
    ("ends_well", ends_well),
    ("panic", panic),
    ("hard_fault", hard_fault),
    ("attach", attach),
    ("swap_model", swap_model),
];

/// The firmware's log line when it has a model.
const SELF_TEST: &str = "self-test passed";

fn info(bench: &Bench) -> Result<(), Failed> {
    bench.ask("info")?.prints(&[&format!("Detected chip: {}", bench.board.name)]).map(drop)
}

fn run(bench: &Bench) -> Result<(), Failed> {
    bench.download_model(&model()?)?;
    let run = bench.follow("run", Program::Served)?;
    run.wait_for(SELF_TEST)?;
    run.interrupt()?.success()?.prints(&[&format!("{} starts", bench.board.name), SELF_TEST]).map(drop)
}

fn ends_well(bench: &Bench) -> Result<(), Failed> {
    ends(bench, b"e")?.success()?.prints(&["ends well", "exited successfully"]).map(drop)
}

fn panic(bench: &Bench) -> Result<(), Failed> {
    let words = ["panicked at", "on purpose", ": fail @ 0x", "firmware/src/hw/program.rs:"];
    ends(bench, b"p")?.failure()?.prints(&words).map(drop)
}

/// The tool stops at the start of the fault handler and prints the fault.
fn hard_fault(bench: &Bench) -> Result<(), Failed> {
    let words = ["Exception", "HardFault", "udf", ": fail @ 0x", "firmware/src/hw/program.rs:"];
    ends(bench, b"f")?.failure()?.prints(&words).map(drop)
}

/// Sends `how` to the program that fails on purpose, and returns its end.
fn ends(bench: &Bench, how: &[u8]) -> Result<End, Failed> {
    let run = bench.follow("run", Program::Faults)?;
    run.wait_for("waits for a byte")?;
    bench.send(how)?;
    run.end()
}

/// Later logs are shown after an attach, and the firmware continues when the tool has ended.
fn attach(bench: &Bench) -> Result<(), Failed> {
    let model = model()?;
    bench.download()?;
    bench.download_model(&model)?;
    bench.ask("reset")?;
    let run = bench.follow("attach", Program::Served)?;
    run.wait_for(SELF_TEST)?;
    // The firmware refuses this noise, in its logs and on the link.
    bench.send(&[0x55, 0x55, 0])?;
    run.wait_for("refused")?;
    run.interrupt()?.success()?;
    let mut client = bench.client()?;
    client.hello_with(Model::parse(&model)?.id())?;
    assert_eq!(client.traffic().refused, 1, "the refusal of the noise comes first");
    Ok(())
}

/// The firmware restarts with each model that is flashed alone.
fn swap_model(bench: &Bench) -> Result<(), Failed> {
    let right = model()?;
    let id = Model::parse(&right)?.id();
    bench.download()?;
    bench.download_model(&right)?;
    bench.ask("reset")?;
    let mut client = bench.client()?;
    client.hello_with(id)?;

    let other = renamed(&right)?;
    let other_id = Model::parse(&other)?.id();
    assert_ne!(id, other_id);
    bench.download_model(&other)?;
    bench.ask("reset")?;
    client.hello_with(other_id)?;

    bench.download_model(&damaged(&right))?;
    bench.ask("reset")?;
    for _ in 0..2 {
        let error = client.hello().expect_err("the model is damaged");
        let fault = |fault: &DeviceFault| matches!(fault, DeviceFault::Blob(BlobError::Checksum { .. }));
        assert!(matches!(&error, ClientError::Refused(Refusal::NoModel(it)) if fault(it)), "{error}");
    }

    bench.download_model(&right)?;
    bench.ask("reset")?;
    client.hello_with(id)?;
    Ok(())
}
