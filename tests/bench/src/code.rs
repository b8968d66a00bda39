//! Attributes each byte of a program to a group, such as kernels or link. An instruction belongs to
//! the functions inlined at its address.

use std::collections::BTreeMap;
use std::path::Path;

use addr2line::Loader;
use anyhow::{Context as _, anyhow};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind, SymbolKind};
use serde::{Deserialize, Serialize};

/// Bytes with one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub bytes: u64,
}

/// A function as the linker sees it, with everything inlined into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub bytes: u64,
}

/// A program's bytes by group and by function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Those of [`INFERENCE`] first.
    pub groups: Vec<Group>,
    /// Longest first.
    pub functions: Vec<Function>,
    /// The compiler's name and version, from the ELF.
    pub compiler: String,
}

/// Groups of inference, compared with other engines' code. Helpers are the compiler's divisions and
/// copies, for any caller.
pub const INFERENCE: [&str; 5] = ["kernels", "softmax", "requantization", "blob parser", "helpers"];

/// The other groups. The last one is everything without an owner: drivers, logs, startup.
const OTHERS: [&str; 4] = ["link", "server", "counting", "other"];

/// The group of a function, by the first matching prefix of its path. A function without a match,
/// such as all of `core`, belongs to its caller's group.
const OWNERS: [(&str, &str); 14] = [
    ("prenda_core::kernel::softmax", "softmax"),
    ("prenda_core::kernel::argmax", "softmax"),
    ("prenda_core::kernel", "kernels"),
    ("prenda_core::infer", "kernels"),
    ("prenda_core::fixed", "requantization"),
    ("prenda_core::weights", "kernels"),
    ("prenda_core::model", "blob parser"),
    ("prenda_core::checksum", "blob parser"),
    ("prenda_core::link", "link"),
    ("prenda_core::classifier", "server"),
    ("prenda_serve::serve", "server"),
    ("prenda_serve::load", "server"),
    ("prenda_serve::measure", "counting"),
    ("compiler_builtins", "helpers"),
];

/// Groups of library functions that no function of [`OWNERS`] calls.
const LIBRARIES: [(&str, &str); 4] =
    [("postcard", "link"), ("serde", "link"), ("__aeabi_", "helpers"), ("mem", "helpers")];

impl Code {
    /// Groups the code and constants of the ELF at `path`, `flash_bytes` in total.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be read.
    pub fn from_elf(path: &Path, flash_bytes: u64) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let elf = object::File::parse(&*bytes).with_context(|| format!("{} is not an ELF", path.display()))?;
        let loader = Loader::new(path).map_err(|error| anyhow!("cannot read {}: {error}", path.display()))?;
        let mut owned: BTreeMap<&str, u64> = BTreeMap::new();
        let mut functions = BTreeMap::new();
        for symbol in elf.symbols().filter(|symbol| symbol.size() > 0) {
            let name = path_of(symbol.name().unwrap_or_default());
            // The lowest bit of an address marks Thumb code, which is at even addresses.
            let start = symbol.address() & !1;
            match symbol.kind() {
                // A function with several names counts once.
                SymbolKind::Text if functions.contains_key(&start) => {}
                SymbolKind::Text => {
                    // Instructions are at least two bytes long.
                    for address in (start..start + symbol.size()).step_by(2) {
                        *owned.entry(owner(&loader, address, &name)).or_default() += 2;
                    }
                    functions.insert(start, Function { name, bytes: symbol.size() });
                }
                SymbolKind::Data if is_constant(&elf, &symbol) => {
                    *owned.entry(owner_of_path(&name).unwrap_or("other")).or_default() += symbol.size();
                }
                _ => {}
            }
        }
        let named: u64 = owned.iter().filter(|(name, _)| **name != "other").map(|(_, bytes)| bytes).sum();
        owned.insert("other", flash_bytes.saturating_sub(named));
        let group = |name: &&str| Group { name: (*name).to_owned(), bytes: owned.get(name).copied().unwrap_or(0) };
        let groups = INFERENCE.iter().chain(&OTHERS).map(group).collect();
        let mut functions: Vec<_> = functions.into_values().collect();
        functions.sort_by(|left, right| right.bytes.cmp(&left.bytes).then_with(|| left.name.cmp(&right.name)));
        Ok(Self { groups, functions, compiler: compiler(&elf) })
    }

    /// Returns the bytes of the groups of [`INFERENCE`].
    pub fn inference_bytes(&self) -> u64 {
        let is_inference = |group: &&Group| INFERENCE.contains(&group.name.as_str());
        self.groups.iter().filter(is_inference).map(|group| group.bytes).sum()
    }
}

