//! The cost of models on devices; each model is measured once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

use anyhow::{Context, Result};
use boards::owned;
use crc::{CRC_64_XZ, Crc};
use host_support::files;
use object::{Object as _, ObjectSegment as _};
use serde::{Deserialize, Serialize};

use super::Model;
use crate::output::log;
use crate::work::answered;
use crate::workspace::{Workspace, shown};
use crate::{bench, board, estimate, image};

/// A Cortex-M4, M3, M0 and M55.
const BOARDS: [&str; 4] = ["mps2-an386", "mps2-an385", "microbit", "mps3-an547"];

/// The core whose cycles are estimated.
const ESTIMATED: &str = "cortex-m4";

/// Enough for the mean of a cascade, in which the largest network answers few images.
const IMAGES: u32 = 1000;

/// The cost of a model on each core; `None` if the model does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    instructions_m4: Option<u64>,
    instructions_m4_max: Option<u64>,
    instructions_m3: Option<u64>,
    instructions_m0: Option<u64>,
    /// With weights in vectors.
    instructions_m55: Option<u64>,
    /// Estimated, without wait states.
    #[serde(default)]
    cycles_m4: Option<u64>,
    /// The network's variables and the deepest stack, on the Cortex-M4.
    ram_bytes: Option<u64>,
    #[serde(default)]
    class_only: ClassOnly,
    /// Checksum of the measured firmware, and of the number of images.
    firmware: String,
}

/// The mean instructions without softmax.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ClassOnly {
    instructions_m4: Option<u64>,
    instructions_m3: Option<u64>,
    instructions_m0: Option<u64>,
    instructions_m55: Option<u64>,
}

/// A board in the output of `bench measure --json`.
#[derive(Deserialize)]
struct BenchRow {
    board: String,
    instructions_mean: Option<f64>,
    instructions_max: Option<u64>,
    #[serde(default)]
    stages: Vec<StageRow>,
    ram_network_bytes: u64,
    ram_stack_bytes: u64,
}

/// A stage of inference in it.
#[derive(Deserialize)]
struct StageRow {
    stage: String,
    mean: f64,
}

/// The output of `estimate --json`.
#[derive(Deserialize)]
struct Estimate {
    cycles_mean: Option<f64>,
}

/// Measures those of `models` that were not measured with the present firmware; returns the file
/// with the figures of all models.
pub fn command(workspace: &Workspace, models: &[Model], data: Option<&Path>) -> Result<PathBuf> {
    let folder = workspace.folder("frontier")?;
    let path = folder.join("measured.json");
    let firmware = firmware(workspace)?;
    let estimated = owned::named(ESTIMATED)?;
    let mut all = known(&path);
    let is_known = |all: &BTreeMap<String, Cost>, id: &str| all.get(id).is_some_and(|one| one.firmware == firmware);
    let missing: Vec<&Model> = models.iter().filter(|model| !is_known(&all, &model.id)).collect();
    for (index, model) in missing.iter().enumerate() {
        log(format_args!("[{}/{}] measuring {}", index + 1, missing.len(), shown(&model.path)));
        let work = answered(workspace, model.path.clone(), &folder, data)?;
        let job = bench::tool(workspace, &BOARDS.map(str::to_owned), &work)?;
        let images = IMAGES.to_string();
        let rows: Vec<BenchRow> = job.args(["--pictures", &images, "--where-it-fits", "--json"]).capture_json()?;
        let estimates = estimate::of_boards(workspace, slice::from_ref(&estimated), &work, IMAGES)?;
        let estimates: Vec<Estimate> =
            serde_json::from_str(&estimates).context("cannot parse the output of `estimate`")?;
        all.insert(model.id.clone(), Cost::of(&rows, &estimates, &firmware));
        // Written after each model, so that an interruption loses one measurement.
        write(&path, &all)?;
    }
    if !path.is_file() {
        write(&path, &all)?;
    }
    Ok(path)
}

