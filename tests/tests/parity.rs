//! One trial for each device and case. A device that is not there is ignored with its reason, unless `PARITY_REQUIRE`
//! names it.
//!
//! | variable | meaning |
//! |---|---|
//! | `PARITY_MODEL`, `PARITY_ANSWERS` | the model and the host's answers for `sweep`, which is ignored without them |
//! | `PARITY_RECORD` | a run's folder in which `sweep` leaves what it found, for `host-trainer report` |
//! | `PARITY_FIRMWARE` | folder of the boards' ELFs |
//! | `PARITY_REQUIRE` | devices, separated by commas, that must be there; `probe-rs` is the suite of that name's |

mod cases;
mod common;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use cases::{CASES, Case, EMULATED_CASES, Fixture, sweep_test_split};
use common::{TOOL, firmware_folder, ignored, missing, required};
use libtest_mimic::{Arguments, Trial};
use parity::{Device, Lab, Link, device};

fn main() -> ExitCode {
    // QEMU and its client fill two cores, and a hung device is told by its silence.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let lab = Lab {
        firmware: firmware_folder(),
        link: Link::Uart,
        probe: None,
        patience: device::PATIENCE,
        show_logs: false,
    };
    let required = required();
    let mut trials: Vec<_> = required
        .iter()
        .filter(|name| *name != TOOL && Device::by_name(name).is_none())
        .map(|name| missing(name, "PARITY_REQUIRE names a device that this suite does not know".into()))
        .collect();
    for device in Device::all() {
        match device.availability(&lab) {
            Ok(()) => trials.extend(trials_of(device, &lab)),
            Err(error) if required.iter().any(|name| name == device.name()) => {
                trials.push(missing(device.name(), error.to_string()));
            }
            Err(error) => {
                let reason = error.to_string();
                trials.extend(names(device).map(|name| ignored(name, &reason)));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of(device: Device, lab: &Lab) -> Vec<Trial> {
    let mut trials = Vec::new();
    let emulated = if device.board().is_some() { EMULATED_CASES } else { &[] };
    for &(name, case) in CASES.iter().chain(emulated) {
        trials.push(trial(device, name, lab, case));
    }
    let sweep = match (env::var_os("PARITY_MODEL"), env::var_os("PARITY_ANSWERS")) {
        (Some(model), Some(answers)) => {
            let (lab, name) = (lab.clone(), format!("{}::sweep", device.name()));
            Trial::test(name, move || {
                let fixture = Fixture::read(&PathBuf::from(model), &PathBuf::from(answers))?;
                let outcome = sweep_test_split(device, &lab, &fixture)?;
                if let Some(folder) = env::var_os("PARITY_RECORD") {
                    outcome.record(device.name(), fixture.view()?.id(), &PathBuf::from(folder))?;
                }
                Ok(())
            })
        }
        _ => ignored(
            format!("{}::sweep", device.name()),
            "PARITY_MODEL and PARITY_ANSWERS are not set; `cargo xtask test` sets them",
        ),
    };
    trials.push(sweep);
    trials
}

fn trial(device: Device, name: &str, lab: &Lab, case: Case) -> Trial {
    let lab = lab.clone();
    Trial::test(format!("{}::{name}", device.name()), move || case(device, &lab, &Fixture::committed()?))
}

/// Names of all of a device's trials.
fn names(device: Device) -> impl Iterator<Item = String> {
    let emulated = if device.board().is_some() { EMULATED_CASES } else { &[] };
    let cases = CASES.iter().chain(emulated).map(|(name, _)| *name).chain(["sweep"]);
    cases.map(move |name| format!("{}::{name}", device.name()))
}
