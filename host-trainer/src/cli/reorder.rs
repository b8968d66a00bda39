use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use prenda::{Model, WeightOrder};
use serde::Serialize;

use super::model_data::{ModelDataArguments, configuration};
use super::{OutputArguments, check_export, line, percent};
use crate::model::Paired;
use crate::model::reorder::{is_changed, reorder};
use crate::run::model_file;
use crate::support::files;
use crate::text::Shown;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer reorder model.bin --weight-order vectors --export model-m55.bin
  host-trainer reorder model.bin --pair-channels --export faster.bin")]
pub struct ReorderArguments {
    /// Model file, or folder of the run that wrote it
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Order of the weights of 8 bits; layers that are pruned or have weights of 4 or 2 bits do not
    /// change
    #[arg(long, value_name = "ORDER", value_enum, required_unless_present = "pair_channels")]
    weight_order: Option<Order>,
    /// Make channels neighbours that are often zero together on the first 1,000 training images, so
    /// that a device can skip more pairs of zeros; pruned layers do not change
    #[arg(long)]
    pair_channels: bool,
    /// File to write the model to
    #[arg(long, value_name = "FILE")]
    export: PathBuf,
    #[command(flatten)]
    data: ModelDataArguments,
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
    /// `None` if it is unchanged.
    weight_order: Option<String>,
    layers: usize,
    layers_changed: usize,
    /// With --pair-channels.
    zero_pairs: Vec<Paired>,
}

impl ReorderArguments {
    pub fn run(self) -> Result<()> {
        let model = model_file::resolve(&self.model);
        check_export(&self.export, None, [&model])?;
        let bytes = model_file::read(&model)?;
        let view = model_file::load(&model, &bytes)?;
        let order = self.weight_order.map(|order| match order {
            Order::Pairs => WeightOrder::Pairs,
            Order::Vectors => WeightOrder::Vectors,
        });
        let data = self.pair_channels.then(|| self.data.load(&model, &view, configuration(&model, &view).as_ref()));
        let data = data.transpose()?;
        let images = data.as_ref().map(|data| &data.data.train);
        let (reordered, zero_pairs) = reorder(&view, order, images).context("cannot write the model in that order")?;
        let model_id = Model::parse(&reordered)?.id().to_string();
        files::write(&self.export, &reordered)?;
        let report = ReorderOutput {
            model: Shown(self.export),
            model_id,
            model_bytes: reordered.len(),
            weight_order: order.map(|order| order.to_string()),
            layers: view.layers().len(),
            layers_changed: order
                .map_or(0, |order| view.layers().iter().filter(|layer| is_changed(layer, order)).count()),
            zero_pairs,
        };
        self.output.print(&report, || report.text())
    }
}

impl ReorderOutput {
    fn text(&self) -> String {
        let Self { model, model_id, model_bytes, weight_order, layers, layers_changed, zero_pairs } = self;
        let mut text = line("model", format_args!("{model} ({model_id}, {model_bytes} bytes)"));
        text += &match weight_order {
            Some(order) if *layers_changed > 0 => {
                line("weights", format_args!("in {order}, {layers_changed} of {layers} layers changed"))
            }
            Some(_) => line("weights", "unchanged in all layers"),
            None if zero_pairs.is_empty() => {
                line("channels", "unchanged: no layer without pruning reads the channels of another")
            }
            None => String::new(),
        };
        for Paired { layer, before, after } in zero_pairs {
            let name = format!("zero pairs, layer {layer}");
            text += &line(&name, format_args!("{} of the inputs, {} before", percent(*after), percent(*before)));
        }
        text
    }
}
