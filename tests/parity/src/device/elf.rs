//! A board's ELF, and the model region in it.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use boards::Board;
use object::{Object as _, ObjectSymbol as _};

use super::{DeviceError, Lab};

/// A board's program with room for a model.
pub(super) struct Program {
    pub path: PathBuf,
    pub elf: Vec<u8>,
    pub model_address: u64,
}

impl Program {
    /// Reads the ELF of program `name`. Fails if `model` does not fit its model region.
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

/// Checks that the firmware of `board` is built.
pub(super) fn check_firmware(device: &'static str, board: &Board, lab: &Lab) -> Result<(), DeviceError> {
    let elf = elf_path(lab, &board.name);
    if elf.is_file() {
        return Ok(());
    }
    let reason = format!("cannot find {}; build it with `cargo xtask firmware {}`", elf.display(), board.name);
    Err(DeviceError::Absent { device, reason })
}

pub(super) fn not_started(device: &'static str, error: &anyhow::Error) -> DeviceError {
    DeviceError::NotStarted { device, reason: host_support::errors::chain(error.as_ref()) }
}

fn elf_path(lab: &Lab, program: &str) -> PathBuf {
    lab.firmware.join(format!("{program}.elf"))
}

/// Reads an ELF; returns it and the addresses of its model region, as in the board's `memory.x`.
fn read(path: &Path) -> anyhow::Result<(Vec<u8>, Range<u64>)> {
    let elf = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let address = |name| symbol(&elf, name).with_context(|| path.display().to_string());
    let region = address("_model_start")?..address("_model_end")?;
    Ok((elf, region))
}

/// Returns the address of a symbol.
pub(super) fn symbol(elf: &[u8], name: &str) -> anyhow::Result<u64> {
    let elf = object::File::parse(elf).context("not an ELF")?;
    elf.symbol_by_name(name).map(|symbol| symbol.address()).with_context(|| format!("no symbol {name}"))
}
