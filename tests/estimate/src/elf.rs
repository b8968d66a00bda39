//! A program's ELF: symbols, code, the core that it is for.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use object::{Architecture, Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _};

use crate::decode::Set;

/// Most bytes of an ELF.
const MAX_BYTES: u64 = 256 << 20;

/// Most names that are proposed for a symbol that is not there.
const MAX_PROPOSALS: usize = 5;

/// A program.
#[derive(Debug)]
pub struct Program {
    pub path: PathBuf,
    pub set: Set,
    /// The version of the Arm architecture, as in `Tag_CPU_arch`.
    pub arm: Option<u8>,
    /// Symbols: name, address, and true if it is a function.
    symbols: Vec<(String, u32, bool)>,
    /// Code and data: address and bytes.
    parts: Vec<(u32, Vec<u8>)>,
    /// Addresses below are flash.
    pub flash_end: u32,
    /// The address that the first part is loaded to.
    pub first_address: u32,
}

impl Program {
    /// Reads an ELF.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be read, or is not for Arm or RISC-V with 32 bits.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes =
            host_support::bounded::read(path, MAX_BYTES).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(path, &bytes).with_context(|| format!("cannot use {}", path.display()))
    }

    fn parse(path: &Path, bytes: &[u8]) -> anyhow::Result<Self> {
        let file = object::File::parse(bytes).context("it is not an ELF")?;
        let set = match file.architecture() {
            Architecture::Arm => Set::Thumb,
            Architecture::Riscv32 => Set::Riscv,
            other => bail!("found code for {other:?}, expected Arm or Riscv32"),
        };
        ensure!(file.is_little_endian(), "found big-endian code, expected little-endian");
        let symbol = |symbol: object::Symbol<'_, '_>| {
            let name = symbol.name().ok().filter(|name| !name.is_empty() && !name.starts_with('$'))?;
            let address = u32::try_from(symbol.address()).ok()?;
            let is_function = symbol.kind() == object::SymbolKind::Text;
            symbol.is_definition().then(|| (name.to_owned(), address, is_function))
        };
        let symbols = file.symbols().filter_map(symbol).collect();
        let part = |address: u64, data: &[u8]| Some((u32::try_from(address).ok()?, data.to_vec()));
        let sections = file.sections().filter(|section| section.address() != 0 || section.size() != 0);
        let sections = sections.filter_map(|section| part(section.address(), section.data().ok()?));
        let segments = file.segments().filter_map(|segment| part(segment.address(), segment.data().ok()?));
        let parts: Vec<_> = segments.chain(sections).filter(|(_, data)| !data.is_empty()).collect();
        let first_address = file.segments().map(|segment| segment.address()).min().unwrap_or(0);
        let first_address = u32::try_from(first_address).context("the program is not in the first 4 GB")?;
        let flash_end = match set {
            // Code below, RAM above, in every Cortex-M.
            Set::Riscv => writable(&file).unwrap_or(u32::MAX),
            _ => 0x2000_0000,
        };
        let arm = attributes(&file);
        Ok(Self { path: path.to_owned(), set, arm, symbols, parts, flash_end, first_address })
    }

    /// Returns the four bytes at an address, zeros if they are not in the file.
    pub fn bytes_at(&self, address: u32) -> [u8; 4] {
        let within = |(start, data): &(u32, Vec<u8>)| {
            let offset = usize::try_from(address.checked_sub(*start)?).ok()?;
            let rest = data.get(offset..).filter(|rest| !rest.is_empty())?;
            Some(std::array::from_fn(|index| rest.get(index).copied().unwrap_or(0)))
        };
        self.parts.iter().find_map(within).unwrap_or_default()
    }

    /// Returns the first word of an Arm program: the stack pointer at the start.
    pub fn initial_stack(&self) -> u32 {
        u32::from_le_bytes(self.bytes_at(self.first_address))
    }

    /// Returns the address of a symbol, or the address itself if `text` is a number. The Thumb bit
    /// is cleared.
    ///
    /// # Errors
    ///
    /// Returns an error, with similar names, if the symbol does not exist, or exists at several
    /// addresses.
    pub fn address(&self, text: &str) -> anyhow::Result<u32> {
        let clear = |address: u32| if self.set == Set::Riscv { address } else { address & !1 };
        let matches = |name: &str| name == text || format!("{:#}", rustc_demangle::demangle(name)) == text;
        let found = self.symbols.iter().filter(|(name, ..)| matches(name));
        let mut found: Vec<u32> = found.map(|(_, address, _)| clear(*address)).collect();
        found.sort_unstable();
        found.dedup();
        match (found.as_slice(), number(text)) {
            ([address], _) => Ok(*address),
            ([], Some(address)) => Ok(clear(address)),
            ([], None) => {
                let similar = self.similar(text);
                bail!("{}: no symbol {text:?}{similar}; an address is written 0x1234", self.path.display())
            }
            (several, _) => {
                let several: Vec<_> = several.iter().map(|address| format!("{address:#x}")).collect();
                bail!(
                    "{}: {} symbols are called {text:?}; name one by its address: {}",
                    self.path.display(),
                    several.len(),
                    several.join(", ")
                )
            }
        }
    }

    fn similar(&self, text: &str) -> String {
        let wanted = text.to_lowercase();
        let names = self.symbols.iter().map(|(name, ..)| format!("{:#}", rustc_demangle::demangle(name)));
        let names = names.filter(|name| name.to_lowercase().contains(&wanted));
        let names: Vec<_> = names.take(MAX_PROPOSALS).collect();
        if names.is_empty() { String::new() } else { format!("; similar: {}", names.join(", ")) }
    }

    /// Returns the address of the only function whose name, without hashes, is accepted.
    pub fn function(&self, accepts: impl Fn(&str) -> bool) -> Option<u32> {
        let named = |(name, address, is_function): &(String, u32, bool)| {
            let accepted = *is_function && accepts(&format!("{:#}", rustc_demangle::demangle(name)));
            accepted.then_some(*address & !1)
        };
        let mut found: Vec<u32> = self.symbols.iter().filter_map(named).collect();
        found.sort_unstable();
        found.dedup();
        <[u32; 1]>::try_from(found).ok().map(|[address]| address)
    }
}

