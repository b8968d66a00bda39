//! Calling host-trainer, and reading what it says.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::process::Job;
use crate::workspace::Workspace;

/// The seed of the demo's and the tests' network.
const SEED: &str = "1";

/// What training reports; accuracies from 0 to 1.
#[derive(Debug, Deserialize)]
pub struct Trained {
    /// What trained.
    pub device: String,
    /// How often every training picture was seen.
    pub epochs: u32,
    /// How long that took.
    pub train_seconds: f64,
    /// Float network, training split.
    pub train_accuracy_float: f64,
    /// Float network, test split.
    pub test_accuracy_float: f64,
    /// Fixed point, test split.
    pub test_accuracy_fixed: f64,
    /// Size of the model file.
    pub model_bytes: u64,
}

/// What evaluation in fixed point reports.
#[derive(Debug, Deserialize)]
pub struct Evaluated {
    /// Which model.
    pub model_id: String,
    /// How many test pictures.
    pub pictures: u64,
    /// Test accuracy, from 0 to 1.
    pub accuracy: f64,
}

/// Trains with the defaults, but for `arguments`, and writes `model.bin` and the run's folder into `folder`.
///
/// # Errors
/// When training fails; its own message has been shown.
pub fn train(workspace: &Workspace, folder: &Path, arguments: &[&str]) -> Result<Trained> {
    let job = workspace
        .job("host-trainer")
        .args(["train", "--seed", SEED])
        .args(arguments)
        .arg("--run")
        .arg(folder.join("run"))
        .arg("--export")
        .arg(folder.join("model.bin"));
    read(job)
}

/// Evaluates a model over the test split and writes every answer to `answers`. Without a folder `data` the trainer
/// finds the data set itself.
///
/// # Errors
/// When evaluation fails; its own message has been shown.
pub fn evaluate(workspace: &Workspace, model: &Path, answers: &Path, data: Option<&Path>) -> Result<Evaluated> {
    let job = workspace.job("host-trainer").arg("evaluate").arg(model).arg("--answers").arg(answers);
    read(data.into_iter().fold(job, |job, data| job.arg("--data").arg(data)))
}

/// Writes `model` with its weights in vectors to `export`.
///
/// # Errors
/// When it is no model; the trainer's own message has been shown.
pub fn reorder(workspace: &Workspace, model: &Path, export: &Path) -> Result<()> {
    let job = workspace.job("host-trainer").arg("reorder").arg(model).args(["--weight-order", "vectors", "--export"]);
    job.arg(export).capture().map(drop)
}

fn read<T: DeserializeOwned>(job: Job) -> Result<T> {
    let job = job.arg("--json");
    let name = job.name();
    let text = job.capture()?;
    serde_json::from_str(&text).with_context(|| format!("cannot understand what `{name}` printed"))
}
