//! Firmware images: the build, with the toolchain that was found. All toolchain facts lie below.

mod facts;
mod panics;

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use boards::Board;
use host_support::files;
use object::{Object as _, ObjectSymbol as _};

use crate::board;
use crate::output::{print, tell};
use crate::process::Job;
use crate::sizes::{self, Sizes};
use crate::workspace::{Workspace, shown};

pub use facts::{Facts, Library, Toolchain};
pub use panics::verify as verify_panics;

/// What a firmware build gave.
pub struct Firmware {
    /// Each program's file and size, the board's own first.
    pub programs: Vec<(PathBuf, Sizes)>,
}

impl Firmware {
    /// The board's own program.
    ///
    /// # Errors
    /// When there is none, which a build never leaves.
    pub fn elf(&self) -> Result<&Path> {
        self.programs.first().map(|(path, _)| path.as_path()).context("the build gave no program")
    }

    /// The program that ends as it is told to.
    ///
    /// # Errors
    /// As [`Firmware::elf`].
    pub fn faults(&self) -> Result<&Path> {
        self.programs.get(1).map(|(path, _)| path.as_path()).context("the build gave one program only")
    }

    /// The addresses of the flash that is kept for the model.
    ///
    /// # Errors
    /// When the program cannot be read.
    pub fn model_region(&self) -> Result<Range<u64>> {
        self.between("_model_start", "_model_end")
    }

    /// The addresses of the RAM that is kept for the stack.
    ///
    /// # Errors
    /// When the program cannot be read.
    pub fn stack_region(&self) -> Result<Range<u64>> {
        self.between("_stack_end", "_stack_start")
    }

    /// Length of the variable that every board's binary calls `BUFFERS`: all that inference and the link write to.
    ///
    /// # Errors
    /// When the program cannot be read.
    pub fn buffers_bytes(&self) -> Result<u64> {
        self.with_elf(|path, file| {
            // Its path is in the name.
            let symbol = file.symbols().find(|symbol| symbol.name().is_ok_and(|name| name.contains("BUFFERS")));
            Ok(symbol.with_context(|| format!("{} has no BUFFERS", path.display()))?.size())
        })
    }

    /// That a model fits its region on `board`.
    ///
    /// # Errors
    /// With both numbers where it does not; others when a file cannot be read.
    pub fn verify_room(&self, board: &Board, model: &Path) -> Result<()> {
        let region = self.model_region()?;
        let length = model.metadata().with_context(|| format!("cannot read the model {}", shown(model)))?.len();
        let room = region.end - region.start;
        if length > room {
            bail!("{} has {length} bytes, but {} has room for a model of {room}", shown(model), board.name);
        }
        let start = std::fs::read(model).with_context(|| format!("cannot read the model {}", shown(model)))?;
        if !is_model(&start) {
            tell(format_args!("    warning: {} is no whole model; the firmware will say so", shown(model)));
        }
        Ok(())
    }

    /// The addresses from one symbol to another.
    fn between(&self, start: &str, end: &str) -> Result<Range<u64>> {
        self.with_elf(|path, file| {
            let address = |name: &str| {
                let symbol = file.symbol_by_name(name).with_context(|| format!("{} has no {name}", path.display()))?;
                anyhow::Ok(symbol.address())
            };
            Ok(address(start)?..address(end)?)
        })
    }

