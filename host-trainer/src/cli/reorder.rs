//! `host-trainer reorder`.

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
pub struct Arguments {
    /// The model, or the folder of the run that left it
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The order that its weights of 8 bits shall have; layers of four bits, ternary or pruned ones stay as they are
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
    /// Two inputs by eight outputs: what train writes, for every core and for desks
    Pairs,
    /// Sixteen inputs by eight outputs: for cores with Helium, such as Cortex-M55, three times as fast there; nearly twenty times as
    /// slow on other Cortex-M
    Vectors,
}

#[derive(Serialize)]
struct Report {
    model: Shown<PathBuf>,
    model_id: String,
    model_bytes: usize,
    weight_order: String,
    layers: usize,
    layers_changed: usize,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let model = model_file::resolve(&self.model);
        check_export(&self.export, None, [&model])?;
        let bytes = model_file::read(&model)?;
        let view = model_file::load(&model, &bytes)?;
        let order = match self.weight_order {
            Order::Pairs => WeightOrder::Pairs,
            Order::Vectors => WeightOrder::Vectors,
        };
        let reordered = reorder(&view, order).context("the model cannot be written in that order")?;
        let model_id = Model::parse(&reordered)?.id().to_string();
        files::write(&self.export, &reordered)?;
        let report = Report {
            model: Shown(self.export),
            model_id,
            model_bytes: reordered.len(),
            weight_order: order.to_string(),
            layers: view.layers().count(),
            layers_changed: view.layers().filter(|layer| is_changed(layer, order)).count(),
        };
        self.output.print(&report, || report.text())
    }
}

impl Report {
    fn text(&self) -> String {
        let Self { model, model_id, model_bytes, weight_order, layers, layers_changed } = self;
        let weights = match layers_changed {
            0 => "as they were, no layer changed".to_owned(),
            changed => format!("in {weight_order}, {changed} of {layers} layers changed"),
        };
        line("model", format_args!("{model} ({model_id}, {model_bytes} bytes)")) + &line("weights", weights)
    }
}
