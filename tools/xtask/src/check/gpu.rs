//! `cargo xtask check gpu`: the trainer on a graphics card, from its build to answers that agree.

use anyhow::{Result, bail};
use clap::Args;
use comfy_table::Table;
use host_support::numbers::whole;
use host_support::parity::ParityRecord;
use serde::Serialize;

use crate::output::print;
use crate::parity::{self, LOOPBACK};
use crate::stages::Stages;
use crate::table::{self, percent};
use crate::trainer::{self, Backend, Evaluated, TestData, Trained};
use crate::workspace::Workspace;
use crate::{setup, sizes};

/// The object that `--json` prints. The keys are stable; accuracies are from 0 to 1.
#[derive(Serialize)]
struct GpuSummary {
    backend: &'static str,
    device: String,
    epochs: u32,
    seconds_per_epoch: f64,
    train_accuracy_float: f64,
    test_accuracy_float: f64,
    test_accuracy_fixed: f64,
    test_accuracy_loopback: f64,
    model_bytes: u64,
    #[serde(rename = "pictures")]
    images: u64,
    logits_compared: u64,
    logits_different: u64,
}

impl GpuSummary {
    fn new(backend: Backend, trained: &Trained, evaluated: &Evaluated, loopback: &ParityRecord) -> Self {
        Self {
            backend: backend.name(),
            device: trained.device.clone(),
            epochs: trained.epochs,
            seconds_per_epoch: trained.train_seconds / f64::from(trained.epochs.max(1)),
            train_accuracy_float: trained.train_accuracy_float,
            test_accuracy_float: trained.test_accuracy_float,
            test_accuracy_fixed: evaluated.accuracy,
            test_accuracy_loopback: loopback.accuracy,
            model_bytes: trained.model_bytes,
            images: loopback.images,
            logits_compared: loopback.logits_compared,
            logits_different: loopback.logits_different,
        }
    }

    fn table(&self) -> Table {
        table::facts([
            ("backend", self.backend.to_owned()),
            ("device", self.device.clone()),
            ("epochs", self.epochs.to_string()),
            ("seconds an epoch", format!("{:.1}", self.seconds_per_epoch)),
            ("training accuracy, float", percent(self.train_accuracy_float)),
            ("test accuracy, float", percent(self.test_accuracy_float)),
            ("test accuracy, fixed point on the host", percent(self.test_accuracy_fixed)),
            ("test accuracy, fixed point on loopback", percent(self.test_accuracy_loopback)),
            ("images compared", self.images.to_string()),
            ("logits compared", self.logits_compared.to_string()),
            ("logits that differ", self.logits_different.to_string()),
            ("model.bin", sizes::bytes(self.model_bytes)),
        ])
    }
}

#[derive(Args)]
pub struct Options {
    /// The backend to train on.
    #[arg(long, value_enum, default_value_t = Backend::Wgpu)]
    backend: Backend,
    /// Number of epochs.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u32>(1..=100_000))]
    epochs: u32,
    /// Print one JSON object on standard output instead of a table.
    #[arg(long)]
    json: bool,
}

pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let &Options { backend, epochs, json } = options;
    let name = backend.name();
    // A separate target folder keeps the programs of the default build.
    let workspace = Workspace { root: workspace.root.clone(), target: workspace.target.join("gpu") };
    let folder = workspace.folder(name)?;
    let (model, answers) = (folder.join("model.bin"), folder.join("answers.bin"));
    let epochs = epochs.to_string();

    let mut stages = Stages::new(6);
    stages.run("Setting up the data set", setup::ensure_data)?;
    stages.run(&format!("Building the trainer with {name}, and the parity tool"), || {
        let job = workspace.programs().args(["--features", &format!("host-trainer/{name}")]);
        job.arg("--target-dir").arg(&workspace.target).run()
    })?;
    stages.run("Looking for a device", || setup::ensure_device(&workspace, backend))?;
    let trained = stages.run(&format!("Training on {name}, quantizing and exporting"), || {
        trainer::train(&workspace, &folder, &["--backend", name, "--epochs", &epochs])
    })?;
    let evaluated = stages.run("Answering the test images on the host", || {
        trainer::evaluate(&workspace, &model, &answers, TestData::default())
    })?;
    let (loopback, _) =
        stages.run(&format!("Comparing with {LOOPBACK}"), || parity::compare(&workspace, LOOPBACK, &folder))?;

    let summary = GpuSummary::new(backend, &trained, &evaluated, &loopback);
    let printed =
        if json { print(serde_json::to_string(&summary)?) } else { print(format_args!("\n{}", summary.table())) };
    parity::verify(&loopback, &evaluated)?;
    verify(&trained, &evaluated)?;
    printed
}

/// Checks that the model answers as it did when it was exported.
fn verify(trained: &Trained, evaluated: &Evaluated) -> Result<()> {
    if trained.test_accuracy_fixed != evaluated.accuracy {
        let (then, now) = (percent(trained.test_accuracy_fixed), percent(evaluated.accuracy));
        bail!("test accuracy of the exported model: {now} now, {then} during the export");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_has_the_stable_keys_in_order() {
        let loopback = ParityRecord {
            device: LOOPBACK.into(),
            core: "x86_64".into(),
            images: 10_000,
            logits_compared: 100_000,
            accuracy: 0.839,
            ..ParityRecord::default()
        };
        let (trained, evaluated) = trainer::example();
        let summary = GpuSummary::new(Backend::Wgpu, &trained, &evaluated, &loopback);
        let expected = concat!(
            r#"{"backend":"wgpu","device":"llvmpipe (Vulkan, software)","epochs":2,"seconds_per_epoch":15.0,"#,
            r#""train_accuracy_float":0.85,"test_accuracy_float":0.84,"test_accuracy_fixed":0.839,"#,
            r#""test_accuracy_loopback":0.839,"model_bytes":104000,"pictures":10000,"logits_compared":100000,"#,
            r#""logits_different":0}"#
        );
        assert_eq!(serde_json::to_string(&summary).unwrap(), expected);
    }

    #[test]
    fn an_accuracy_that_differs_from_the_export_is_an_error() {
        let (trained, evaluated) = trainer::example();
        assert!(verify(&trained, &evaluated).is_ok());
        let error = verify(&trained, &Evaluated { accuracy: 0.8389, ..evaluated }).unwrap_err().to_string();
        assert!(error.contains("83.90 %") && error.contains("83.89 %"), "{error}");
    }
}
