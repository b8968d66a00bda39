//! The compilers and linkers that this host has for a bare-metal target, and the choice of them.

use std::path::{Path, PathBuf};

use crate::process::Job;
use crate::programs::{find_program, is_executable};
use crate::workspace::cargo;

/// The oldest compiler that builds this workspace, from its Cargo.toml.
const MIN_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// The form of `core` that a compiler has for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// Compiled, as installed by `rustup target add`.
    Compiled,
    /// Source, from Debian's rust-web-src or rustup's rust-src.
    Source,
}

/// One compiler with its cargo.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub cargo: PathBuf,
    pub rustc: PathBuf,
    /// It is the one that a plain `cargo` uses.
    pub active: bool,
    pub version: String,
    host: String,
    sysroot: PathBuf,
}

impl Toolchain {
    /// Asks a compiler for its version and folders; returns `None` if it cannot be run.
    fn ask(rustc: PathBuf, cargo: PathBuf, active: bool) -> Option<Self> {
        let answer = |arguments: &[&str]| {
            let output = Job::new(&rustc).args(arguments).probe().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let about = answer(&["-vV"])?;
        let field = |name| about.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let version = field("release: ")?;
        let host = field("host: ")?;
        let sysroot = answer(&["--print", "sysroot"])?.into();
        Some(Self { cargo, rustc, active, version, host, sysroot })
    }

    /// Returns the form of `core` that this compiler has for a target, if any.
    pub fn library(&self, triple: &str) -> Option<Library> {
        let libraries = self.sysroot.join("lib/rustlib");
        let compiled = std::fs::read_dir(libraries.join(triple).join("lib")).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
        });
        let source = libraries.join("src/rust/library");
        if compiled {
            Some(Library::Compiled)
        } else if source.join("Cargo.lock").is_file() && source.join("core/src/lib.rs").is_file() {
            Some(Library::Source)
        } else {
            None
        }
    }

    /// Returns the path of the linker that rustup installs with a compiler.
    fn own_linker(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(&self.host).join("bin/rust-lld")
    }
}

/// The toolchains and linkers for one target.
pub struct Facts {
    toolchains: Vec<(Toolchain, Library)>,
    linkers: Vec<PathBuf>,
}

impl Facts {
    /// Finds them; changes nothing and needs no network.
    pub fn gather(triple: &str) -> Self {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let active = Toolchain::ask(rustc.into(), cargo().into(), true);
        let system = Path::new("/usr/bin/cargo").exists().then_some("/usr/bin/rustc");
        let system = system.and_then(|rustc| Toolchain::ask(rustc.into(), "/usr/bin/cargo".into(), false));
        // /usr/bin/rustc may be the active compiler.
        let system = system.filter(|system| active.as_ref().is_none_or(|active| active.sysroot != system.sysroot));
        let known: Vec<Toolchain> = active.into_iter().chain(system).collect();

        let own = known.iter().map(Toolchain::own_linker).filter(|path| is_executable(path));
        // A GNU linker supports one architecture.
        let gnu = triple.starts_with("thumb").then_some("arm-none-eabi-ld");
        let others = ["ld.lld", "lld"].into_iter().chain(gnu).filter_map(find_program);
        let linkers = own.chain(others).collect();
        let toolchains = known
            .into_iter()
            .filter(|toolchain| is_recent(&toolchain.version, MIN_VERSION))
            .filter_map(|toolchain| toolchain.library(triple).map(|library| (toolchain, library)))
            .collect();
        Self { toolchains, linkers }
    }

    /// Returns the active toolchain, if it can build for the target.
    pub fn active(&self) -> Option<&Toolchain> {
        self.toolchains.iter().map(|(toolchain, _)| toolchain).find(|toolchain| toolchain.active)
    }

    /// Returns the toolchain to build firmware with.
    pub fn toolchain(&self) -> Option<&Toolchain> {
        let candidates: Vec<_> =
            self.toolchains.iter().map(|(toolchain, library)| (toolchain.active, *library)).collect();
        choose(&candidates).map(|index| &self.toolchains[index].0)
    }

    /// Returns the linker to use: the compiler's own, otherwise LLVM's, otherwise GNU's.
    pub fn linker(&self) -> Option<&Path> {
        self.linkers.first().map(PathBuf::as_path)
    }
}

/// Returns the index of the candidate (active, library) to use: first a compiled library,
/// preferably of the active toolchain; then the system's source, which its distribution keeps
/// complete; then the active toolchain's source.
fn choose(candidates: &[(bool, Library)]) -> Option<usize> {
    let rank = |&(active, library): &(bool, Library)| match (library, active) {
        (Library::Compiled, true) => 0,
        (Library::Compiled, false) => 1,
        (Library::Source, false) => 2,
        (Library::Source, true) => 3,
    };
    (0..candidates.len()).min_by_key(|&index| rank(&candidates[index]))
}

/// Returns true if `version` (such as 1.96.0-nightly) is `oldest` (such as 1.95) or later.
fn is_recent(version: &str, oldest: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        let plain = text.split('-').next().unwrap_or_default();
        plain.split('.').map_while(|number| number.parse().ok()).collect()
    };
    numbers(version) >= numbers(oldest)
}

#[cfg(test)]
mod tests {
    use super::Library::{Compiled, Source};
    use super::*;

    #[test]
    fn a_compiled_library_is_preferred_and_then_the_systems_source() {
        assert_eq!(choose(&[]), None);
        assert_eq!(choose(&[(true, Source)]), Some(0));
        assert_eq!(choose(&[(true, Compiled), (false, Source)]), Some(0));
        assert_eq!(choose(&[(true, Source), (false, Source)]), Some(1));
        assert_eq!(choose(&[(true, Source), (false, Compiled)]), Some(1));
        assert_eq!(choose(&[(true, Compiled), (false, Compiled)]), Some(0));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_recent("1.95.0", "1.95"));
        assert!(is_recent("1.100.0-nightly", "1.95"));
        assert!(is_recent("2.0.0", "1.95"));
        assert!(!is_recent("1.94.9", "1.95"));
        assert!(!is_recent("1.9.0", "1.95"));
        assert!(!is_recent("1.63.0", "1.95"));
        assert!(!is_recent("", "1.95"));
    }

    fn toolchain(sysroot: &Path) -> Toolchain {
        Toolchain {
            cargo: "cargo".into(),
            rustc: "rustc".into(),
            active: true,
            version: "1.95.0".into(),
            host: "h".into(),
            sysroot: sysroot.into(),
        }
    }

    #[test]
    fn a_library_is_found_in_the_sysroot() {
        let sysroot = tempfile::tempdir().unwrap();
        let rustlib = sysroot.path().join("lib/rustlib");
        let compiler = toolchain(sysroot.path());
        let write = |path: &str| {
            let path = rustlib.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        assert_eq!(compiler.library("t"), None);
        write("src/rust/library/Cargo.lock");
        assert_eq!(compiler.library("t"), None, "a lock file alone is not the source");
        write("src/rust/library/core/src/lib.rs");
        assert_eq!(compiler.library("t"), Some(Source));
        write("other/lib/libcore-1.rlib");
        assert_eq!(compiler.library("t"), Some(Source), "another target's library is useless");
        write("t/lib/libcore-1.rlib");
        assert_eq!(compiler.library("t"), Some(Compiled));
    }
}
