//! `cargo xtask parity`: the same pictures on the desk and on devices, every logit compared.

use std::iter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use comfy_table::Table;
use host_support::parity::ParityRecord;
use serde::Deserialize;

use crate::board;
use crate::output::{print, tell};
use crate::process::Job;
use crate::table::{self, align_right, percent};
use crate::trainer::Evaluated;
use crate::workspace::{Workspace, shown};
use crate::{DEFAULT_BOARD, UsageError, image, run_folder, trainer};

/// The device that needs no board: the firmware's library on a thread.
pub const LOOPBACK: &str = "loopback";

/// How devices behind a debug probe are named: this, and the board.
pub const PROBE: &str = "probe-";

/// What the parity tool reports.
#[derive(Debug, Deserialize)]
pub struct Report {
    /// One entry for each device.
    pub devices: Vec<ParityRecord>,
    /// One picture, seen by desk and device.
    pub sample: Option<Sample>,
}

/// Checks that host and device agree, on all images that the host evaluated.
///
/// # Errors
///
/// Returns an error if they differ, or if another number of images was compared.
pub fn verify(record: &ParityRecord, evaluated: &Evaluated) -> Result<()> {
    let ParityRecord { device: name, images, .. } = record;
    if *images != evaluated.pictures {
        let all = evaluated.pictures;
        bail!("{name} was compared on {images} images, not on the host's {all}; run one such command at a time");
    }
    if !record.agrees() {
        bail!(
            "host and {name} differ: {} of {} logits, {} probabilities, {} classes",
            record.logits_different,
            record.logits_compared,
            record.probabilities_different,
            record.classes_different
        );
    }
    Ok(())
}

/// One picture's probabilities, which add up to the same whole on both sides.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// Its place in the test split.
    pub picture: u64,
    /// Its true class.
    pub label: usize,
    /// The classes' names.
    pub class_names: Vec<String>,
    /// The desk's probabilities.
    pub host: Vec<u32>,
    /// The device's probabilities.
    pub device: Vec<u32>,
    /// Which device.
    pub device_name: String,
}

/// `cargo xtask parity [DEVICE...] [--all] [--model FILE|DIR] [--vectors] [--data DIR] [--json]`.
///
/// Where the model lies in the folder of its run, that keeps what was found; but for `vectors`, which are of another model.
///
/// # Errors
/// A usage error for an unknown device; others when a build fails or anything differs.
pub fn command(
    workspace: &Workspace,
    devices: &[String],
    all: bool,
    model: Option<PathBuf>,
    vectors: bool,
    data: Option<&Path>,
    json: bool,
) -> Result<()> {
    let devices = chosen(devices, all, &[LOOPBACK, DEFAULT_BOARD])?;
    let model = model.map_or_else(|| workspace.demo_model(), run_folder::model_of);
    if !model.is_file() {
        bail!("there is no model file {}; run `cargo xtask demo` or name one by --model FILE", shown(&model));
    }

    workspace.build_programs()?;
    let folder = workspace.folder("parity")?;
    let answers = folder.join("answers.bin");
    let model = if vectors {
        let reordered = folder.join("vectors.bin");
        trainer::reorder(workspace, &model, &reordered)?;
        reordered
    } else {
        model
    };
    let evaluated = trainer::evaluate(workspace, &model, &answers, data)?;
    tell(format_args!("    model {}, {} pictures", evaluated.model_id, evaluated.pictures));
    for device in devices.iter().filter(|device| *device != LOOPBACK) {
        image::build(workspace, &board::named(board_of(device))?)?;
    }
    let run = run_folder::of_model(&model, &evaluated.model_id);
    if json {
        return recording(tool(workspace, &devices, &model, &answers)?, run.as_deref()).arg("--json").run_to_stdout();
    }
    let report = compare(workspace, &devices, &model, &answers, &folder.join("parity.json"), run.as_deref())?;
    print(table(&report.devices))?;
    report.devices.iter().try_for_each(|device| verify(device, &evaluated))
}

/// What each device was found to be.
fn table(devices: &[ParityRecord]) -> Table {
    let mut table = table::new();
    table.set_header(["device", "core", "pictures", "logits", "differ", "probabilities", "classes", "accuracy", "RAM"]);
    for device in devices {
        table.add_row([
            device.device.clone(),
            device.core.clone(),
            device.images.to_string(),
            device.logits_compared.to_string(),
            device.logits_different.to_string(),
            device.probabilities_different.to_string(),
            device.classes_different.to_string(),
            percent(device.accuracy),
            device.ram_bytes.map_or_else(String::new, |bytes| format!("{bytes} B")),
        ]);
    }
    for column in 2..9 {
        align_right(&mut table, column);
    }
    table
}

