//! What a board's ELF tells of its memory.

use std::ops::Range;
use std::path::PathBuf;

use anyhow::Context as _;
use object::{Object as _, ObjectSymbol as _};

use super::Lab;

/// Where a program's ELF is.
pub(super) fn elf_path(lab: &Lab, program: &str) -> PathBuf {
    lab.firmware.join(format!("{program}.elf"))
}

/// The addresses of the model's flash region, as the board's `memory.x` lays it out.
pub(super) fn model_region(elf: &[u8]) -> anyhow::Result<Range<u64>> {
    Ok(symbol(elf, "_model_start")?..symbol(elf, "_model_end")?)
}

/// The address of a symbol.
pub(super) fn symbol(elf: &[u8], name: &str) -> anyhow::Result<u64> {
    let elf = object::File::parse(elf).context("not an ELF")?;
    elf.symbol_by_name(name).map(|symbol| symbol.address()).with_context(|| format!("no {name}"))
}
