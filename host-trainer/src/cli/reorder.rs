use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde::Serialize;
use shared_model::{Model, WeightOrder};

use super::{OutputArguments, check_export, line};
use crate::model::reorder::{is_changed, reorder};
use crate::run::model_file;
use crate::support::files;
use crate::text::Shown;

#[derive(Debug, Args)]
#[command(after_help = "Example: host-trainer reorder model.bin --weight-order vectors --export model-m55.bin")]
pub struct ReorderArguments {
    /// Model file, or folder of the run that wrote it
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Order of the weights of 8 bits; layers that are pruned or have weights of 4 or 2 bits do not
    /// change
    #[arg(long, value_name = "ORDER", value_enum)]
    weight_order: Order,
    /// File to write the model to
    #[arg(long, value_name = "FILE")]
    export: PathBuf,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Order {
    /// 2 inputs by 8 outputs: the order that train writes, for every core and for hosts
    Pairs,
    /// 16 inputs by 8 outputs: three times as fast on cores with Helium, such as Cortex-M55, and
    /// nearly twenty times as slow on other Cortex-M cores
    Vectors,
}

#[derive(Serialize)]
struct ReorderOutput {
    model: Shown<PathBuf>,
    model_id: String,
    model_bytes: usize,
    weight_order: String,
    layers: usize,
    layers_changed: usize,
}

impl ReorderArguments {
    pub fn run(self) -> Result<()> {
        let model = model_file::resolve(&self.model);
        check_export(&self.export, None, [&model])?;
        let bytes = model_file::read(&model)?;
        let view = model_file::load(&model, &bytes)?;
        let order = match self.weight_order {
            Order::Pairs => WeightOrder::Pairs,
            Order::Vectors => WeightOrder::Vectors,
        };
        let reordered = reorder(&view, order).context("cannot write the model in that order")?;
        let model_id = Model::parse(&reordered)?.id().to_string();
        files::write(&self.export, &reordered)?;
        let report = ReorderOutput {
            model: Shown(self.export),
            model_id,
            model_bytes: reordered.len(),
            weight_order: order.to_string(),
            layers: view.layers().len(),
            layers_changed: view.layers().iter().filter(|layer| is_changed(layer, order)).count(),
        };
        self.output.print(&report, || report.text())
    }
}

impl ReorderOutput {
    fn text(&self) -> String {
        let Self { model, model_id, model_bytes, weight_order, layers, layers_changed } = self;
        let weights = match layers_changed {
            0 => "unchanged in all layers".to_owned(),
            changed => format!("in {weight_order}, {changed} of {layers} layers changed"),
        };
        line("model", format_args!("{model} ({model_id}, {model_bytes} bytes)")) + &line("weights", weights)
    }
}
