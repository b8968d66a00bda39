use std::path::Path;

use networks::MatrixName;
use serde::Serialize;

use super::comparison::Comparison;
use crate::cli::line;
use crate::cli::messages::outcome_lines;
use crate::model::import::{Layer, Orientation, SourceComparison};
use crate::run::Outcome;
use crate::text::{Shown, printable};

#[derive(Serialize)]
pub struct ImportOutput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Shown<&'a Path>>,
    pub model: Shown<&'a Path>,
    pub layers: &'a [FoundLayer],
    pub unused: &'a [String],
    /// A comparison with outputs of the program that trained the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Comparison>,
    /// A comparison with the file's own integers, if the model has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceComparison>,
    #[serde(flatten)]
    pub outcome: &'a Outcome,
    pub generalization_gap: f64,
    pub seconds: f64,
}

/// A layer with weights.
#[derive(Serialize)]
pub struct FoundLayer {
    /// Its place among all layers, from 0.
    #[serde(skip)]
    place: usize,
    /// The tensor of its weights, or its operator.
    weight: String,
    bias: Option<String>,
    /// `None` for an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    orientation: Option<Orientation>,
    inputs: usize,
    outputs: usize,
}

impl FoundLayer {
    /// Describes a layer of tensors at `place`.
    pub fn of(layer: &Layer<'_>, place: usize) -> Self {
        let Layer { weight, bias, orientation, reads, outputs, .. } = layer;
        Self {
            place,
            weight: weight.name.clone(),
            bias: bias.map(|bias| bias.name.clone()),
            orientation: Some(*orientation),
            inputs: reads.count(),
            outputs: *outputs,
        }
    }

    /// Describes a layer of an operator.
    pub fn of_operator(name: MatrixName) -> Self {
        let MatrixName { layer, operator, inputs, outputs } = name;
        Self { place: layer, weight: operator, bias: None, orientation: None, inputs, outputs }
    }
}

impl ImportOutput<'_> {
    pub fn text(&self, test_images: usize) -> String {
        let outcome = self.outcome;
        let layers = self.layers.iter().map(|layer| {
            let FoundLayer { place, weight, bias, orientation, inputs, outputs } = layer;
            let tensors = match orientation {
                Some(orientation) => {
                    format!("{weight} ({}), {}", orientation.name(), bias.as_deref().unwrap_or("no bias"))
                }
                None => weight.clone(),
            };
            let name = format!("layer {place}");
            line(&name, format_args!("{inputs} inputs, {outputs} outputs: {}", printable(&tensors)))
        });
        let mut text: String = layers.collect();
        text += &outcome_lines(outcome, test_images, self.model.0);
        if let Some(check) = self.check {
            text += &line("check", check);
        }
        if let Some(SourceComparison { images, logits, equal, largest_difference, same_class }) = self.source {
            let rest = match largest_difference {
                0 => String::new(),
                1 => ", the others 1 step off".to_owned(),
                steps => format!(", the others at most {steps} steps off"),
            };
            text += &line(
                "source",
                format_args!(
                    "{equal} of {logits} logits are the file's integers{rest}; same class for {same_class} of \
                     {images} images"
                ),
            );
        }
        if let Some(run) = self.run {
            text += &line("run", run);
        }
        text + &line("time", format_args!("{:.1} s", self.seconds))
    }
}
