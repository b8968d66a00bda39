//! Proves from its ELF file that a program cannot panic.
//!
//! Every Rust panic ends in the panic handler, with its source location. A linker removes
//! unreferenced code, so a program without the handler cannot panic, and in a program with it the
//! locations in the constants are those of its panics.

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};
use boards::Board;
use object::elf::{SHF_ALLOC, SHF_WRITE};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags};

use super::Firmware;
use crate::sizes::with_elf;

/// The compiler's name of the panic handler, which is not inlined.
const HANDLER: &str = "rust_begin_unwind";

/// A symbol of every program. Without it there are no symbols, and so no proof.
const START: &str = "main";

/// Bytes of a `Location`: address and length of the file name, line, column.
const PLACE_BYTES: usize = 16;

/// The longest path of a source file that is recognized.
const MAX_PATH_BYTES: usize = 1024;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Panics {
    has_handler: bool,
    places: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    file: String,
    line: u32,
}

/// Constants of a program, and their address.
struct Constants<'a> {
    address: u64,
    bytes: &'a [u8],
}

impl Panics {
    pub fn of_elf(path: &Path) -> Result<Self> {
        with_elf(path, |file| Self::of_file(path, file))
    }

    fn of_file(path: &Path, file: &object::File<'_>) -> Result<Self> {
        let names: Vec<_> = file.symbols().filter_map(|symbol| symbol.name().ok()).collect();
        if !names.contains(&START) {
            bail!("{}: no symbol `{START}`; panics can only be found in a program with symbols", path.display());
        }
        let constants = file.sections().filter(|section| is_constant(section.flags()));
        let constants: Vec<_> = constants
            .filter_map(|section| Some(Constants { address: section.address(), bytes: section.data().ok()? }))
            .collect();
        Ok(Self { has_handler: names.iter().any(|name| name.contains(HANDLER)), places: places(&constants) })
    }

    /// Checks that there are panics in each of `libraries`, and nowhere else.
    pub fn verify(&self, program: &Path, libraries: &[String]) -> Result<()> {
        let others = self.outside(libraries);
        if !others.is_empty() || self.is_unplaced() {
            let list: String = others.iter().map(|place| format!("\n  {place}")).collect();
            let list = if list.is_empty() { " no location is known" } else { &list };
            bail!("{} can panic; remove the panics, or see \"No panics\" in CONTRIBUTING.md:{list}", program.display());
        }
        match libraries.iter().find(|library| !self.places.iter().any(|place| place.is_in(library))) {
            Some(library) => {
                bail!("{library} does not panic in {}; remove it from the board's `may_panic`", program.display())
            }
            None => Ok(()),
        }
    }

    fn outside(&self, libraries: &[String]) -> Vec<&Place> {
        self.places.iter().filter(|place| !libraries.iter().any(|library| place.is_in(library))).collect()
    }

    /// Returns true if something panics at an unknown location.
    fn is_unplaced(&self) -> bool {
        self.has_handler && self.places.is_empty()
    }
}

impl Place {
    /// Returns true if the file belongs to any version of a library, `NAME-VERSION/src/..`, or to
    /// the output of its build script, `NAME-HASH/out/..`.
    fn is_in(&self, library: &str) -> bool {
        let is = |within: &str, is_rest: fn(&str) -> bool| {
            // The last such folder: the path of the registry contains `/src/`, too.
            let folder = self.file.rsplit_once(within).and_then(|(package, _)| package.rsplit('/').next());
            folder.and_then(|folder| folder.strip_prefix(library)?.strip_prefix('-')).is_some_and(is_rest)
        };
        is("/src/", is_version) || is("/out/", is_hash)
    }
}

/// Returns true if `text` is a version: three numbers, and an optional suffix.
fn is_version(text: &str) -> bool {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number)
}

/// Returns true if `text` is a hash in the names of cargo's build folders.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// Checks that the board's server cannot panic, and that the panic of `faults` is found.
pub fn verify(board: &Board, firmware: &Firmware) -> Result<()> {
    let (own, faults) = (firmware.elf()?, firmware.faults()?);
    let intended = Panics::of_elf(faults)?;
    if !intended.has_handler || intended.outside(&board.may_panic).is_empty() {
        bail!("{} panics on purpose, but no panic was found in it: the search does not work", faults.display());
    }
    Panics::of_elf(own)?.verify(own, &board.may_panic)
}

