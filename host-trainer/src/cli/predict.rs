//! `host-trainer predict`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared_model::{HostWorkspace, PROBABILITY_ONE};

use super::{DataArguments, OutputArguments, UsageError, line, percent};
use crate::{model_file, picture};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    picture: PictureArguments,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct PictureArguments {
    /// A test picture, by its index from 0
    #[arg(long, value_name = "N")]
    index: Option<usize>,
    /// A PNG or JPEG file of the model's size, bright on black, grey or made so
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "class_names"])]
    image: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    model_id: String,
    class: usize,
    class_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_name: Option<String>,
    probabilities: Vec<f64>,
    logits: Vec<f64>,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let bytes = model_file::read(&self.model)?;
        let view = model_file::parse(&self.model, &bytes)?;
        let names: Vec<&str> = view.class_names().collect();
        let (pixels, label) = match self.picture {
            PictureArguments { image: Some(path), .. } => (picture::read(&path, view.rows(), view.columns())?, None),
            PictureArguments { index, .. } => {
                let index = index.unwrap_or_default();
                let data = self.data.load()?;
                super::evaluate::check_fit(&view, &data)?;
                let last = data.test.len().saturating_sub(1);
                let label = data.test.labels.get(index).copied();
                let label = label.ok_or_else(|| UsageError(format!("--index {index} is not in 0..={last}")))?;
                (data.test.picture(index).to_vec(), Some(label))
            }
        };
        let mut workspace = HostWorkspace::new();
        let prediction = workspace.infer(&view, &pixels)?;
        let name = |class: usize| names.get(class).copied().unwrap_or_default().to_owned();
        let report = Report {
            model_id: view.id().to_string(),
            class: prediction.class,
            class_name: name(prediction.class),
            label,
            label_name: label.map(|label| name(label.into())),
            probabilities: prediction.probabilities.iter().map(|&value| probability(value)).collect(),
            logits: prediction.logits.iter().map(|&logit| f64::from(logit) / 65536.0).collect(),
        };
        self.output.print(&report, || {
            let mut text = line("class", &report.class_name);
            if let Some(label) = &report.label_name {
                text += &line("label", label);
            }
            for (class, probability) in names.iter().zip(&report.probabilities) {
                text += &line(&format!("  {class}"), format_args!("{:>9}", percent(*probability)));
            }
            text
        })
    }
}

/// A probability of the format as a share, 0..=1.
fn probability(value: u16) -> f64 {
    f64::from(value) / f64::from(PROBABILITY_ONE)
}
