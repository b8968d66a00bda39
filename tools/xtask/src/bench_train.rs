//! `cargo xtask bench-train`: training throughput, ours and that of other frameworks.

use std::iter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use comfy_table::Table;
use host_support::numbers::whole;
use serde::{Deserialize, Serialize};

use crate::output::{log, print};
use crate::process::Job;
use crate::table;
use crate::workspace::Workspace;

/// Epochs of a round; the first one counts, too.
const EPOCHS: &str = "3";

/// The trainer's backends for the CPU.
const BACKENDS: [&str; 2] = ["flex", "ndarray"];

/// Largest time of a backend, relative to the first one.
const MAX_RATIO: f64 = 2.0;

/// The same network, batch size and optimizer, written for another framework.
#[derive(Clone, Copy)]
struct Framework {
    name: &'static str,
    script: &'static str,
    /// Python modules that the script needs.
    modules: &'static str,
}

const FRAMEWORKS: [Framework; 2] = [
    Framework { name: "pytorch", script: "tools/xtask/bench/pytorch.py", modules: "numpy, torch" },
    Framework { name: "keras", script: "tools/xtask/bench/keras.py", modules: "numpy, keras" },
];

const NOT_RUN: &str = "PyTorch and Keras were not run. `cargo xtask bench-train --python PYTHON` runs \
    tools/xtask/bench/pytorch.py and keras.py alternately with ours, if that Python has torch, keras, tensorflow and \
    numpy; docs/speed.md has figures.";

/// A way to train, and the durations of its epochs.
#[derive(Debug, Serialize)]
struct Speed {
    name: String,
    version: Option<String>,
    threads: Option<u64>,
    seconds: Vec<f64>,
    median_seconds: f64,
    #[serde(rename = "pictures_per_second")]
    images_per_second: f64,
    /// Median time, as a multiple of flex's.
    relative_to_flex: f64,
}

/// The output of the other frameworks' scripts.
#[derive(Debug, Deserialize)]
struct Script {
    version: String,
    threads: Option<u64>,
    seconds: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Epoch {
    seconds: f64,
}

#[derive(Debug, Deserialize)]
struct DataFacts {
    folder: PathBuf,
    #[serde(rename = "train_pictures")]
    train_images: u32,
}

#[derive(Args)]
pub struct Options {
    /// Rounds; in each, every backend and framework trains three epochs.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole::<u32>(1..))]
    rounds: u32,
    /// A Python with torch, keras, tensorflow and numpy, to time PyTorch and Keras, too; what it
    /// does not have is skipped.
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Print one JSON array on standard output instead of a table.
    #[arg(long)]
    json: bool,
}

/// Trains the lecture's network `rounds` times each way, alternating, and prints the median epoch.
/// Fails if a backend takes more than [`MAX_RATIO`] times as long as flex.
pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let &Options { rounds, ref python, json } = options;
    workspace.build_programs()?;
    let data: DataFacts = workspace.job("host-trainer").args(["data", "--json"]).capture_json()?;
    let mut measured: Vec<Speed> = BACKENDS.iter().map(|name| Speed::new(&format!("host-trainer, {name}"))).collect();
    let mut installed = Vec::new();
    for (python, framework) in python.iter().flat_map(|python| FRAMEWORKS.map(|framework| (python, framework))) {
        match framework.why_absent(python)? {
            None => installed.push((python, framework)),
            Some(reason) => log(format_args!("skipped {}: {reason}", framework.name)),
        }
    }
    measured.extend(installed.iter().map(|(_, framework)| Speed::new(framework.name)));
    for round in 1..=rounds {
        log(format_args!("round {round} of {rounds}"));
        let (ours, theirs) = measured.split_at_mut(BACKENDS.len());
        for (backend, measured) in BACKENDS.iter().zip(ours) {
            measured.seconds.extend(train(workspace, backend)?);
        }
        for ((python, framework), measured) in installed.iter().zip(theirs) {
            let script = workspace.root.join(framework.script);
            let job = Job::new(python).arg(&script).arg(&data.folder).arg(EPOCHS);
            let Script { version, threads, seconds } = job.capture_json()?;
            (measured.version, measured.threads) = (Some(version), threads);
            measured.seconds.extend(seconds);
        }
    }
    for measured in &mut measured {
        measured.median_seconds = median(&measured.seconds);
        measured.images_per_second = f64::from(data.train_images) / measured.median_seconds;
    }
    let flex = measured.first().map_or(f64::NAN, |first| first.median_seconds);
    measured.iter_mut().for_each(|measured| measured.relative_to_flex = measured.median_seconds / flex);
    if json {
        print(serde_json::to_string(&measured)?)?;
    } else {
        print(comparison(&measured))?;
        print("784-128-10, batch 32, Adam, f32, on the CPU of this host; the median epoch.")?;
        if python.is_none() {
            print(NOT_RUN)?;
        }
    }
    check_ratios(measured.get(..BACKENDS.len()).unwrap_or_default())
}