/// Returns the compiler's name and version: the first of the ELF's comments.
pub fn compiler(elf: &object::File<'_>) -> String {
    let comment = elf.section_by_name(".comment").and_then(|section| section.data().ok()).unwrap_or_default();
    let first = comment.split(|byte| *byte == 0).find(|text| !text.is_empty()).unwrap_or(b"unknown");
    String::from_utf8_lossy(first).into_owned()
}

/// Returns true if a symbol names a constant, which is only in flash.
fn is_constant(elf: &object::File<'_>, symbol: &object::Symbol<'_, '_>) -> bool {
    let section = symbol.section_index().and_then(|index| elf.section_by_index(index).ok());
    // A linker keeps strings and other constants in one section.
    section.is_some_and(|section| matches!(section.kind(), SectionKind::ReadOnlyData | SectionKind::ReadOnlyString))
}

/// Returns the group of the instruction at `address` in the function `outermost`: that of the
/// innermost inlined function with an owner.
fn owner(loader: &Loader, address: u64, outermost: &str) -> &'static str {
    let mut last = None;
    if let Ok(mut frames) = loader.find_frames(address) {
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.map(|function| path_of(&function.raw_name().unwrap_or_default()));
            if let Some(owner) = name.as_deref().and_then(owner_of_path) {
                return owner;
            }
            last = name;
        }
    }
    let library = |name: &str| LIBRARIES.iter().find(|(start, _)| name.starts_with(start)).map(|(_, owner)| *owner);
    owner_of_path(outermost)
        .or_else(|| library(outermost))
        .or_else(|| last.as_deref().and_then(library))
        .unwrap_or("other")
}

fn owner_of_path(path: &str) -> Option<&'static str> {
    // Implementations of serde's traits are the link's code, those of defmt's traits are logs.
    if path.contains("serde_core::") {
        return Some("link");
    }
    if path.contains(" as defmt::") {
        return Some("other");
    }
    OWNERS.iter().find(|(start, _)| path.starts_with(start)).map(|(_, owner)| *owner)
}

/// Returns a function's path without its hash and leading bracket, so that it begins with its
/// module: `<a::B<C> as d::E>::f` becomes `a::B<C> as d::E>::f`.
pub fn path_of(symbol: &str) -> String {
    let path = format!("{:#}", rustc_demangle::demangle(symbol));
    let path = path.trim_start_matches(['<', '&']);
    path.strip_prefix("mut ").unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_prefix_names_the_owner() {
        assert_eq!(owner_of_path("prenda_core::kernel::softmax::exp"), Some("softmax"));
        assert_eq!(owner_of_path("prenda_core::kernel::dense::dense"), Some("kernels"));
        assert_eq!(owner_of_path("prenda_core::bytes::i32_at"), None, "belongs to its caller");
        let [encoded, logged] = ["serde_core::ser::Serialize", "defmt::traits::Format"]
            .map(|of| owner_of_path(&format!("prenda_core::model::error::BlobError as {of}>::f")));
        assert_eq!((encoded, logged), (Some("link"), Some("other")));
        assert_eq!(
            owner_of_path(&path_of("_ZN11prenda_core5infer22Workspace$LT$_$C$_$GT$10infer_with17h0123456789abcdefE")),
            Some("kernels")
        );
    }
}
