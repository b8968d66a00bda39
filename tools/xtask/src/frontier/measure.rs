//! What models take on devices, each measured once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use crc::{CRC_64_XZ, Crc};
use object::{Object as _, ObjectSegment as _};
use serde::{Deserialize, Serialize};

use super::Model;
use crate::output::tell;
use crate::workspace::{Workspace, shown};
use crate::{board, image, trainer};

/// A Cortex-M4 and a Cortex-M0.
const BOARDS: [&str; 2] = ["mps2-an386", "microbit"];

/// The first so many test pictures.
const IMAGES: &str = "128";

/// What devices take for a model; nothing where it does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Measured {
    instructions_m4: Option<u64>,
    instructions_m0: Option<u64>,
    /// What inference writes for this network, and the deepest stack, on the Cortex-M4.
    ram_bytes: Option<u64>,
    /// Of the firmware that was measured with.
    firmware: String,
}

/// A board as `bench measure --json` has it.
#[derive(Deserialize)]
struct Row {
    board: String,
    instructions_mean: Option<f64>,
    ram_network_bytes: u64,
    ram_stack_bytes: u64,
}

/// Measures those of `models` that have not been measured with today's firmware, and returns the
/// file of all figures, by model.
///
/// # Errors
/// When a build or a measurement fails.
pub fn command(workspace: &Workspace, models: &[Model], data: Option<&Path>) -> Result<PathBuf> {
    let folder = workspace.folder("frontier")?;
    let path = folder.join("measured.json");
    let firmware = firmware(workspace)?;
    let mut all = known(&path);
    let is_known = |all: &BTreeMap<String, Measured>, id: &str| all.get(id).is_some_and(|one| one.firmware == firmware);
    let missing: Vec<&Model> = models.iter().filter(|model| !is_known(&all, &model.id)).collect();
    for (index, model) in missing.iter().enumerate() {
        tell(format_args!("[{}/{}] measuring {}", index + 1, missing.len(), shown(&model.path)));
        let answers = folder.join("answers.bin");
        trainer::evaluate(workspace, &model.path, &answers, data)?;
        let job = workspace.job("bench").arg("measure").args(BOARDS).arg("--model").arg(&model.path);
        let job = job.arg("--answers").arg(&answers).arg("--firmware").arg(workspace.folder("firmware")?);
        let text = job.args(["--pictures", IMAGES, "--where-it-fits", "--json"]).capture()?;
        let rows: Vec<Row> = serde_json::from_str(&text).context("cannot understand what `bench measure` printed")?;
        all.insert(model.id.clone(), Measured::of(&rows, &firmware));
        // After each, so that what was measured is kept whatever ends the next.
        write(&path, &all)?;
    }
    if !path.is_file() {
        write(&path, &all)?;
    }
    Ok(path)
}

impl Measured {
    fn of(rows: &[Row], firmware: &str) -> Self {
        let [m4, m0] = BOARDS.map(|board| rows.iter().find(|row| row.board == board));
        let instructions =
            |row: Option<&Row>| row.and_then(|row| row.instructions_mean).map(|mean| mean.round() as u64);
        Self {
            instructions_m4: instructions(m4),
            instructions_m0: instructions(m0),
            ram_bytes: m4.map(|row| row.ram_network_bytes + row.ram_stack_bytes),
            firmware: firmware.to_owned(),
        }
    }
}

/// What was measured before; nothing of a file that is damaged, since it can be measured again.
fn known(path: &Path) -> BTreeMap<String, Measured> {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn write(path: &Path, all: &BTreeMap<String, Measured>) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec_pretty(all)?).with_context(|| format!("cannot write {}", shown(&new)))?;
    fs::rename(&new, path).with_context(|| format!("cannot write {}", shown(path)))
}

/// Builds the boards' firmware, and returns what tells its bytes in flash from others.
fn firmware(workspace: &Workspace) -> Result<String> {
    let crc = Crc::<u64>::new(&CRC_64_XZ);
    let mut digest = crc.digest();
    for name in BOARDS {
        let firmware = image::build(workspace, &board::named(name)?)?;
        let elf = firmware.elf()?;
        let bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
        let file = object::File::parse(bytes.as_slice()).with_context(|| format!("{} is no ELF", elf.display()))?;
        for segment in file.segments() {
            let data = segment.data().with_context(|| format!("{} is damaged", elf.display()))?;
            digest.update(&segment.address().to_le_bytes());
            digest.update(data);
        }
    }
    Ok(format!("{:016x}", digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_that_is_left_out_has_no_figures() {
        let text = r#"[{"board": "mps2-an386", "instructions_mean": 67857.6, "ram_network_bytes": 1776,
            "ram_stack_bytes": 900, "ram_bytes": 9999}]"#;
        let rows: Vec<Row> = serde_json::from_str(text).unwrap();
        let measured = Measured::of(&rows, "f");
        assert_eq!((measured.instructions_m4, measured.instructions_m0), (Some(67_858), None));
        assert_eq!(measured.ram_bytes, Some(2676));
        assert_eq!(Measured::of(&[], "f").ram_bytes, None);
    }

    #[test]
    fn what_was_measured_comes_back_and_a_damaged_file_is_nothing() {
        let folder = std::env::temp_dir().join(format!("xtask-frontier-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("measured.json");
        assert!(known(&path).is_empty());
        let all = BTreeMap::from([("0123abcd".to_owned(), Measured::of(&[], "f"))]);
        write(&path, &all).unwrap();
        assert_eq!(known(&path), all);
        fs::write(&path, "{").unwrap();
        assert!(known(&path).is_empty());
        fs::remove_dir_all(&folder).unwrap();
    }
}