impl Framework {
    /// Returns why `python` cannot run the script, or `None` if it can.
    fn why_absent(self, python: &Path) -> Result<Option<String>> {
        let output = Job::new(python).arg("-c").arg(format!("import {}", self.modules)).probe()?;
        if output.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let reason = text.lines().last().map_or_else(|| output.status.to_string(), str::to_owned);
        Ok(Some(format!("{} cannot import {}: {reason}", python.display(), self.modules)))
    }
}

/// Fails if one of our backends takes more than [`MAX_RATIO`] times as long as flex.
fn check_ratios(ours: &[Speed]) -> Result<()> {
    match ours.iter().find(|measured| measured.relative_to_flex > MAX_RATIO) {
        None => Ok(()),
        Some(Speed { name, relative_to_flex, .. }) => bail!(
            "{name}: an epoch takes {relative_to_flex:.2} times as long as with flex, expected at most {MAX_RATIO}; \
             repeat it on an idle host, or profile it"
        ),
    }
}

impl Speed {
    fn new(name: &str) -> Self {
        let name = name.to_owned();
        Self {
            name,
            version: None,
            threads: None,
            seconds: Vec::new(),
            median_seconds: 0.0,
            images_per_second: 0.0,
            relative_to_flex: 0.0,
        }
    }
}

/// Trains with `backend` and returns the seconds of each epoch.
fn train(workspace: &Workspace, backend: &str) -> Result<Vec<f64>> {
    let run = workspace.folder("bench-train")?.join(backend);
    let job = workspace.job("host-trainer").args(["train", "--epochs", EPOCHS, "--backend", backend]);
    job.arg("--overwrite").arg("--run").arg(&run).run()?;
    let path = run.join("history.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let history: Vec<Epoch> =
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", path.display()))?;
    Ok(history.into_iter().map(|epoch| epoch.seconds).collect())
}

fn comparison(measured: &[Speed]) -> Table {
    let header = ["", "seconds per epoch", "images per second", "time relative to flex"];
    let mut table = table::with_header(header, 1..=3);
    for Speed { name, version, median_seconds, images_per_second, relative_to_flex, .. } in measured {
        let name = version.as_ref().map_or_else(|| name.clone(), |version| format!("{name} {version}"));
        let figures =
            [format!("{median_seconds:.2}"), format!("{images_per_second:.0}"), format!("{relative_to_flex:.2}")];
        table.add_row(iter::once(name).chain(figures));
    }
    table
}

/// Returns the median, the lower of two, or NaN for an empty slice.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0]), median(&[7.0])), (2.0, 1.0, 7.0));
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_slow_backend_is_an_error() {
        let check = |ratios: [f64; 2]| {
            let ours = BACKENDS.iter().zip(ratios);
            let ours = ours.map(|(name, ratio)| Speed { relative_to_flex: ratio, ..Speed::new(name) });
            check_ratios(&ours.collect::<Vec<_>>()).map_err(|error| error.to_string())
        };
        assert_eq!(check([1.0, 1.9]), Ok(()));
        assert!(check([1.0, 4.5]).unwrap_err().starts_with("ndarray: an epoch takes 4.50 times as long"));
    }

    #[test]
    fn a_framework_that_is_not_installed_is_skipped_with_the_reason() {
        let why_absent = |python: &str| FRAMEWORKS[0].why_absent(Path::new(python));
        assert_eq!(why_absent("true").unwrap(), None);
        let reason = why_absent("false").unwrap().unwrap();
        assert!(reason.starts_with("false cannot import numpy, torch: exit"), "{reason}");
        assert!(why_absent("no-such-python").is_err());
    }
}