/// Parses `0x1234` or decimal digits.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Returns the first address of writable data.
fn writable(file: &object::File<'_>) -> Option<u32> {
    let is_writable = |section: &object::Section<'_, '_>| match section.flags() {
        object::SectionFlags::Elf { sh_flags, .. } => {
            let allocated = object::elf::SHF_WRITE | object::elf::SHF_ALLOC;
            sh_flags & allocated == allocated && section.size() > 0
        }
        _ => false,
    };
    file.sections().filter(is_writable).filter_map(|section| u32::try_from(section.address()).ok()).min()
}

/// Returns `Tag_CPU_arch` of `.ARM.attributes`.
fn attributes(file: &object::File<'_>) -> Option<u8> {
    let section = file.section_by_name(".ARM.attributes")?;
    let data = section.data().ok()?;
    // Version "A", length, "aeabi", tag 1 (the file), length, then pairs.
    let start = data.windows(6).position(|window| window == b"aeabi\0")? + 6;
    let mut rest = data.get(start + 5..)?;
    loop {
        let (tag, after) = variable(rest)?;
        // Strings: CPU_raw_name, CPU_name, compatibility, also_compatible_with, conformance.
        if matches!(tag, 4 | 5 | 65 | 67) || tag == 32 {
            let after = if tag == 32 { variable(after)?.1 } else { after };
            rest = after.get(after.iter().position(|byte| *byte == 0)? + 1..)?;
            continue;
        }
        let (value, after) = variable(after)?;
        if tag == 6 {
            return u8::try_from(value).ok();
        }
        rest = after;
    }
}

/// Reads a number in ULEB128.
fn variable(data: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in data.iter().enumerate().take(9) {
        value |= u64::from(byte & 127) << (7 * index);
        if byte & 128 == 0 {
            return Some((value, &data[index + 1..]));
        }
    }
    None
}
