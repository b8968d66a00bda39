//! The program that holds a core's kernels against a slow reference, on the core's own instruction
//! set.

use std::time::Duration;

use libtest_mimic::Failed;
use parity::{Device, Lab};

use super::{Case, Fixture, ends_as};

/// Cases for boards in QEMU alone: a probe adds nothing to them but time.
pub const KERNEL_CASES: &[(&str, Case)] = &[("kernels", kernels), ("wrong_reference", wrong_reference)];

/// How long the kernels' program may take, without optimisation and on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(1200);

/// The kernels of the core against a slow reference, on its own instruction set.
fn kernels(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let session = device.start_kernels(lab).ok_or("the device has no such binary")??;
    let logs = ends_as(session, PATIENCE, b"r", 0, &["agree with the reference"])?;
    // "3594 networks, 230631 inferences agree with the reference, by the kernels dsp; 6 networks
    // have no room here"
    let numbers: Vec<u32> = logs
        .lines()
        .filter(|line| line.contains("agree with the reference"))
        .flat_map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()))
        .collect();
    let &[networks, inferences, without_room] = &numbers[..] else {
        return Err(format!("three numbers are to be in: {logs}").into());
    };
    assert!(networks >= 3300 && inferences >= 200_000 && without_room <= 300, "{numbers:?}");
    let kernel = kernel(device);
    assert!(logs.contains(&format!("by the kernels {kernel};")), "{kernel} is not in: {logs}");
    Ok(())
}

/// The same program finds it out where kernels and reference do not agree.
fn wrong_reference(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let session = device.start_kernels(lab).ok_or("the device has no such binary")??;
    ends_as(session, PATIENCE, b"w", 1, &["error", "seed", "Differs", "expected", "found"]).map(drop)
}

/// The kernels that a board's core is to have.
fn kernel(device: Device) -> &'static str {
    match device.board().map_or("", |board| &board.core) {
        "cortex-m0" => "armv6m",
        "cortex-m3" => "armv7m",
        "cortex-m55" => "dsp+helium",
        core if core.starts_with("cortex-m") => "dsp",
        _ => "portable",
    }
}
