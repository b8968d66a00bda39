//! `cargo xtask check memcheck`: tests of `prenda-core` and `prenda-c` under the best installed
//! memory checker.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::output::log;
use crate::process::Job;
use crate::programs::find_program;
use crate::workspace::Workspace;

/// The toolchain that contains Miri.
const NIGHTLY: &str = "nightly";

/// A 32-bit target, as on devices, without SIMD: it uses the portable kernels.
const NARROW: &str = "i686-unknown-linux-gnu";

/// The tests that every tool runs: they parse models and run inference, also through the C
/// interface. `damage`, `fixture` and `kernels` take the same paths with too many numbers for an
/// interpreter.
const TESTS: [&str; 7] = ["--lib", "--test", "blob", "--test", "hostile", "--test", "interface"];

const MIRI_CASES: &str = "4";

/// Exhaustive tests, which would take Miri an hour.
const MIRI_SKIPS: [&str; 4] = ["gather", "everywhere", "add_up", "every_answer"];

/// Tools that find memory errors, the most thorough first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// Interprets the program and finds any undefined behaviour it reaches, on a 64-bit and a
    /// 32-bit target
    Miri,
    /// Compiles a check of every memory access into the program
    Sanitizer,
    /// Runs the compiled program in an emulator
    Valgrind,
}

struct Compiler {
    host: String,
    sysroot: String,
}

pub fn command(workspace: &Workspace, tool: Option<Tool>) -> Result<()> {
    let active = Compiler::ask(Job::new("rustc")).context("cannot ask the active compiler for its host and sysroot")?;
    let best = || Tool::value_variants().iter().copied().find(|tool| tool.is_installed(&active));
    let Some(tool) = tool.or_else(best) else {
        bail!(
            "no memory checker is installed; `rustup toolchain install {NIGHTLY} --component miri,rust-src` \
             installs Miri"
        );
    };
    log(format_args!("Tests of prenda-core and prenda-c ({}) under {}", TESTS.join(" "), tool.name()));
    match tool {
        Tool::Miri => {
            miri(workspace, &active.host)?;
            miri(workspace, NARROW)
        }
        Tool::Sanitizer => tests(workspace, workspace.cargo("test"))
            .args(["--target", &active.host])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zsanitizer=address")
            .run(),
        Tool::Valgrind => {
            let runner = format!("CARGO_TARGET_{}_RUNNER", active.host.replace('-', "_").to_uppercase());
            tests(workspace, workspace.cargo("test")).env(&runner, "valgrind --quiet --error-exitcode=1").run()
        }
    }
}

/// Adds the tests to `job`, which runs cargo, with a separate target folder because the flags
/// differ.
fn tests(workspace: &Workspace, job: Job) -> Job {
    let job = job.args(["--locked", "-p", "prenda-core", "-p", "prenda-c"]).args(TESTS).arg("--target-dir");
    job.arg(workspace.target.join("memcheck"))
}

fn miri(workspace: &Workspace, target: &str) -> Result<()> {
    let job = Job::new("rustup").args(["run", NIGHTLY, "cargo", "miri", "test", "--manifest-path"]);
    tests(workspace, job.arg(workspace.root.join("Cargo.toml")))
        .args(["--target", target])
        .arg("--")
        .args(MIRI_SKIPS.into_iter().flat_map(|name| ["--skip", name]))
        // proptest reads the environment and random numbers.
        .env("MIRIFLAGS", "-Zmiri-disable-isolation")
        .env("PROPTEST_CASES", MIRI_CASES)
        .run()
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Miri => "Miri",
            Self::Sanitizer => "the address sanitizer",
            Self::Valgrind => "valgrind",
        }
    }

    fn is_installed(self, active: &Compiler) -> bool {
        match self {
            Self::Miri => Compiler::ask(Job::new("rustup").args(["run", NIGHTLY, "rustc"])).is_some_and(|nightly| {
                let has = |path: &str| Path::new(&nightly.sysroot).join(path).exists();
                has("bin/miri") && has("lib/rustlib/src/rust/library")
            }),
            Self::Sanitizer => {
                let libraries = Path::new(&active.sysroot).join("lib/rustlib").join(&active.host).join("lib");
                let is_runtime = |name: &str| name.starts_with("librustc-") && name.contains("asan");
                std::fs::read_dir(libraries).is_ok_and(|entries| {
                    entries.flatten().any(|entry| is_runtime(&entry.file_name().to_string_lossy()))
                })
            }
            Self::Valgrind => find_program("valgrind").is_some(),
        }
    }
}

impl Compiler {
    /// Asks a compiler; returns `None` if it cannot be run.
    fn ask(job: Job) -> Option<Self> {
        let output = job.args(["--print", "host-tuple", "--print", "sysroot"]).probe().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let (host, sysroot) = text.trim().split_once('\n')?;
        Some(Self { host: host.to_owned(), sysroot: sysroot.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_reports_its_host_and_its_folder() {
        let compiler = Compiler::ask(Job::new("rustc")).unwrap();
        assert!(compiler.host.split('-').count() >= 3, "{}", compiler.host);
        assert!(Path::new(&compiler.sysroot).join("lib/rustlib").join(&compiler.host).is_dir(), "{}", compiler.sysroot);
        assert!(Compiler::ask(Job::new("no-such-compiler-of-prenda")).is_none());
    }
}
