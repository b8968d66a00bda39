//! A board's ELF: where it is, and what it tells of memory.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use boards::Board;
use object::{Object as _, ObjectSymbol as _};

use super::{DeviceError, Lab};

/// A program for a board, with room for the model that it is started with.
pub(super) struct Program {
    pub path: PathBuf,
    pub elf: Vec<u8>,
    /// Where the model goes.
    pub model_address: u64,
}

impl Program {
    /// Reads the ELF of program `name` for `device`, in whose model region `model` has to fit.
    pub fn load(device: &'static str, name: &str, lab: &Lab, model: &[u8]) -> Result<Self, DeviceError> {
        let path = elf_path(lab, name);
        let (elf, region) = read(&path).map_err(|error| not_started(device, &error))?;
        let capacity = region.end - region.start;
        if model.len() as u64 > capacity {
            return Err(DeviceError::ModelTooLarge { device, found: model.len(), capacity });
        }
        Ok(Self { path, elf, model_address: region.start })
    }
}

/// That the firmware of `board`, which is `device`, is there.
pub(super) fn verify_there(device: &'static str, board: &Board, lab: &Lab) -> Result<(), DeviceError> {
    let elf = elf_path(lab, &board.name);
    if elf.is_file() {
        return Ok(());
    }
    let reason = format!("no firmware at {}: `cargo xtask firmware {}` builds it", elf.display(), board.name);
    Err(DeviceError::Absent { device, reason })
}

/// Why `device` did not start.
pub(super) fn not_started(device: &'static str, error: &anyhow::Error) -> DeviceError {
    DeviceError::NotStarted { device, reason: format!("{error:#}") }
}

fn elf_path(lab: &Lab, program: &str) -> PathBuf {
    lab.firmware.join(format!("{program}.elf"))
}

/// An ELF, and the addresses of its model's flash region, as the board's `memory.x` lays it out.
fn read(path: &Path) -> anyhow::Result<(Vec<u8>, Range<u64>)> {
    let elf = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let address = |name| symbol(&elf, name).with_context(|| path.display().to_string());
    let region = address("_model_start")?..address("_model_end")?;
    Ok((elf, region))
}

/// The address of a symbol.
pub(super) fn symbol(elf: &[u8], name: &str) -> anyhow::Result<u64> {
    let elf = object::File::parse(elf).context("not an ELF")?;
    elf.symbol_by_name(name).map(|symbol| symbol.address()).with_context(|| format!("no {name}"))
}