impl Cost {
    fn of(rows: &[BenchRow], estimates: &[Estimate], firmware: &str) -> Self {
        let [m4, m3, m0, m55] = BOARDS.map(|board| rows.iter().find(|row| row.board == board));
        let rounded = |mean: f64| mean.round() as u64;
        let instructions = |row: Option<&BenchRow>| row.and_then(|row| row.instructions_mean).map(rounded);
        let class_only = |row: Option<&BenchRow>| row.and_then(BenchRow::without_softmax).map(rounded);
        Self {
            instructions_m4: instructions(m4),
            instructions_m4_max: m4.and_then(|row| row.instructions_max),
            instructions_m3: instructions(m3),
            instructions_m0: instructions(m0),
            instructions_m55: instructions(m55),
            cycles_m4: estimates.iter().find_map(|one| one.cycles_mean).map(rounded),
            ram_bytes: m4.map(|row| row.ram_network_bytes + row.ram_stack_bytes),
            class_only: ClassOnly {
                instructions_m4: class_only(m4),
                instructions_m3: class_only(m3),
                instructions_m0: class_only(m0),
                instructions_m55: class_only(m55),
            },
            firmware: firmware.to_owned(),
        }
    }
}

impl BenchRow {
    /// Returns the mean instructions for the class alone.
    fn without_softmax(&self) -> Option<f64> {
        let softmax = self.stages.iter().find(|stage| stage.stage == "softmax")?;
        Some(self.instructions_mean? - softmax.mean)
    }
}

/// Reads earlier measurements; a damaged file is ignored, since models can be measured again.
fn known(path: &Path) -> BTreeMap<String, Cost> {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn write(path: &Path, all: &BTreeMap<String, Cost>) -> Result<()> {
    Ok(files::write(path, &serde_json::to_vec_pretty(all)?)?)
}

/// Builds the boards' firmware; returns a checksum of its content in flash, and of the number of
/// images.
fn firmware(workspace: &Workspace) -> Result<String> {
    let crc = Crc::<u64>::new(&CRC_64_XZ);
    let mut digest = crc.digest();
    digest.update(&IMAGES.to_le_bytes());
    for name in BOARDS {
        image::build(workspace, &board::named(name)?)?.with_elf(|path, file| {
            for segment in file.segments() {
                let data = segment.data().with_context(|| format!("{} is damaged", path.display()))?;
                digest.update(&segment.address().to_le_bytes());
                digest.update(data);
            }
            Ok(())
        })?;
    }
    Ok(format!("{:016x}", digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_board_has_no_figures() {
        let text = r#"[{"board": "mps2-an386", "instructions_mean": 67857.6, "instructions_max": 70000,
            "stages": [{"stage": "gather", "mean": 3000.0}, {"stage": "softmax", "mean": 857.2}],
            "ram_network_bytes": 1776, "ram_stack_bytes": 900, "ram_bytes": 9999}]"#;
        let rows: Vec<BenchRow> = serde_json::from_str(text).unwrap();
        let measured = Cost::of(&rows, &[Estimate { cycles_mean: Some(92_467.6) }], "f");
        assert_eq!((measured.instructions_m4, measured.instructions_m0), (Some(67_858), None));
        assert_eq!((measured.instructions_m4_max, measured.instructions_m55), (Some(70_000), None));
        assert_eq!(measured.cycles_m4, Some(92_468));
        assert_eq!((measured.class_only.instructions_m4, measured.class_only.instructions_m0), (Some(67_000), None));
        assert_eq!(measured.ram_bytes, Some(2676));
        assert_eq!(Cost::of(&[], &[], "f").ram_bytes, None);
        let text =
            r#"[{"board": "mps2-an386", "instructions_mean": 1.0, "ram_network_bytes": 1, "ram_stack_bytes": 1}]"#;
        let without_stages: Vec<BenchRow> = serde_json::from_str(text).unwrap();
        assert_eq!(Cost::of(&without_stages, &[], "f").class_only, ClassOnly::default());
    }

    #[test]
    fn measurements_are_kept_and_a_damaged_file_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("measured.json");
        assert!(known(&path).is_empty());
        let all = BTreeMap::from([("0123abcd".to_owned(), Cost::of(&[], &[], "f"))]);
        write(&path, &all).unwrap();
        assert_eq!(known(&path), all);
        fs::write(&path, "{").unwrap();
        assert!(known(&path).is_empty());
    }
}
