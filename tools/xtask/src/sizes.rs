//! The memory that a firmware takes, read from its ELF file.

use std::path::Path;

use anyhow::{Context, Result};
use object::elf::{SHF_ALLOC, SHF_WRITE, SHT_NOBITS};
use object::{Object, ObjectSection, SectionFlags};

/// Bytes of flash and of static RAM. The stack, a section only with riscv-rt, is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Code, constants and the initial values of variables.
    pub flash: u64,
    /// Variables, initialized or zeroed.
    pub ram: u64,
}

#[derive(Clone, Copy, Debug)]
struct Section {
    size: u64,
    allocated: bool,
    writable: bool,
    in_file: bool,
}

impl Sizes {
    pub fn of_elf(path: &Path) -> Result<Self> {
        with_elf(path, |file| Ok(Self::of_file(file)))
    }

    fn of_file(file: &object::File<'_>) -> Self {
        let sections = file.sections().filter(|section| section.name() != Ok(".stack"));
        Self::of(sections.map(|section| {
            let (flags, kind) = match section.flags() {
                SectionFlags::Elf { sh_flags, sh_type } => (sh_flags, sh_type),
                _ => Default::default(),
            };
            Section {
                size: section.size(),
                allocated: flags.contains(SHF_ALLOC),
                writable: flags.contains(SHF_WRITE),
                in_file: kind != SHT_NOBITS,
            }
        }))
    }

    fn of(sections: impl Iterator<Item = Section>) -> Self {
        sections.filter(|section| section.allocated).fold(Self::default(), |sizes, section| Self {
            flash: sizes.flash + if section.in_file { section.size } else { 0 },
            ram: sizes.ram + if section.writable { section.size } else { 0 },
        })
    }
}

/// Calls `look` with the parsed ELF file at `path`.
pub fn with_elf<T>(path: &Path, look: impl FnOnce(&object::File<'_>) -> Result<T>) -> Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = object::File::parse(bytes.as_slice());
    look(&file.with_context(|| format!("{} is not an ELF file", path.display()))?)
}

pub fn bytes(count: u64) -> String {
    if count < 1024 { format!("{count} B") } else { format!("{count} B ({:.1} KiB)", count as f64 / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn section(size: u64, allocated: bool, writable: bool, in_file: bool) -> Section {
        Section { size, allocated, writable, in_file }
    }

    #[test]
    fn each_section_counts_in_the_memory_it_takes() {
        let sections = [
            section(1000, true, false, true),   // .text: flash
            section(100, true, false, true),    // .rodata: flash
            section(20, true, true, true),      // .data: initial values in flash, itself in RAM
            section(3, true, true, false),      // .bss: RAM
            section(4000, true, false, false),  // reserved flash that is not loaded
            section(50000, false, false, true), // .debug_info, .defmt: in the file only
        ];
        assert_eq!(Sizes::of(sections.into_iter()), Sizes { flash: 1120, ram: 23 });
    }

    #[test]
    fn our_own_program_is_not_mistaken_for_an_empty_one() {
        if cfg!(target_os = "linux") {
            let sizes = Sizes::of_elf(&std::env::current_exe().unwrap()).unwrap();
            assert!(sizes.flash > 100_000 && sizes.ram > 0, "{sizes:?}");
        }
    }

    #[test]
    fn bytes_are_exact_and_readable() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(104_858), "104858 B (102.4 KiB)");
    }
}
