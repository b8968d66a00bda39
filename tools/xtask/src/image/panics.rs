//! Whether a program can panic, read from its ELF.
//!
//! Every panic of Rust ends in the panic handler, and tells it a place in the source. A linker leaves out what nothing refers to.
//! So a program without the handler cannot panic, and where it has one, the places in its constants are those of its panics.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use boards::Board;
use object::elf::{SHF_ALLOC, SHF_WRITE};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags};

use super::Firmware;

/// What the compiler calls the function that firmware marks as the panic handler, which is not inlined.
const HANDLER: &str = "rust_begin_unwind";

/// What every program has. Without it there are no names, and so no proof.
const START: &str = "main";

/// Bytes of a place: where its file's name lies, how long that is, line, column.
const PLACE_BYTES: usize = 16;

/// The longest path of a source file that is looked for.
const MAX_PATH_BYTES: usize = 1024;

/// The panics of a program.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Panics {
    has_handler: bool,
    places: Vec<Place>,
}

/// Where in the source a program panics.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    file: String,
    line: u32,
}

/// Constants of a program, and where they lie.
struct Constants<'a> {
    address: u64,
    bytes: &'a [u8],
}

impl Panics {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// When it cannot be read, or has no names of functions.
    pub fn of_elf(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(bytes.as_slice()).with_context(|| format!("{} is no ELF", path.display()))?;
        let names: Vec<_> = file.symbols().filter_map(|symbol| symbol.name().ok()).collect();
        if !names.contains(&START) {
            bail!("{} has no function `{START}`: without names nothing can be said of its panics", path.display());
        }
        let constants = file.sections().filter(|section| is_constant(section.flags()));
        let constants: Vec<_> = constants
            .filter_map(|section| Some(Constants { address: section.address(), bytes: section.data().ok()? }))
            .collect();
        Ok(Self { has_handler: names.iter().any(|name| name.contains(HANDLER)), places: places(&constants) })
    }

    /// That there are none, but in the libraries that the board's drivers come of, if any, and in each of these.
    ///
    /// # Errors
    /// With the places of the others, or the library that has none any more.
    pub fn verify(&self, program: &Path, libraries: &[String]) -> Result<()> {
        let others = self.outside(libraries);
        if !others.is_empty() || self.is_unplaced() {
            let list: String = others.iter().map(|place| format!("\n  {place}")).collect();
            let list = if list.is_empty() { " no place is told" } else { &list };
            bail!("{} can panic; free it of that, or see \"No panics\" in CONTRIBUTING.md:{list}", program.display());
        }
        match libraries.iter().find(|library| !self.places.iter().any(|place| place.is_in(library))) {
            Some(library) => {
                bail!("{library} panics no more in {}; take it out of the board's `may_panic`", program.display())
            }
            None => Ok(()),
        }
    }

    /// The places that are in none of `libraries`.
    fn outside(&self, libraries: &[String]) -> Vec<&Place> {
        self.places.iter().filter(|place| !libraries.iter().any(|library| place.is_in(library))).collect()
    }

    /// Whether something panics, and nothing says where, so that it could be anywhere.
    fn is_unplaced(&self) -> bool {
        self.has_handler && self.places.is_empty()
    }
}

impl Place {
    /// Whether the file is one of a library of that name, of any version, or made by its build script: `NAME-VERSION/src/..`, or
    /// `NAME-HASH/out/..`.
    fn is_in(&self, library: &str) -> bool {
        let is = |within: &str, is_rest: fn(&str) -> bool| {
            // The last such folder: the registry itself lies in one of that name.
            let folder = self.file.rsplit_once(within).and_then(|(package, _)| package.rsplit('/').next());
            folder.and_then(|folder| folder.strip_prefix(library)?.strip_prefix('-')).is_some_and(is_rest)
        };
        is("/src/", is_version) || is("/out/", is_hash)
    }
}

/// Whether text is three numbers, and perhaps what else a version has.
fn is_version(text: &str) -> bool {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number)
}

/// Whether text is what cargo tells builds apart by.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// That the board's own program cannot panic, and that the one which does so on purpose is known by it.
///
/// # Errors
/// When it can, or when that cannot be told.
pub fn verify(board: &Board, firmware: &Firmware) -> Result<()> {
    let (own, faults) = (firmware.elf()?, firmware.faults()?);
    let meant = Panics::of_elf(faults)?;
    if !meant.has_handler || meant.outside(&board.may_panic).is_empty() {
        bail!("{} panics on purpose, and no panic is found in it: panics are not told any more", faults.display());
    }
    Panics::of_elf(own)?.verify(own, &board.may_panic)
}

/// In flash, and never written.
fn is_constant(flags: SectionFlags) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = flags else { return false };
    sh_flags.contains(SHF_ALLOC) && !sh_flags.contains(SHF_WRITE)
}

