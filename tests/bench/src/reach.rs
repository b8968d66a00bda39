//! The code that one function needs: everything its program's relocations lead to from there.
//!
//! The program is linked with `--emit-relocs`, so that each call and each address in code or
//! constants has a relocation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use object::elf::{R_ARM_ABS32, R_ARM_THM_MOVT_ABS, R_ARM_THM_MOVW_ABS_NC};
use object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags, RelocationTarget, SectionKind, SymbolKind,
};

use super::code::{compiler, path_of};

/// The flash that a function needs, with everything it reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Code and constants, without the model.
    pub bytes: u64,
    /// Those of them that are the compiler's helpers, such as `memcpy`.
    pub helper_bytes: u64,
    /// The compiler's name and version, from the ELF.
    pub compiler: String,
}

/// A function or a constant of a program.
struct Part {
    name: String,
    bytes: u64,
    /// False for variables.
    is_in_flash: bool,
}

/// The parts of a program by address, and the addresses that each refers to.
struct Program {
    parts: BTreeMap<u64, Part>,
    targets: BTreeMap<u64, BTreeSet<u64>>,
}

impl Reach {
    /// Returns the flash that the function whose path ends with `root` needs, in the ELF at `path`.
    /// `is_model` names the constants that are not counted.
    ///
    /// # Errors
    ///
    /// Returns an error if the ELF cannot be read, lacks relocations, or has one that is not known,
    /// or if there is not exactly one such function.
    pub fn from_elf(path: &Path, root: &str, is_model: impl Fn(&str) -> bool) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let elf = object::File::parse(&*bytes).with_context(|| format!("{} is not an ELF", path.display()))?;
        let program = Program::of(&elf).with_context(|| path.display().to_string())?;
        ensure!(
            !program.targets.is_empty(),
            "{} has no relocations; link it with `-C link-arg=--emit-relocs`",
            path.display()
        );
        let roots: Vec<u64> =
            program.parts.iter().filter(|(_, part)| part.name.ends_with(root)).map(|(at, _)| *at).collect();
        let [root] = *roots else {
            bail!("{}: expected one function `{root}` in the program, found {}", path.display(), roots.len());
        };
        let mut reach = Self { compiler: compiler(&elf), ..Self::default() };
        for part in program.reached(root) {
            if part.is_in_flash && !is_model(&part.name) {
                reach.bytes += part.bytes;
                reach.helper_bytes += if is_helper(&part.name) { part.bytes } else { 0 };
            }
        }
        Ok(reach)
    }
}

/// Returns true for the compiler's divisions and copies.
fn is_helper(name: &str) -> bool {
    ["compiler_builtins", "__aeabi_", "mem"].iter().any(|start| name.starts_with(start))
}

impl Program {
    fn of(elf: &object::File<'_>) -> anyhow::Result<Self> {
        let mut program = Self { parts: BTreeMap::new(), targets: BTreeMap::new() };
        for symbol in elf.symbols().filter(|symbol| symbol.size() > 0) {
            let section = symbol.section_index().and_then(|index| elf.section_by_index(index).ok());
            let Some(kind) = section.map(|section| section.kind()) else { continue };
            let name = path_of(symbol.name().unwrap_or_default());
            let is_in_flash = !matches!(kind, SectionKind::Data | SectionKind::UninitializedData);
            let start = match symbol.kind() {
                // The lowest bit of an address marks Thumb code.
                SymbolKind::Text => symbol.address() & !1,
                SymbolKind::Data => symbol.address(),
                _ => continue,
            };
            // A function with several names counts once.
            program.parts.entry(start).or_insert(Part { name, bytes: symbol.size(), is_in_flash });
        }
        let is_loaded = |kind| matches!(kind, SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::Data);
        for section in elf.sections().filter(|section| is_loaded(section.kind())) {
            program.add_targets(elf, &section)?;
        }
        Ok(program)
    }

    /// Adds what the relocations of `section` lead to.
    fn add_targets(&mut self, elf: &object::File<'_>, section: &object::Section<'_, '_>) -> anyhow::Result<()> {
        let data = section.data()?;
        // The lower halves of addresses, by register: another instruction loads the upper half.
        let mut lower = [0; 16];
        for (place, relocation) in section.relocations() {
            let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
            let RelocationTarget::Symbol(symbol) = relocation.target() else { continue };
            let symbol = elf.symbol_by_index(symbol)?;
            let start = usize::try_from(place.saturating_sub(section.address()))?;
            let word = data.get(start..).and_then(|data| data.first_chunk().copied()).unwrap_or_default();
            let target = match r_type {
                _ if symbol.kind() != SymbolKind::Section => symbol.address(),
                // The address of a constant without a name is only in the code.
                R_ARM_ABS32 => u32::from_le_bytes(word).into(),
                R_ARM_THM_MOVW_ABS_NC => {
                    let (register, half) = immediate(word);
                    lower[register] = half;
                    continue;
                }
                R_ARM_THM_MOVT_ABS => {
                    let (register, half) = immediate(word);
                    (half << 16 | lower[register]).into()
                }
                other => bail!("the relocation at {place:#x} has type {other}, which is not supported"),
            };
            if let Some(from) = self.part_at(place) {
                self.targets.entry(from).or_default().insert(target);
            }
        }
        Ok(())
    }

    /// Returns the start of the part that contains `address`, whose lowest bit may mark Thumb code.
    fn part_at(&self, address: u64) -> Option<u64> {
        let (start, part) = self.parts.range(..=address).next_back()?;
        (address < start + part.bytes).then_some(*start)
    }

    /// Returns `root` and all parts that it leads to.
    fn reached(&self, root: u64) -> impl Iterator<Item = &Part> {
        let (mut reached, mut next) = (BTreeSet::new(), vec![root]);
        while let Some(start) = next.pop() {
            if reached.insert(start) {
                let targets = self.targets.get(&start).into_iter().flatten();
                next.extend(targets.filter_map(|target| self.part_at(*target)));
            }
        }
        reached.into_iter().filter_map(|start| self.parts.get(&start))
    }
}

/// Returns the register and the immediate of `movw` or `movt`.
fn immediate(word: [u8; 4]) -> (usize, u32) {
    let [first, second] = [[word[0], word[1]], [word[2], word[3]]].map(|half| u32::from(u16::from_le_bytes(half)));
    let half = (first & 0xF) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF;
    ((second >> 8 & 0xF) as usize, half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_addresses_are_decoded() {
        // movw r6, #51347 and movt r6, #11
        assert_eq!(immediate([0x4c, 0xf6, 0x93, 0x06]), (6, 51_347));
        assert_eq!(immediate([0xc0, 0xf2, 0x0b, 0x06]), (6, 11));
    }

    #[test]
    fn only_what_is_reached_counts() {
        let part = |name: &str, bytes| Part { name: name.into(), bytes, is_in_flash: true };
        let parts = BTreeMap::from([(0, part("a", 4)), (4, part("b", 4)), (8, part("c", 4)), (20, part("d", 4))]);
        // `a` refers to the middle of `c`, which calls itself and `a`; `b` refers to `d`.
        let targets =
            BTreeMap::from([(0, BTreeSet::from([10])), (8, BTreeSet::from([0, 8, 16])), (4, BTreeSet::from([20]))]);
        let program = Program { parts, targets };
        let names: Vec<_> = program.reached(0).map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
    }
}
