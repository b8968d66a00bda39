//! Whose a program's bytes are: each instruction's, by the functions that were inlined into one
//! another there.

use std::collections::BTreeMap;
use std::path::Path;

use addr2line::Loader;
use anyhow::{Context as _, anyhow};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind, SymbolKind};
use serde::{Deserialize, Serialize};

/// Bytes that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What they do.
    pub name: String,
    /// How many there are.
    pub bytes: u64,
}

/// A function as the linker sees it, with all that was inlined into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its path.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// What a program's bytes are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Those of [`INFERENCE`] first, then the others.
    pub groups: Vec<Group>,
    /// The longest first.
    pub functions: Vec<Function>,
    /// What compiled it, as it says itself.
    pub compiler: String,
}

/// What inference takes, which is compared with others' code. Helpers are what the compiler adds
/// for divisions and copies, whoever asks for them.
pub const INFERENCE: [&str; 5] = ["kernels", "softmax", "requantization", "blob parser", "helpers"];

/// The rest. The last one is all that belongs to nobody here: drivers, logs, the start.
const OTHERS: [&str; 4] = ["link", "server", "counting", "other"];

/// Whose a function is, by how its path begins; the first that fits. Those that are not named, such
/// as the tables' bytes and all of `core`, are their callers'.
const OWNERS: [(&str, &str); 13] = [
    ("shared_model::kernel::softmax", "softmax"),
    ("shared_model::kernel::argmax", "softmax"),
    ("shared_model::kernel", "kernels"),
    ("shared_model::infer", "kernels"),
    ("shared_model::fixed", "requantization"),
    ("shared_model::weights", "kernels"),
    ("shared_model::model", "blob parser"),
    ("shared_model::checksum", "blob parser"),
    ("shared_model::link", "link"),
    ("firmware::serve", "server"),
    ("firmware::model", "server"),
    ("firmware::measure", "counting"),
    ("compiler_builtins", "helpers"),
];

/// Whose a function is that nobody named calls, for what the linker sees of libraries.
const LIBRARIES: [(&str, &str); 4] =
    [("postcard", "link"), ("serde", "link"), ("__aeabi_", "helpers"), ("mem", "helpers")];

impl Code {
    /// What the code and the constants of the ELF at `path` are for, of which `flash_bytes` are in
    /// flash.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn of_elf(path: &Path, flash_bytes: u64) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let elf = object::File::parse(&*bytes).with_context(|| format!("{} is not an ELF", path.display()))?;
        let loader = Loader::new(path).map_err(|error| anyhow!("cannot read {}: {error}", path.display()))?;
        let mut owned: BTreeMap<&str, u64> = BTreeMap::new();
        let mut functions = BTreeMap::new();
        for symbol in elf.symbols().filter(|symbol| symbol.size() > 0) {
            let name = path_of(symbol.name().unwrap_or_default());
            // Thumb code is at even addresses, and told by an odd one.
            let start = symbol.address() & !1;
            match symbol.kind() {
                // Several names of one function count once.
                SymbolKind::Text if functions.contains_key(&start) => {}
                SymbolKind::Text => {
                    // No instruction is shorter than two bytes.
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

    /// Bytes of [`INFERENCE`].
    pub fn inference_bytes(&self) -> u64 {
        let is_inference = |group: &&Group| INFERENCE.contains(&group.name.as_str());
        self.groups.iter().filter(is_inference).map(|group| group.bytes).sum()
    }
}

/// What compiled an ELF: the first of its comments.
fn compiler(elf: &object::File<'_>) -> String {
    let comment = elf.section_by_name(".comment").and_then(|section| section.data().ok()).unwrap_or_default();
    let first = comment.split(|byte| *byte == 0).find(|text| !text.is_empty()).unwrap_or(b"unknown");
    String::from_utf8_lossy(first).into_owned()
}

/// Whether a symbol names what is only in flash, and no variable.
fn is_constant(elf: &object::File<'_>, symbol: &object::Symbol<'_, '_>) -> bool {
    let section = symbol.section_index().and_then(|index| elf.section_by_index(index).ok());
    // A linker keeps texts and other constants in one section.
    section.is_some_and(|section| matches!(section.kind(), SectionKind::ReadOnlyData | SectionKind::ReadOnlyString))
}

/// Whose the instruction at `address` is, which lies in the function `outermost`: the innermost
/// one's that has an owner.
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
    // What others do with our types is theirs: traits of the link's encoding, and of the logs.
    if path.contains("serde_core::") {
        return Some("link");
    }
    if path.contains(" as defmt::") {
        return Some("other");
    }
    OWNERS.iter().find(|(start, _)| path.starts_with(start)).map(|(_, owner)| *owner)
}

/// A function's path, without what tells versions of it apart: `<a::B<C> as d::E>::f` is `a::B<C>
/// as d::E>::f`, which begins as its module does.
fn path_of(symbol: &str) -> String {
    let path = format!("{:#}", rustc_demangle::demangle(symbol));
    let path = path.trim_start_matches(['<', '&']);
    path.strip_prefix("mut ").unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_owner_is_the_first_that_fits() {
        assert_eq!(owner_of_path("shared_model::kernel::softmax::exp"), Some("softmax"));
        assert_eq!(owner_of_path("shared_model::kernel::dense::dense"), Some("kernels"));
        assert_eq!(owner_of_path("shared_model::bytes::i32_at"), None, "its caller's");
        let [encoded, logged] = ["serde_core::ser::Serialize", "defmt::traits::Format"]
            .map(|of| owner_of_path(&format!("shared_model::model::error::BlobError as {of}>::f")));
        assert_eq!((encoded, logged), (Some("link"), Some("other")));
        assert_eq!(
            owner_of_path(&path_of("_ZN12shared_model5infer22Workspace$LT$_$C$_$GT$10infer_with17h0123456789abcdefE")),
            Some("kernels")
        );
    }
}
