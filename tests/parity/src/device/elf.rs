//! A program's ELF, and the model region in it.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use boards::Board;
use object::{Architecture, Object as _, ObjectSymbol as _};

use super::{DeviceError, Lab};

/// The symbol of RTT's control block.
const CONTROL_BLOCK: &str = "_SEGGER_RTT";

/// A program, and the place of its model.
pub(super) struct Program {
    pub path: PathBuf,
    pub elf: Vec<u8>,
    /// The start of its model region. `None` if the model is a part of the program.
    pub model_address: Option<u64>,
}

impl Program {
    /// Reads the ELF of program `name` of ours.
    pub fn load(device: &'static str, name: &str, lab: &Lab, model: &[u8]) -> Result<Self, DeviceError> {
        Self::read(device, &elf_path(lab, name), model)
    }

    /// Reads an ELF. Fails if `model` does not fit its model region.
    pub fn read(device: &'static str, path: &Path, model: &[u8]) -> Result<Self, DeviceError> {
        let (elf, region) = read(path).map_err(|error| not_started(device, &error))?;
        let Some(region) = region else { return Ok(Self { path: path.into(), elf, model_address: None }) };
        let capacity = region.end.saturating_sub(region.start);
        if model.len() as u64 > capacity {
            return Err(DeviceError::ModelTooLarge { device, found: model.len(), capacity });
        }
        Ok(Self { path: path.into(), elf, model_address: Some(region.start) })
    }

    /// Checks that the program is compiled for `expected`, the architecture of `machine`.
    pub fn check_architecture(&self, expected: Architecture, machine: &str) -> anyhow::Result<()> {
        let found = object::File::parse(&*self.elf).context("not an ELF")?.architecture();
        let path = self.path.display();
        ensure!(found == expected, "{path} is built for {found:?}, expected {expected:?} for {machine}");
        Ok(())
    }

    /// Returns the address of RTT's control block.
    pub fn control_block(&self) -> anyhow::Result<u64> {
        symbol(&self.elf, CONTROL_BLOCK).with_context(|| {
            format!("{} does not contain RTT; add `prenda_serve::rtt_link!()` to it", self.path.display())
        })
    }
}

/// Returns the architecture of a board.
pub(super) fn architecture_of(board: &Board) -> Architecture {
    if board.triple.starts_with("riscv32") { Architecture::Riscv32 } else { Architecture::Arm }
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

/// Reads an ELF; returns it and the addresses of its model region, if it has one as in a board's
/// `memory.x`.
fn read(path: &Path) -> anyhow::Result<(Vec<u8>, Option<Range<u64>>)> {
    let elf = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let region = {
        let file = object::File::parse(&*elf).with_context(|| format!("{} is not an ELF", path.display()))?;
        let address = |name| file.symbol_by_name(name).map(|symbol| symbol.address());
        address("_model_start").zip(address("_model_end")).map(|(start, end)| start..end)
    };
    Ok((elf, region))
}

/// Returns the address of a symbol.
fn symbol(elf: &[u8], name: &str) -> anyhow::Result<u64> {
    let elf = object::File::parse(elf).context("not an ELF")?;
    elf.symbol_by_name(name).map(|symbol| symbol.address()).with_context(|| format!("no symbol {name}"))
}
