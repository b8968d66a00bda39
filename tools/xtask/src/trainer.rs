//! Calls to host-trainer, and its results.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use serde::Deserialize;

use crate::workspace::Workspace;

/// The seed of the network of the demo and the tests.
const SEED: &str = "1";

/// The trainer's backends for graphics cards; each is a feature of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Vulkan, or Metal on a Mac; without a graphics card Debian's software Vulkan
    Wgpu,
    /// NVIDIA's CUDA: needs a card and its driver; the build downloads LLVM
    Cuda,
}

impl Backend {
    pub fn name(self) -> &'static str {
        match self {
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }
}

/// The result of a training; accuracies are from 0 to 1.
#[derive(Debug, Deserialize)]
pub struct Trained {
    pub device: String,
    pub epochs: u32,
    pub train_seconds: f64,
    pub train_accuracy_float: f64,
    pub test_accuracy_float: f64,
    pub test_accuracy_fixed: f64,
    pub model_bytes: u64,
}

/// The result of an evaluation in fixed point on the test split.
#[derive(Debug, Deserialize)]
pub struct Evaluated {
    pub model_id: String,
    #[serde(rename = "pictures")]
    pub images: u64,
    /// From 0 to 1.
    pub accuracy: f64,
}

/// Trains with the defaults and `arguments`; writes `model.bin` and the folder `run` into `folder`.
pub fn train(workspace: &Workspace, folder: &Path, arguments: &[&str]) -> Result<Trained> {
    let job = workspace
        .job("host-trainer")
        .args(["train", "--seed", SEED])
        .args(arguments)
        .arg("--overwrite")
        .arg("--run")
        .arg(folder.join("run"))
        .arg("--export")
        .arg(folder.join("model.bin"));
    job.arg("--json").capture_json()
}

/// The data set whose test images are used. By default the trainer finds it.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestData<'a> {
    pub folder: Option<&'a Path>,
    /// True if the model may have been trained on another one.
    pub is_other: bool,
}

/// Evaluates a model on the test split of `data` and writes every answer to `answers`.
pub fn evaluate(workspace: &Workspace, model: &Path, answers: &Path, data: TestData<'_>) -> Result<Evaluated> {
    let job = workspace.job("host-trainer").arg("evaluate").arg(model).arg("--answers").arg(answers);
    let job = job.option("--data", data.folder).arg("--json");
    if data.is_other { job.arg("--other-data") } else { job }.capture_json()
}

/// Writes `model` with the weight order `vectors` to `export`.
pub fn reorder(workspace: &Workspace, model: &Path, export: &Path) -> Result<()> {
    let job = workspace.job("host-trainer").arg("reorder").arg(model).args(["--weight-order", "vectors", "--export"]);
    job.arg(export).capture().map(drop)
}

/// Results of a training and its evaluation.
#[cfg(test)]
pub fn example() -> (Trained, Evaluated) {
    let trained = Trained {
        device: "llvmpipe (Vulkan, software)".into(),
        epochs: 2,
        train_seconds: 30.0,
        train_accuracy_float: 0.85,
        test_accuracy_float: 0.84,
        test_accuracy_fixed: 0.839,
        model_bytes: 104_000,
    };
    (trained, Evaluated { model_id: "00000000".into(), images: 10_000, accuracy: 0.839 })
}
