//! `cargo xtask check fuzz`: libFuzzer's inputs against the checks of package `checks`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use host_support::numbers::whole;

use crate::output::{log, print};
use crate::process::Job;
use crate::programs::find_program;
use crate::workspace::{Workspace, cargo};
use crate::{UsageError, table};

/// The programs of `tests/fuzz/fuzz_targets`.
const TARGETS: [&str; 10] = ["blob", "cifar", "csv", "keras", "network", "npz", "onnx", "pytorch", "stream", "tflite"];

const CARGO_FUZZ: &str = "0.13.2";

const PULSE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Options {
    /// `blob` (any bytes as a model), `network` (any network, encoded and damaged), `stream` (any
    /// bytes on the link), a reader of data (`cifar`, `csv`, `npz`) or of networks (`keras`,
    /// `onnx`, `pytorch`, `tflite`). [default: all, one after the other]
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = whole::<u32>(1..))]
    seconds: u32,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Statistics {
    executions: u64,
    /// Branches taken, as libFuzzer counts them.
    coverage: u64,
    /// Inputs worth keeping.
    inputs: u64,
}

pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let targets: Vec<&str> =
        TARGETS.into_iter().filter(|target| options.target.as_deref().is_none_or(|name| name == *target)).collect();
    if targets.is_empty() {
        return Err(UsageError(format!("unknown target; the targets are {}", TARGETS.join(", "))).into());
    }
    if find_program("cargo-fuzz").is_none() {
        Job::new(cargo()).args(["install", "cargo-fuzz", "--version", CARGO_FUZZ, "--locked"]).run()?;
    }
    // `cargo fuzz` has no --locked: it would silently update a stale lock file.
    let manifest = workspace.root.join("tests/fuzz/Cargo.toml");
    Job::new(cargo()).args(["fetch", "--locked", "--manifest-path"]).arg(manifest).run()?;
    let mut rows = table::with_header(["target", "seconds", "executions", "coverage", "inputs"], 1..=4);
    for target in targets {
        let Statistics { executions, coverage, inputs } = fuzz(workspace, target, options.seconds)?;
        rows.add_row([
            target,
            &options.seconds.to_string(),
            &executions.to_string(),
            &coverage.to_string(),
            &inputs.to_string(),
        ]);
    }
    print(rows)
}

fn fuzz(workspace: &Workspace, target: &str, seconds: u32) -> Result<Statistics> {
    // Findings are kept here for the next run; the committed corpus stays as it is.
    let found = workspace.folder(&format!("fuzz/{target}"))?;
    let folder = workspace.root.join("tests/fuzz");
    let mut statistics = Statistics::default();
    let mut last = Instant::now();
    // Stable compilers contain the sanitizers, but allow them only with this variable.
    Job::new(cargo())
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", "run", "--fuzz-dir"])
        .arg(&folder)
        .args([target.as_ref(), found.as_os_str(), folder.join("corpus").join(target).as_os_str()])
        // Inputs are as long as the longest of the corpus, at least 4096 bytes.
        .args(["--", &format!("-max_total_time={seconds}"), "-print_final_stats=1"])
        .without_input()
        .watch(|line| {
            let is_status = statistics.take(line);
            if !is_status || last.elapsed() >= PULSE {
                last = Instant::now();
                log(line);
            }
        })?;
    if statistics.executions == 0 {
        bail!("{target}: libFuzzer executed no input");
    }
    Ok(statistics)
}

impl Statistics {
    /// Reads a line of libFuzzer; returns true if it is a progress line.
    fn take(&mut self, line: &str) -> bool {
        let number = |name: &str| {
            let mut words = line.split_whitespace().skip_while(|word| *word != name);
            // `310/113Kb` is count and size.
            words.nth(1).and_then(|word| word.split('/').next()?.parse().ok())
        };
        self.executions = number("stat::number_of_executed_units:").unwrap_or(self.executions);
        self.coverage = number("cov:").unwrap_or(self.coverage);
        self.inputs = number("corp:").unwrap_or(self.inputs);
        // Quoted lines are entries of its dictionary.
        line.contains(" cov: ") || line.starts_with('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read_from_libfuzzer() {
        let mut statistics = Statistics::default();
        let lines = [
            ("INFO: seed corpus: files: 15 min: 287b max: 1135b total: 8891b rss: 40Mb", false),
            ("#740832\tREDUCE cov: 1934 ft: 5509 corp: 310/113Kb lim: 4096 exec/s: 2351 rss: 431Mb", true),
            ("#740833\tDONE   cov: 1935 ft: 5509 corp: 311/113Kb lim: 4096 exec/s: 2351 rss: 431Mb", true),
            ("###### Recommended dictionary. ######", false),
            (r#""\001\000" # Uses: 161"#, true),
            ("stat::number_of_executed_units: 740833", false),
            ("stat::average_exec_per_sec:     2351", false),
        ];
        for (line, is_status) in lines {
            assert_eq!(statistics.take(line), is_status, "{line}");
        }
        assert_eq!(statistics, Statistics { executions: 740_833, coverage: 1935, inputs: 311 });
    }

    #[test]
    fn every_target_has_a_program_and_a_corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz");
        let names = |folder: &str| {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let mut names: Vec<_> = entries.map(|path| path.file_stem().unwrap().display().to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&format!("{folder}/fuzz_targets")), TARGETS);
        assert_eq!(names(&format!("{folder}/corpus")), TARGETS);
    }
}
