//! `cargo xtask bench-train`: training throughput, ours and that of other frameworks.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use comfy_table::Table;
use serde::{Deserialize, Serialize};

use crate::output::{log, print};
use crate::process::Job;
use crate::table;
use crate::workspace::Workspace;

/// Epochs of a round; the first one counts, too.
const EPOCHS: &str = "3";

/// The trainer's backends for the CPU.
const BACKENDS: [&str; 2] = ["flex", "ndarray"];

/// The same network, batch size and optimizer, written for other frameworks.
const OTHERS: [(&str, &str); 2] =
    [("pytorch", "tools/xtask/bench/pytorch.py"), ("keras", "tools/xtask/bench/keras.py")];

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
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// A Python with torch, keras, tensorflow and numpy, to time PyTorch and Keras, too.
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Print one JSON array on standard output instead of a table.
    #[arg(long)]
    json: bool,
}

/// Trains the lecture's network `rounds` times each way, alternating, and prints the median epoch.
pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let &Options { rounds, ref python, json } = options;
    workspace.build_programs()?;
    let data: DataFacts = workspace.job("host-trainer").args(["data", "--json"]).capture_json()?;
    let mut measured: Vec<Speed> = BACKENDS.iter().map(|name| Speed::new(&format!("host-trainer, {name}"))).collect();
    let others =
        python.as_ref().map_or_else(Vec::new, |python| OTHERS.map(|(name, script)| (python, name, script)).into());
    measured.extend(others.iter().map(|(_, name, _)| Speed::new(name)));
    for round in 1..=rounds {
        log(format_args!("round {round} of {rounds}"));
        let (ours, theirs) = measured.split_at_mut(BACKENDS.len());
        for (backend, measured) in BACKENDS.iter().zip(ours) {
            measured.seconds.extend(train(workspace, backend)?);
        }
        for ((python, _, script), measured) in others.iter().zip(theirs) {
            let script = workspace.root.join(script);
            let text = Job::new(python).arg(&script).arg(&data.folder).arg(EPOCHS).capture()?;
            let Script { version, threads, seconds } = serde_json::from_str(&text)
                .with_context(|| format!("cannot parse the output of {}", script.display()))?;
            (measured.version, measured.threads) = (Some(version), threads);
            measured.seconds.extend(seconds);
        }
    }
    for measured in &mut measured {
        measured.median_seconds = median(&measured.seconds);
        measured.images_per_second = f64::from(data.train_images) / measured.median_seconds;
    }
    if json {
        return print(serde_json::to_string(&measured)?);
    }
    print(comparison(&measured))?;
    print("784-128-10, batch 32, Adam, f32, on the CPU of this host; the median epoch.")?;
    if python.is_none() {
        print(NOT_RUN)?;
    }
    Ok(())
}

impl Speed {
    fn new(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, version: None, threads: None, seconds: Vec::new(), median_seconds: 0.0, images_per_second: 0.0 }
    }
}

/// Trains with `backend` and returns the seconds of each epoch.
fn train(workspace: &Workspace, backend: &str) -> Result<Vec<f64>> {
    let run = workspace.folder("bench-train")?.join(backend);
    let job = workspace.job("host-trainer").args(["train", "--epochs", EPOCHS, "--backend", backend]);
    job.arg("--run").arg(&run).run()?;
    let path = run.join("history.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let history: Vec<Epoch> =
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", path.display()))?;
    Ok(history.into_iter().map(|epoch| epoch.seconds).collect())
}

fn comparison(measured: &[Speed]) -> Table {
    let header = ["", "seconds per epoch", "images per second", "time relative to flex"];
    let mut table = table::with_header(header, 1..=3);
    let ours = measured.first().map_or(f64::NAN, |first| first.median_seconds);
    for Speed { name, version, median_seconds, images_per_second, .. } in measured {
        let name = version.as_ref().map_or_else(|| name.clone(), |version| format!("{name} {version}"));
        let ratio = format!("{:.2}", median_seconds / ours);
        table.add_row([name, format!("{median_seconds:.2}"), format!("{images_per_second:.0}"), ratio]);
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
}