/// What looks like a place, at any word: two numbers that are the address and the length of text which ends in `.rs`, and a line.
fn places(all: &[Constants<'_>]) -> Vec<Place> {
    let text = |address: u32, length: u32| {
        let constants = all.iter().find(|part| part.holds(address.into()))?;
        let start = usize::try_from(u64::from(address) - constants.address).ok()?;
        let text = constants.bytes.get(start..start.checked_add(length as usize)?)?;
        std::str::from_utf8(text).ok().filter(|text| text.ends_with(".rs"))
    };
    let place = |word: &[u8]| {
        let [address, length, line, _column] = numbers(word)?;
        let file = if length as usize > MAX_PATH_BYTES { None } else { text(address, length) }?;
        Some(Place { file: file.to_owned(), line })
    };
    let words = all.iter().flat_map(|part| {
        let first = (part.address.next_multiple_of(4) - part.address) as usize;
        part.bytes.get(first..).unwrap_or_default().windows(PLACE_BYTES).step_by(4)
    });
    words.filter_map(place).collect()
}

impl Constants<'_> {
    fn holds(&self, address: u64) -> bool {
        address.checked_sub(self.address).is_some_and(|offset| offset < self.bytes.len() as u64)
    }
}

/// Four little-endian numbers, as the boards' cores have them.
fn numbers(bytes: &[u8]) -> Option<[u32; 4]> {
    let words: &[[u8; 4]; 4] = bytes.as_chunks().0.try_into().ok()?;
    Some(words.map(u32::from_le_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str, line: u32) -> Place {
        Place { file: file.into(), line }
    }

    #[test]
    fn places_are_found_at_any_word_and_nothing_else_is_one() {
        let word = |value: u32| value.to_le_bytes();
        let found = |length: u32| {
            // At 0x1002: two bytes of something, a place at the next word, its text, and what would be a place if it were whole.
            let place = [word(0x1014), word(length), word(12), word(3)].concat();
            let cut_off = [word(0x1014), word(8), word(1)].concat();
            let bytes = [&[9, 9], place.as_slice(), b"src/a.rs", &cut_off].concat();
            places(&[Constants { address: 0x1002, bytes: &bytes }])
        };
        assert_eq!(found(8), [place("src/a.rs", 12)]);
        assert_eq!(found(7), [], "text that is no file of source");
        assert_eq!(found(9), [], "text, and a byte that is none");
        assert_eq!(found(1000), [], "no text that long is there");
    }

    #[test]
    fn a_library_is_known_by_its_name_whatever_its_version() {
        let registry = "/home/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";
        let of = |file: &str| place(&file.replace("REGISTRY", registry), 1).is_in("hal");
        assert!(of("REGISTRY/hal-0.4.0/src/uart.rs"));
        assert!(of("REGISTRY/hal-0.4.0-rc.1/src/uart.rs"));
        assert!(of("/target/build/hal-71250590d74aa713/out/made.rs"));
        // Those of another name, one that begins with this one.
        assert!(!of("REGISTRY/hal-macros-0.4.0/src/uart.rs"));
        assert!(!of("REGISTRY/hal-2-0.4.0/src/uart.rs"));
        assert!(!of("/target/build/hal-macros-71250590d74aa713/out/made.rs"));
        assert!(!of("/target/build/my-hal-71250590d74aa713/out/made.rs"));
        // Ours, wherever they lie, and whatever they are called.
        assert!(!of("firmware/src/hw/hal.rs"));
        assert!(!of("/home/hal-0.4.0/prenda/firmware/src/serve.rs"));
        assert!(!of("/home/hal-0.4.0/target/build/firmware-71250590d74aa713/out/made.rs"));
        assert!(!of("/hal-0.4.0/serve.rs"));
    }

    #[test]
    fn only_a_boards_own_libraries_may_panic_and_only_where_it_names_some() {
        let path = Path::new("board.elf");
        let ours = Panics { has_handler: true, places: vec![place("firmware/src/serve.rs", 7)] };
        let theirs = Panics { has_handler: true, places: vec![place("/r/some-hal-0.4.0/src/uart.rs", 7)] };
        let unplaced = Panics { has_handler: true, places: vec![] };
        let libraries = ["some-hal".to_owned()];
        let error = |panics: &Panics, libraries: &[String]| panics.verify(path, libraries).unwrap_err().to_string();
        assert!(Panics::default().verify(path, &[]).is_ok());
        assert!(theirs.verify(path, &libraries).is_ok());
        assert!(theirs.verify(path, &[]).is_err());
        let told = error(&ours, &libraries);
        assert!(told.contains("board.elf can panic") && told.ends_with("\n  firmware/src/serve.rs:7"), "{told}");
        for libraries in [libraries.as_slice(), &[]] {
            assert!(error(&unplaced, libraries).ends_with("no place is told"));
        }
    }

    #[test]
    fn a_library_that_panics_no_more_is_no_exception_any_more() {
        let path = Path::new("board.elf");
        let panics = Panics { has_handler: true, places: vec![place("/r/hal-0.4.0/src/uart.rs", 7)] };
        let libraries = ["hal".to_owned(), "pac".to_owned()];
        let error = |panics: &Panics| panics.verify(path, &libraries).unwrap_err().to_string();
        assert!(error(&panics).starts_with("pac panics no more in board.elf"));
        assert!(error(&Panics::default()).starts_with("hal panics no more in board.elf"));
    }
}
