//! Firmware images: builds them with the toolchain that [`facts`] finds.

mod facts;
mod panics;

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use boards::Board;
use host_support::files;
use object::{Object as _, ObjectSymbol as _};

use crate::board;
use crate::output::{log, print};
use crate::process::Job;
use crate::sizes::{self, Sizes};
use crate::workspace::{Workspace, shown};

pub use facts::{Facts, Library, Toolchain};
pub use panics::{verify as verify_panics, verify_none as verify_no_panics};

/// The target of programs for browsers.
pub const BROWSER_TRIPLE: &str = "wasm32-unknown-unknown";

pub struct Firmware {
    /// Each program's file and size, the server first.
    pub programs: Vec<(PathBuf, Sizes)>,
}

impl Firmware {
    /// Returns the board's server.
    pub fn elf(&self) -> Result<&Path> {
        self.programs.first().map(|(path, _)| path.as_path()).context("the build gave no program")
    }

    /// Returns the program that ends on request, for the tests of faults.
    pub fn faults(&self) -> Result<&Path> {
        self.programs.get(1).map(|(path, _)| path.as_path()).context("the build gave only one program")
    }

    /// Returns the addresses of the flash reserved for the model.
    pub fn model_region(&self) -> Result<Range<u64>> {
        self.between("_model_start", "_model_end")
    }

    /// Returns the addresses of the RAM reserved for the stack.
    pub fn stack_region(&self) -> Result<Range<u64>> {
        self.between("_stack_end", "_stack_start")
    }

    /// Returns the size of the variable `BUFFERS`: everything that inference and the link write to.
    pub fn buffers_bytes(&self) -> Result<u64> {
        self.with_elf(|path, file| {
            // The mangled name contains the path.
            let symbol = file.symbols().find(|symbol| symbol.name().is_ok_and(|name| name.contains("BUFFERS")));
            Ok(symbol.with_context(|| format!("{}: no symbol BUFFERS", path.display()))?.size())
        })
    }

    /// Checks that a model fits its region on `board`.
    pub fn verify_room(&self, board: &Board, model: &Path) -> Result<()> {
        let region = self.model_region()?;
        let bytes = std::fs::read(model).with_context(|| format!("cannot read the model {}", shown(model)))?;
        let (shown, length, room) = (shown(model), bytes.len(), region.end - region.start);
        if length as u64 > room {
            bail!("{shown} has {length} bytes, but {} has room for {room}; train a smaller network", board.name);
        }
        if !is_model(&bytes) {
            log(format_args!("    warning: {shown} is not a complete model; the firmware will reject it"));
        }
        Ok(())
    }

    fn between(&self, start: &str, end: &str) -> Result<Range<u64>> {
        self.with_elf(|path, file| {
            let address = |name: &str| {
                let symbol =
                    file.symbol_by_name(name).with_context(|| format!("{}: no symbol {name}", path.display()))?;
                anyhow::Ok(symbol.address())
            };
            Ok(address(start)?..address(end)?)
        })
    }

    /// Calls `look` with the server's ELF file.
    pub fn with_elf<T>(&self, look: impl FnOnce(&Path, &object::File<'_>) -> Result<T>) -> Result<T> {
        let path = self.elf()?;
        sizes::with_elf(path, |file| look(path, file))
    }

    pub fn sizes(&self) -> Sizes {
        self.programs.first().map(|(_, sizes)| *sizes).unwrap_or_default()
    }
}

/// Builds, prints sizes, and checks that nothing panics.
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
pub fn build(workspace: &Workspace, board: &Board) -> Result<Firmware> {
    let binaries = binaries(board);
    building(workspace, board, &binaries)?.run()?;
    let programs = collect(workspace, board, &binaries, &workspace.folder("firmware")?)?;
    Ok(Firmware { programs })
}

/// Builds the programs that compute, the server and `kernels`, with other `settings` of the profile
/// (arguments of `cargo --config`), quietly and into `folder`. A roomy build takes more memory than
/// the flashed one if its board has it. Returns false if they do not fit the part.
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
    let job = job.env("PRENDA_ALLOW_OPT_LEVEL_0", "1");
    let built = job.probe()?;
    if built.status.success() {
        return collect(workspace, board, &binaries, folder).map(|_| true);
    }
    let words = String::from_utf8_lossy(&built.stderr);
    // LLVM's and GNU's linkers report a program that exceeds its region in these words.
    if words.contains(" overflowed by ") {
        return Ok(false);
    }
    log(&words);
    bail!("the firmware of {} cannot be built with {}, see above", board.name, settings.join(", "))
}

/// A binary of the package `firmware`, and the name of its ELF file.
type Binary = (String, String);

/// Returns the binaries of a board; their ELF files are named after the board.
fn binaries(board: &Board) -> [Binary; 3] {
    let [own, faults, kernels] = board.programs();
    [("serve".to_owned(), own), ("faults".to_owned(), faults), ("kernels".to_owned(), kernels)]
}

/// Returns the target folder of firmware, which is separate: two compilers in one folder would make
/// cargo rebuild everything.
fn target(workspace: &Workspace) -> PathBuf {
    workspace.target.join("firmware")
}

fn building(workspace: &Workspace, board: &Board, binaries: &[Binary]) -> Result<Job> {
    let job = build_for(&board.triple, &workspace.root)?.arg("--locked").args(["--package", "firmware"]);
    let job = binaries.iter().fold(job, |job, (name, _)| job.arg("--bin").arg(name));
    let job = job.args(["--features", &board.name, "--target", &board.triple, "--profile", "firmware", "--target-dir"]);
    Ok(job.arg(target(workspace)))
}