/// Compares, and returns the tool's report even when something differs. The folder `run` keeps it, too.
///
/// # Errors
/// When the tool ends without a report; its own message has been shown.
pub fn compare(
    workspace: &Workspace,
    devices: &[String],
    model: &Path,
    answers: &Path,
    report: &Path,
    run: Option<&Path>,
) -> Result<Report> {
    // A report of an earlier run must not be taken for this one's.
    match std::fs::remove_file(report) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(anyhow!(error).context(format!("cannot remove {}", report.display())));
        }
        _ => {}
    }
    let job = tool(workspace, devices, model, answers)?.arg("--report").arg(report);
    let job = recording(job, run);
    let name = job.name();
    let ran = job.run();
    let text = match std::fs::read_to_string(report) {
        Ok(text) => text,
        Err(error) => {
            ran?;
            return Err(anyhow!(error).context(format!("`{name}` left no report {}", report.display())));
        }
    };
    let parsed: Report =
        serde_json::from_str(&text).with_context(|| format!("cannot understand {}", report.display()))?;
    // It also fails when something differs; then the report says more.
    if parsed.devices.iter().all(ParityRecord::agrees) {
        ran?;
    }
    Ok(parsed)
}

/// The devices that are meant: `devices`, or loopback and all that are emulated, or else the `usual` ones.
///
/// # Errors
/// A usage error for an unknown device, or one that cannot be reached in the way that its name says.
pub fn chosen(devices: &[String], all: bool, usual: &[&str]) -> Result<Vec<String>> {
    let boards = boards::all()?;
    let devices = if all {
        let emulated = boards.iter().filter(|board| board.emulator.is_some());
        iter::once(LOOPBACK.to_owned()).chain(emulated.map(|board| board.name.clone())).collect()
    } else if devices.is_empty() {
        usual.iter().map(|&device| device.into()).collect()
    } else {
        devices.to_vec()
    };
    for board in &boards {
        let (name, probed) = (&board.name, format!("{PROBE}{}", board.name));
        if board.emulator.is_none() && devices.contains(name) {
            return Err(
                UsageError(format!("nothing emulates {name}; {probed} is the board behind a debug probe")).into()
            );
        }
        if board.chip.is_none() && devices.contains(&probed) {
            return Err(
                UsageError(format!("no debug probe can be in front of {name}; {name} is the emulated board")).into()
            );
        }
    }
    let known: Vec<String> = boards.into_iter().map(|board| board.name).collect();
    let is_known = |device: &&String| *device == LOOPBACK || known.iter().any(|board| board == board_of(device));
    if let Some(unknown) = devices.iter().find(|device| !is_known(device)) {
        let known = known.join(", ");
        let text = format!(
            "there is no device {unknown:?}; the devices are {LOOPBACK}, BOARD in QEMU and {PROBE}BOARD behind a debug \
             probe; the boards are: {known}"
        );
        return Err(UsageError(text).into());
    }
    Ok(devices)
}

/// The board that a device is.
pub fn board_of(device: &str) -> &str {
    device.strip_prefix(PROBE).unwrap_or(device)
}

fn tool(workspace: &Workspace, devices: &[String], model: &Path, answers: &Path) -> Result<Job> {
    let firmware = workspace.folder("firmware")?;
    let job = workspace.job("parity").args(devices).arg("--model").arg(model);
    Ok(job.arg("--answers").arg(answers).arg("--firmware").arg(firmware))
}

/// The same job, which leaves what it finds in the folder of the run, if there is one.
fn recording(job: Job, run: Option<&Path>) -> Job {
    run.into_iter().fold(job, |job, run| job.arg("--record").arg(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> ParityRecord {
        ParityRecord { device: "d".into(), images: 10, logits_compared: 100, ..ParityRecord::default() }
    }

    #[test]
    fn images_that_were_not_compared_are_a_disagreement() {
        let evaluated = |pictures| Evaluated { model_id: "00000000".into(), pictures, accuracy: 0.5 };
        assert!(verify(&record(), &evaluated(10)).is_ok());
        let error = verify(&record(), &evaluated(11)).unwrap_err().to_string();
        assert!(error.contains("on 10 images, not on the host's 11"), "{error}");
        assert!(verify(&ParityRecord { logits_different: 1, ..record() }, &evaluated(10)).is_err());
    }
}
