//! One trial for each device and case. Trials of an unavailable device are ignored with the
//! reason, unless `PARITY_REQUIRE` names it.
//!
//! | variable | meaning |
//! |---|---|
//! | `PARITY_MODEL`, `PARITY_ANSWERS` | model and answers for `sweep`, ignored without them |
//! | `PARITY_VECTOR_MODEL`, `PARITY_VECTOR_ANSWERS` | the same for `sweep_in_vectors` |
//! | `PARITY_RECORD` | a run's folder for the record of `sweep` |
//! | `PARITY_FIRMWARE`, `PARITY_EXAMPLES` | folders of the boards' and the examples' ELFs |
//! | `PARITY_REQUIRE` | comma-separated devices, `c-firmware` and `examples`: their absence fails |

mod cases;
mod common;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use boards::WeightOrder;
use cases::c_example::{self, C_EXAMPLE};
use cases::served::{self, EXAMPLES};
use cases::{
    BAD_LINE_CASES, CASCADE_CASES, CASES, COUNTED_CASES, Case, EMULATED_CASES, Fixture, HOSTILE_CASES, KERNEL_CASES,
    LINK_CASES, PHOTO_CASES, STACK_CASES, sweep_test_split,
};
use common::{TOOL, firmware_folder, ignored, missing, required};
use libtest_mimic::{Arguments, Trial};
use parity::{Device, Lab, Link, device, write_record};

fn main() -> ExitCode {
    device::stop_all_at_signals();
    // QEMU and its client use two cores, and a busy machine could make a device look hung.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let lab = Lab {
        firmware: firmware_folder(),
        link: Link::Uart,
        instruction_shift: None,
        probe: env::var("PROBE_RS_PROBE").ok(),
        patience: device::PATIENCE,
        show_logs: false,
        emulator_arguments: Vec::new(),
    };
    let required = required();
    let mut trials: Vec<_> = required
        .iter()
        .filter(|name| ![C_EXAMPLE, EXAMPLES, TOOL].contains(&name.as_str()) && Device::by_name(name).is_none())
        .map(|name| missing(name, format!("PARITY_REQUIRE names an unknown device: {name}")))
        .collect();
    for device in Device::all() {
        let is_required = required.iter().any(|name| name == device.name());
        // A hardware board would be flashed.
        let availability = if device.is_hardware() && !is_required {
            Err("hardware: only if PARITY_REQUIRE names it".to_owned())
        } else {
            device.availability(&lab).map_err(|error| error.to_string())
        };
        match availability {
            Ok(()) => trials.extend(trials_of(device, &lab)),
            Err(reason) if is_required => trials.push(missing(device.name(), reason)),
            Err(reason) => trials.extend(names(device).map(|name| ignored(name, &reason))),
        }
    }
    trials.push(c_example::trial(&lab, &required));
    trials.extend(served::trials(&lab, &required));
    #[cfg(feature = "probe")]
    trials.extend(cases::wrong_probes::trials(&lab, &required));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of(device: Device, lab: &Lab) -> Vec<Trial> {
    let mut trials: Vec<_> = cases(device).map(|&(name, case)| trial(device, name, lab, case)).collect();
    trials.extend(sweeps(device).iter().map(|sweep| sweep_trial(device, lab, *sweep)));
    trials
}

/// A sweep over the whole test split, with the variables that name its files.
#[derive(Clone, Copy)]
struct Sweep {
    name: &'static str,
    model: &'static str,
    answers: &'static str,
    /// The variable that names the run's folder.
    record: Option<&'static str>,
}

const SWEEPS: [Sweep; 2] = [
    Sweep { name: "sweep", model: "PARITY_MODEL", answers: "PARITY_ANSWERS", record: Some("PARITY_RECORD") },
    // Not recorded: the run's model is the first sweep's.
    Sweep { name: "sweep_in_vectors", model: "PARITY_VECTOR_MODEL", answers: "PARITY_VECTOR_ANSWERS", record: None },
];

/// Returns the sweeps of a device: vectors only if its kernels prefer them.
fn sweeps(device: Device) -> &'static [Sweep] {
    let has_vectors = device.board().is_none_or(|board| board.weight_order == WeightOrder::Vectors);
    if has_vectors { &SWEEPS } else { &SWEEPS[..1] }
}

fn sweep_trial(device: Device, lab: &Lab, Sweep { name, model, answers, record }: Sweep) -> Trial {
    let trial = format!("{}::{name}", device.name());
    let (Some(model_path), Some(answers_path)) = (env::var_os(model), env::var_os(answers)) else {
        return ignored(trial, &format!("{model} and {answers} are not set; use `cargo xtask test`"));
    };
    // The faster link; the cases use the other.
    let lab = Lab { link: Link::Rtt, ..lab.clone() };
    Trial::test(trial, move || {
        let fixture = Fixture::read(&PathBuf::from(model_path), &PathBuf::from(answers_path))?;
        let result = sweep_test_split(device, &lab, &fixture)?;
        if let Some(folder) = record.and_then(env::var_os) {
            write_record(&result, device.name(), fixture.view()?.id(), &PathBuf::from(folder))?;
        }
        Ok(())
    })
}

fn trial(device: Device, name: &str, lab: &Lab, case: Case) -> Trial {
    let lab = lab.clone();
    Trial::test(format!("{}::{name}", device.name()), move || case(device, &lab, &Fixture::committed()?))
}

/// Returns the names of all trials of a device.
fn names(device: Device) -> impl Iterator<Item = String> {
    let sweeps = sweeps(device).iter().map(|sweep| sweep.name);
    cases(device).map(|(name, _)| *name).chain(sweeps).map(move |name| format!("{}::{name}", device.name()))
}

/// Returns the cases of a device, without sweeps.
fn cases(device: Device) -> impl Iterator<Item = &'static (&'static str, Case)> {
    let is_emulated = device.board().is_some() && !device.is_hardware();
    // Through a probe, an emulated core runs in steps, and so does its time.
    let is_qemu = matches!(device, Device::Qemu(_));
    let has_no_probe = is_qemu || device == Device::Loopback;
    let groups = [
        (true, CASES),
        (true, CASCADE_CASES),
        (true, PHOTO_CASES),
        (has_no_probe, HOSTILE_CASES),
        (has_no_probe, BAD_LINE_CASES),
        (is_emulated, EMULATED_CASES),
        (is_qemu, COUNTED_CASES),
        (is_qemu, KERNEL_CASES),
        (is_qemu, LINK_CASES),
        (is_qemu, STACK_CASES),
    ];
    groups.into_iter().filter(|(applies, _)| *applies).flat_map(|(_, cases)| cases)
}