/// Returns the command that builds the package in `folder` for bare metal, with the toolchain and
/// the linker that are installed.
pub fn build_for(triple: &str, folder: &Path) -> Result<Job> {
    let facts = Facts::gather(triple);
    let toolchain = facts.toolchain().ok_or_else(|| missing(&format!("compiler for {triple}")))?;
    let linker = facts.linker().ok_or_else(|| missing("linker for bare metal"))?;
    Ok(start(folder, toolchain, triple, "build").env(&linker_variable(triple), linker))
}

/// Returns the command that builds `package` as a static library for a target, or `None` if no
/// compiler can. The library has no debug information, which would name folders of this machine.
pub fn static_library(workspace: &Workspace, package: &str, triple: &str, features: &[String]) -> Option<Job> {
    let facts = Facts::gather(triple);
    let job = start(&workspace.root, facts.toolchain()?, triple, "rustc").args(["--locked", "--package", package]);
    let job = job.args(["--lib", "--crate-type", "staticlib", "--features", &features.join(","), "--target", triple]);
    let job = job.args(["--profile", "firmware", "--config", "profile.firmware.debug=false", "--target-dir"]);
    Some(job.arg(target(workspace)))
}

/// Returns the command that builds `package` for WebAssembly. Paths in the folder `hidden` are
/// shortened in the program.
pub fn wasm_library(workspace: &Workspace, package: &str, hidden: Option<&Path>) -> Result<Job> {
    let facts = Facts::gather(BROWSER_TRIPLE);
    let toolchain = facts.toolchain().ok_or_else(|| missing(&format!("compiler for {BROWSER_TRIPLE}")))?;
    let job =
        start(&workspace.root, toolchain, BROWSER_TRIPLE, "build").args(["--locked", "--package", package, "--lib"]);
    let job = job.args(["--no-default-features", "--target", BROWSER_TRIPLE, "--profile", package, "--target-dir"]);
    let job = job.arg(target(workspace));
    Ok(match hidden {
        Some(hidden) => job.env("RUSTFLAGS", format!("--remap-path-prefix={}=", hidden.display())),
        None => job,
    })
}

/// Returns the path of a program that [`wasm_library`] builds.
pub fn built_wasm(workspace: &Workspace, package: &str) -> PathBuf {
    target(workspace).join(BROWSER_TRIPLE).join(package).join(format!("{package}.wasm"))
}

/// Returns the path of a static library that [`static_library`] builds.
pub fn built_library(workspace: &Workspace, name: &str, triple: &str) -> PathBuf {
    target(workspace).join(triple).join("firmware").join(format!("lib{name}.a"))
}

/// Copies the built programs to `folder`; returns their paths and sizes.
fn collect(workspace: &Workspace, board: &Board, binaries: &[Binary], folder: &Path) -> Result<Vec<(PathBuf, Sizes)>> {
    let built = target(workspace).join(&board.triple).join("firmware");
    let copy = |(binary, program): &Binary| {
        let path = folder.join(format!("{program}.elf"));
        files::copy(&built.join(binary), &path)?;
        Ok((path.clone(), Sizes::of_elf(&path)?))
    };
    binaries.iter().map(copy).collect()
}

/// Returns the command that lints the firmware and its libraries as they are compiled for a board,
/// or `None` if the active toolchain, the one with clippy, has no library for the board.
pub fn clippy(workspace: &Workspace, board: &Board) -> Option<Job> {
    let facts = Facts::gather(&board.triple);
    let toolchain = facts.active()?;
    let job = start(&workspace.root, toolchain, &board.triple, "clippy").arg("--locked");
    let packages = ["firmware", "prenda-serve", "prenda-core"];
    let job = packages.iter().fold(job, |job, package| job.args(["--package", package])).args(["--lib", "--bins"]);
    let job = job.args(["--features", &format!("firmware/{}", board.name), "--target", &board.triple]);
    Some(job.arg("--target-dir").arg(target(workspace)).args(["--", "-D", "warnings"]))
}

fn start(folder: &Path, toolchain: &Toolchain, triple: &str, command: &str) -> Job {
    let mut job = Job::new(&toolchain.cargo).arg(command).arg("--manifest-path").arg(folder.join("Cargo.toml"));
    if !toolchain.active {
        // The cargo that runs us has put itself and its toolchain's libraries in the environment.
        job = job.env("RUSTC", &toolchain.rustc).without_env("LD_LIBRARY_PATH").without_env("CARGO");
    }
    if toolchain.library(triple) == Some(Library::Source) {
        // Building `core` is unstable in cargo; the variable allows it on a stable compiler.
        job = job.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=core,alloc");
    }
    job
}

fn linker_variable(triple: &str) -> String {
    format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace(['-', '.'], "_"))
}

/// Returns true if `bytes` start like a model and have the length in its prefix (docs/format.md).
fn is_model(bytes: &[u8]) -> bool {
    let length = bytes.get(9..13).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes);
    bytes.starts_with(b"PRENDA\x1a\n") && length.is_some_and(|length| length as usize == bytes.len())
}

fn missing(what: &str) -> anyhow::Error {
    anyhow!("no {what} is installed; run `cargo xtask setup`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_model_and_other_files_are_not_models() {
        let model = [b"PRENDA\x1a\n".as_slice(), &[1, 14, 0, 0, 0, 7]].concat();
        assert!(is_model(&model));
        assert!(!is_model(&model[..13]));
        assert!(!is_model(b"# A readme, for example"));
    }

    #[test]
    fn the_linker_variable_is_spelled_as_cargo_reads_it() {
        assert_eq!(linker_variable("thumbv7em-none-eabihf"), "CARGO_TARGET_THUMBV7EM_NONE_EABIHF_LINKER");
        assert_eq!(linker_variable("thumbv8m.main-none-eabi"), "CARGO_TARGET_THUMBV8M_MAIN_NONE_EABI_LINKER");
    }
}