    /// Looks into the board's own program.
    fn with_elf<T>(&self, look: impl FnOnce(&Path, &object::File<'_>) -> Result<T>) -> Result<T> {
        let path = self.elf()?;
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(bytes.as_slice()).with_context(|| format!("{} is no ELF", path.display()))?;
        look(path, &file)
    }

    /// The size of the board's own program.
    pub fn sizes(&self) -> Sizes {
        self.programs.first().map(|(_, sizes)| *sizes).unwrap_or_default()
    }
}

/// `cargo xtask firmware`: builds, prints sizes, and makes sure that nothing panics.
///
/// # Errors
/// A usage error for an unknown board; when it can panic; others as [`build`].
pub fn command(workspace: &Workspace, board: &str) -> Result<()> {
    let board = board::named(board)?;
    let firmware = build(workspace, &board)?;
    print(format_args!("{} ({}, {})", board.name, board.core, board.triple))?;
    for (path, sizes) in &firmware.programs {
        let (flash, ram) = (sizes::bytes(sizes.flash), sizes::bytes(sizes.ram));
        print(format_args!("  {}: flash {flash}, RAM {ram}", shown(path)))?;
    }
    verify_panics(&board, &firmware)?;
    match board.may_panic.as_slice() {
        [] => print(format_args!("  it cannot panic")),
        libraries => print(format_args!("  nothing panics but {}", libraries.join(" and "))),
    }
}

/// Builds a board's programs and copies them to target/prenda/firmware.
///
/// # Errors
/// When no compiler or linker for the board is there, or the build fails.
pub fn build(workspace: &Workspace, board: &Board) -> Result<Firmware> {
    let binaries = binaries(board);
    building(workspace, board, &binaries)?.run()?;
    let programs = collect(workspace, board, &binaries, &workspace.folder("firmware")?)?;
    Ok(Firmware { programs })
}

/// Builds quietly, to `folder`, and with other `settings` of the profile, as `cargo --config` takes them: the board's own program and
/// `kernels`, which are those that compute. A `roomy` build takes more memory than what is flashed, where its board can give it.
/// False where the part has no room for them.
///
/// # Errors
/// As [`build`].
pub fn build_otherwise(
    workspace: &Workspace,
    board: &Board,
    settings: &[String],
    is_roomy: bool,
    folder: &Path,
) -> Result<bool> {
    let [own, _, kernels] = binaries(board);
    let binaries = [own, kernels];
    let job = building(workspace, board, &binaries)?;
    let job = settings.iter().fold(job, |job, setting| job.arg("--config").arg(setting));
    let job = if is_roomy { job.env("FIRMWARE_ROOMY", "1") } else { job };
    let built = job.probe()?;
    if built.status.success() {
        return collect(workspace, board, &binaries, folder).map(|_| true);
    }
    let words = String::from_utf8_lossy(&built.stderr);
    if is_too_large(&words) {
        return Ok(false);
    }
    tell(&words);
    bail!("the firmware of {} cannot be built with {}, as said above", board.name, settings.join(", "))
}

/// Whether a linker says that a program is larger than its region: LLVM's and GNU's use the same words.
fn is_too_large(words: &str) -> bool {
    words.contains(" overflowed by ")
}

/// A binary of the firmware's package, and what its ELF is called.
type Binary = (String, String);

/// The binaries of a board. All but the first are the same program for every board; their ELFs are named after the board.
fn binaries(board: &Board) -> [Binary; 3] {
    let [own, faults, kernels] = board.programs();
    [(board.name.clone(), own), ("faults".to_owned(), faults), ("kernels".to_owned(), kernels)]
}

/// The folder that firmware is built in, one of its own: another compiler's files next to the desk's would make cargo rebuild both.
fn target(workspace: &Workspace) -> PathBuf {
    workspace.target.join("firmware")
}

/// The build of some of a board's programs.
fn building(workspace: &Workspace, board: &Board, binaries: &[Binary]) -> Result<Job> {
    let facts = Facts::gather(&board.triple);
    let toolchain = facts.toolchain().ok_or_else(|| missing(&format!("compiler for {}", board.triple)))?;
    let linker = facts.linker().ok_or_else(|| missing("linker for bare metal"))?;
    let job = start(workspace, toolchain, &board.triple, linker);
    let job = binaries.iter().fold(job, |job, (name, _)| job.arg("--bin").arg(name));
    let job = job.args(["--features", &board.name, "--target", &board.triple, "--profile", "firmware", "--target-dir"]);
    Ok(job.arg(target(workspace)))
}

/// Copies what was built to `folder`: each file there, and its size.
fn collect(workspace: &Workspace, board: &Board, binaries: &[Binary], folder: &Path) -> Result<Vec<(PathBuf, Sizes)>> {
    let built = target(workspace).join(&board.triple).join("firmware");
    let copy = |(binary, program): &Binary| {
        let path = folder.join(format!("{program}.elf"));
        files::copy(&built.join(binary), &path)?;
        Ok((path.clone(), Sizes::of_elf(&path)?))
    };
    binaries.iter().map(copy).collect()
}

/// `cargo build --package firmware` by that toolchain.
fn start(workspace: &Workspace, toolchain: &Toolchain, triple: &str, linker: &Path) -> Job {
    let manifest = workspace.root.join("Cargo.toml");
    let mut job = Job::new(&toolchain.cargo)
        .arg("build")
        .arg("--manifest-path")
        .arg(manifest)
        .args(["--package", "firmware", "--locked"])
        .env(&linker_variable(triple), linker);
    if !toolchain.active {
        // Cargo, which runs us, has put the active toolchain's libraries and itself in the environment.
        job = job.env("RUSTC", &toolchain.rustc).without_env("LD_LIBRARY_PATH").without_env("CARGO");
    }
    if toolchain.library(triple) == Some(Library::Source) {
        // Building `core` is still unstable in cargo; the variable lets a stable compiler do it.
        job = job.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=core");
    }
    job
}

/// The variable by which cargo takes a linker for one target.
fn linker_variable(triple: &str) -> String {
    format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace(['-', '.'], "_"))
}

/// Whether bytes begin as a model does, and are as many as it says: docs/format.md, "Prefix".
fn is_model(bytes: &[u8]) -> bool {
    let length = bytes.get(9..13).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes);
    bytes.starts_with(b"PRENDA\x1a\n") && length.is_some_and(|length| length as usize == bytes.len())
}

fn missing(what: &str) -> anyhow::Error {
    anyhow!("there is no {what} on this machine; run `cargo xtask setup`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_told_from_a_part_of_one_and_from_anything_else() {
        let model = [b"PRENDA\x1a\n".as_slice(), &[1, 14, 0, 0, 0, 7]].concat();
        assert!(is_model(&model));
        assert!(!is_model(&model[..13]));
        assert!(!is_model(b"# A readme, say"));
    }

    #[test]
    fn the_linker_variable_is_spelt_as_cargo_reads_it() {
        assert_eq!(linker_variable("thumbv7em-none-eabihf"), "CARGO_TARGET_THUMBV7EM_NONE_EABIHF_LINKER");
        assert_eq!(linker_variable("thumbv8m.main-none-eabi"), "CARGO_TARGET_THUMBV8M_MAIN_NONE_EABI_LINKER");
    }
}