/// Checks that nothing in a program can panic.
pub fn verify_none(program: &Path) -> Result<()> {
    Panics::of_elf(program)?.verify(program, &[])
}

/// Returns true if a section is in flash and never written.
fn is_constant(flags: SectionFlags) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = flags else { return false };
    sh_flags.contains(SHF_ALLOC) && !sh_flags.contains(SHF_WRITE)
}

/// Returns the locations at any word: address and length of text that ends in `.rs`, and a line.
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

/// Reads four little-endian numbers, the byte order of all boards.
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
    fn locations_are_found_at_any_word() {
        let word = |value: u32| value.to_le_bytes();
        let found = |length: u32| {
            // At 0x1002: two bytes, a location at the next word, its text, and a truncated
            // location.
            let place = [word(0x1014), word(length), word(12), word(3)].concat();
            let cut_off = [word(0x1014), word(8), word(1)].concat();
            let bytes = [&[9, 9], place.as_slice(), b"src/a.rs", &cut_off].concat();
            places(&[Constants { address: 0x1002, bytes: &bytes }])
        };
        assert_eq!(found(8), [place("src/a.rs", 12)]);
        assert_eq!(found(7), [], "text that does not end in .rs");
        assert_eq!(found(9), [], "text with a byte that is not UTF-8");
        assert_eq!(found(1000), [], "text beyond the end");
    }

    #[test]
    fn a_library_is_recognized_in_any_version() {
        let registry = "/users/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";
        let of = |file: &str| place(&file.replace("REGISTRY", registry), 1).is_in("hal");
        assert!(of("REGISTRY/hal-0.4.0/src/uart.rs"));
        assert!(of("REGISTRY/hal-0.4.0-rc.1/src/uart.rs"));
        assert!(of("/target/build/hal-71250590d74aa713/out/made.rs"));
        // Libraries whose name starts with the same word.
        assert!(!of("REGISTRY/hal-macros-0.4.0/src/uart.rs"));
        assert!(!of("REGISTRY/hal-2-0.4.0/src/uart.rs"));
        assert!(!of("/target/build/hal-macros-71250590d74aa713/out/made.rs"));
        assert!(!of("/target/build/my-hal-71250590d74aa713/out/made.rs"));
        // Our own files, in any folder and with any name.
        assert!(!of("firmware/src/hw/hal.rs"));
        assert!(!of("/home/hal-0.4.0/prenda/firmware/src/serve.rs"));
        assert!(!of("/home/hal-0.4.0/target/build/firmware-71250590d74aa713/out/made.rs"));
        assert!(!of("/hal-0.4.0/serve.rs"));
    }

    #[test]
    fn only_the_libraries_that_a_board_names_may_panic() {
        let path = Path::new("board.elf");
        let ours = Panics { has_handler: true, places: vec![place("firmware/src/serve.rs", 7)] };
        let theirs = Panics { has_handler: true, places: vec![place("/r/some-hal-0.4.0/src/uart.rs", 7)] };
        let unplaced = Panics { has_handler: true, places: vec![] };
        let libraries = ["some-hal".to_owned()];
        let error = |panics: &Panics, libraries: &[String]| panics.verify(path, libraries).unwrap_err().to_string();
        assert!(Panics::default().verify(path, &[]).is_ok());
        assert!(theirs.verify(path, &libraries).is_ok());
        assert!(theirs.verify(path, &[]).is_err());
        let message = error(&ours, &libraries);
        assert!(
            message.contains("board.elf can panic") && message.ends_with("\n  firmware/src/serve.rs:7"),
            "{message}"
        );
        for libraries in [libraries.as_slice(), &[]] {
            assert!(error(&unplaced, libraries).ends_with("no location is known"));
        }
    }

    #[test]
    fn a_library_that_no_longer_panics_is_an_error() {
        let path = Path::new("board.elf");
        let panics = Panics { has_handler: true, places: vec![place("/r/hal-0.4.0/src/uart.rs", 7)] };
        let libraries = ["hal".to_owned(), "pac".to_owned()];
        let error = |panics: &Panics| panics.verify(path, &libraries).unwrap_err().to_string();
        assert!(error(&panics).starts_with("pac does not panic in board.elf"));
        assert!(error(&Panics::default()).starts_with("hal does not panic in board.elf"));
    }
}
