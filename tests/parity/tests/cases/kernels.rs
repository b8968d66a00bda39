//! The program that compares a core's kernels with a slow reference, on the core.

use std::time::Duration;

use libtest_mimic::Failed;
use parity::{Device, Lab};

use super::{Case, Fixture, ends_as};

/// Cases for boards in QEMU without a probe, which would only add time.
pub const KERNEL_CASES: &[(&str, Case)] = &[("kernels", kernels), ("wrong_reference", wrong_reference)];

/// Longest time of the program, even without optimisation and on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1200);

fn kernels(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let session = device.start_kernels(lab)?;
    let logs = ends_as(session, PATIENCE, b"r", 0, &["agree with the reference"])?;
    // "3713 networks, 220284 inferences agree with the reference, by the kernels armv6m; 312
    // networks have no room here"
    let numbers: Vec<u32> = logs
        .lines()
        .filter(|line| line.contains("agree with the reference"))
        .flat_map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()))
        .collect();
    let &[networks, inferences, without_room] = &numbers[..] else {
        return Err(format!("expected three numbers in: {logs}").into());
    };
    assert!(networks >= 3600 && inferences >= 210_000 && without_room <= 400, "{numbers:?}");
    let kernel = kernel(device);
    assert!(logs.contains(&format!("by the kernels {kernel};")), "{kernel} is not in: {logs}");
    Ok(())
}

/// The same program detects a wrong reference.
fn wrong_reference(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let session = device.start_kernels(lab)?;
    ends_as(session, PATIENCE, b"w", 1, &["error", "seed", "Differs", "expected", "found"]).map(drop)
}

/// Returns the kernels that the device's core should use.
fn kernel(device: Device) -> &'static str {
    match device.board().map_or("", |board| &board.core) {
        "cortex-m0" => "armv6m",
        "cortex-m3" => "armv7m",
        "cortex-m55" => "dsp+helium",
        core if core.starts_with("cortex-m") => "dsp",
        _ => "portable",
    }
}
