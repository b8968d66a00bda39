//! One trial for each device and case. A device that is not there is ignored with its reason,
//! unless `PARITY_REQUIRE` names it.
//!
//! | variable | meaning |
//! |---|---|
//! | `PARITY_MODEL`, `PARITY_ANSWERS` | the model and the host's answers for `sweep`, which is ignored without them |
//! | `PARITY_VECTOR_MODEL`, `PARITY_VECTOR_ANSWERS` | the same with weights in vectors, for `sweep_in_vectors` |
//! | `PARITY_RECORD` | a run's folder in which `sweep` leaves what it found, for `host-trainer report` |
//! | `PARITY_FIRMWARE` | folder of the boards' ELFs |
//! | `PARITY_REQUIRE` | devices, separated by commas, that must be there; `probe-rs` is the suite of that name's |

mod cases;
mod common;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use boards::WeightOrder;
use cases::{
    BAD_LINE_CASES, CASES, COUNTED_CASES, Case, EMULATED_CASES, Fixture, HOSTILE_CASES, KERNEL_CASES, LINK_CASES,
    STACK_CASES, sweep_test_split,
};
use common::{TOOL, firmware_folder, ignored, missing, required};
use libtest_mimic::{Arguments, Trial};
use parity::{Device, Lab, Link, device, write_record};

fn main() -> ExitCode {
    device::stop_all_at_signals();
    // QEMU and its client fill two cores, and a hung device is told by its silence.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let lab = Lab {
        firmware: firmware_folder(),
        link: Link::Uart,
        instruction_shift: None,
        probe: env::var("PROBE_RS_PROBE").ok(),
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
        let is_required = required.iter().any(|name| name == device.name());
        // A board on the desk would be flashed.
        let availability = if device.is_hardware() && !is_required {
            Err("hardware: only where PARITY_REQUIRE names it".to_owned())
        } else {
            device.availability(&lab).map_err(|error| error.to_string())
        };
        match availability {
            Ok(()) => trials.extend(trials_of(device, &lab)),
            Err(reason) if is_required => trials.push(missing(device.name(), reason)),
            Err(reason) => trials.extend(names(device).map(|name| ignored(name, &reason))),
        }
    }
    #[cfg(feature = "probe")]
    trials.extend(cases::wrong_probes::trials(&lab, &required));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of(device: Device, lab: &Lab) -> Vec<Trial> {
    let mut trials: Vec<_> = cases(device).map(|&(name, case)| trial(device, name, lab, case)).collect();
    trials.extend(sweeps(device).iter().map(|sweep| sweep_trial(device, lab, *sweep)));
    trials
}

/// The whole test split with one model, by the variables that name it and the host's answers.
#[derive(Clone, Copy)]
struct Sweep {
    name: &'static str,
    model: &'static str,
    answers: &'static str,
    /// The variable that names the folder of the model's run.
    record: Option<&'static str>,
}

const SWEEPS: [Sweep; 2] = [
    Sweep { name: "sweep", model: "PARITY_MODEL", answers: "PARITY_ANSWERS", record: Some("PARITY_RECORD") },
    // The run's model is the other.
    Sweep { name: "sweep_in_vectors", model: "PARITY_VECTOR_MODEL", answers: "PARITY_VECTOR_ANSWERS", record: None },
];

/// With weights in vectors only where a kernel is for them.
fn sweeps(device: Device) -> &'static [Sweep] {
    let has_vectors = device.board().is_none_or(|board| board.weight_order == WeightOrder::Vectors);
    if has_vectors { &SWEEPS } else { &SWEEPS[..1] }
}

fn sweep_trial(device: Device, lab: &Lab, Sweep { name, model, answers, record }: Sweep) -> Trial {
    let trial = format!("{}::{name}", device.name());
    let (Some(model_path), Some(answers_path)) = (env::var_os(model), env::var_os(answers)) else {
        return ignored(trial, &format!("{model} and {answers} are not set; `cargo xtask test` sets them"));
    };
    // The quicker link: the other one has all the cases.
    let lab = Lab { link: Link::Rtt, ..lab.clone() };
    Trial::test(trial, move || {
        let fixture = Fixture::read(&PathBuf::from(model_path), &PathBuf::from(answers_path))?;
        let outcome = sweep_test_split(device, &lab, &fixture)?;
        if let Some(folder) = record.and_then(env::var_os) {
            write_record(&outcome, device.name(), fixture.view()?.id(), &PathBuf::from(folder))?;
        }
        Ok(())
    })
}

fn trial(device: Device, name: &str, lab: &Lab, case: Case) -> Trial {
    let lab = lab.clone();
    Trial::test(format!("{}::{name}", device.name()), move || case(device, &lab, &Fixture::committed()?))
}

/// Names of all of a device's trials.
fn names(device: Device) -> impl Iterator<Item = String> {
    let sweeps = sweeps(device).iter().map(|sweep| sweep.name);
    cases(device).map(|(name, _)| *name).chain(sweeps).map(move |name| format!("{}::{name}", device.name()))
}

/// What is tried on a device, but for the sweep.
fn cases(device: Device) -> impl Iterator<Item = &'static (&'static str, Case)> {
    let is_emulated = device.board().is_some() && !device.is_hardware();
    // Behind a probe a core goes on in steps, and its time with it.
    let is_alone = matches!(device, Device::Qemu(_));
    let has_no_probe = is_alone || matches!(device, Device::Loopback);
    let chosen: [&[_]; 7] = [
        if has_no_probe { HOSTILE_CASES } else { &[] },
        if has_no_probe { BAD_LINE_CASES } else { &[] },
        if is_emulated { EMULATED_CASES } else { &[] },
        if is_alone { COUNTED_CASES } else { &[] },
        if is_alone { KERNEL_CASES } else { &[] },
        if is_alone { LINK_CASES } else { &[] },
        if is_alone { STACK_CASES } else { &[] },
    ];
    CASES.iter().chain(chosen.into_iter().flatten())
}
