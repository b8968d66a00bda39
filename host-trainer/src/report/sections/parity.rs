//! Comparisons of devices with the host, and the size of the firmware.

use host_support::parity::{ModelParity, target_name};
use maud::{Markup, html};

use crate::report::commands;
use crate::report::numbers::bytes;
use crate::report::run::Run;
use crate::report::table::Comparison;
use crate::text::{count, percent, printable};

pub fn content(runs: &[Run]) -> Markup {
    let compared: Vec<(&Run, &ModelParity)> =
        runs.iter().flat_map(|run| run.parity.iter().map(move |parity| (run, parity))).collect();
    let folders: Vec<_> = runs.iter().map(|run| run.folder.as_path()).collect();
    let report = printable(&commands::report(&folders));
    html! {
        @if !compared.is_empty() {
            (figures(&compared, runs.len() > 1))
            p.note {
                "The firmware's size does not include the model. Its RAM is that of variables and of the deepest stack "
                "measured. An emulator gives the answers of the core, but neither its time nor its energy."
            }
        }
        @for run in runs.iter().filter(|run| run.parity.is_empty()) {
            p {
                @if runs.len() > 1 { strong { bdi { (run.name) } } ": no" } @else { "No" }
                " device has been compared with the host yet. This command compares all devices and records the "
                "results in the run's folder:"
            }
            pre { code { (printable(&commands::parity(&run.folder))) } }
        }
        p.note {
            "A comparison after this report was written is in the run's folder, but not here: "
            code { (report) } " writes the report again."
        }
    }
}

fn figures(compared: &[(&Run, &ModelParity)], are_several: bool) -> Comparison {
    let column = |(run, parity): &(&Run, &ModelParity)| {
        html! { bdi { (printable(&parity.record.device)) } @if are_several { br; bdi { (run.name) } } }
    };
    let columns = compared.iter().map(column).collect();
    let mut table = Comparison::new("Devices compared with the host, over the test images", "Figure", columns);
    let mut row = |name: &str, value: &dyn Fn(&Run, &ModelParity) -> Option<String>| {
        table.row(name, compared.iter().map(|(run, parity)| value(run, parity)));
    };
    row("Runs on", &|_, parity| Some(target_name(parity.record.target).to_owned()));
    row("Core", &|_, parity| Some(printable(&parity.record.core)).filter(|core| !core.is_empty()));
    row("Verdict", &|run, parity| Some(verdict(run, parity)));
    row("Images compared", &|_, parity| Some(count(parity.record.images)));
    row("Logits compared", &|_, parity| Some(count(parity.record.logits_compared)));
    row("Logits that differ", &|_, parity| Some(count(parity.record.logits_different)));
    row("Probabilities that differ", &|_, parity| Some(count(parity.record.probabilities_different)));
    row("Classes that differ", &|_, parity| Some(count(parity.record.classes_different)));
    if compared.iter().any(|(_, parity)| !parity.record.answered_by.is_empty()) {
        row("Networks that differ", &|_, parity| Some(count(parity.record.networks_different)));
        row("Images answered by each network", &|_, ModelParity { record, .. }| {
            let counts = record.answered_by.iter().copied().map(count).collect::<Vec<_>>();
            Some(if counts.is_empty() { count(record.images) } else { counts.join(", ") })
        });
    }
    row("Accuracy there", &|_, parity| Some(percent(parity.record.accuracy)));
    row("Size of model.bin", &|run, _| run.model_bytes().map(|count| bytes(count as u64)));
    // The host has no flash.
    row("Firmware, flash", &|_, parity| Some(parity.record.flash_bytes.map_or_else(|| "none".to_owned(), bytes)));
    row("Firmware, RAM", &|_, parity| Some(parity.record.ram_bytes.map_or_else(|| "none".to_owned(), bytes)));
    row("Not measured", &|_, parity| {
        Some(printable(&parity.record.not_measured.join(", "))).filter(|names| !names.is_empty())
    });
    table
}

/// Returns whether the device agrees with the host on this run's model.
fn verdict(run: &Run, parity: &ModelParity) -> String {
    let id = run.model_id();
    if id.is_some_and(|id| id != parity.model_id) {
        let (found, command) = (printable(&parity.model_id), printable(&commands::parity(&run.folder)));
        return format!("out of date: compared model {found}, not this run's; {command} compares again");
    }
    if parity.record.agrees() { "identical".to_owned() } else { "DIFFERENT".to_owned() }
}
