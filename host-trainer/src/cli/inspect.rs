use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared_model::{FORMAT_VERSION, Layer, Matrix, Model, Provenance};

use super::messages::cost_lines;
use super::{OutputArguments, line, percent};
use crate::data::hex;
use crate::model::Cost;
use crate::network::backend::Backend;
use crate::run::model_file;
use crate::text::count;

#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Model file, or folder of the run that wrote it
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct InspectOutput {
    model_id: String,
    format: u8,
    bytes: usize,
    /// Weights and biases.
    parameters: usize,
    #[serde(flatten)]
    cost: Cost,
    rows: usize,
    columns: usize,
    classes: Vec<String>,
    layers: Vec<LayerOutput>,
    golden_vectors: usize,
    provenance: ProvenanceOutput,
}

#[derive(Serialize)]
struct LayerOutput {
    inputs: usize,
    outputs: usize,
    weight_order: String,
    weight_bytes: usize,
    weights: [i64; 2],
    zero_weights: usize,
    biases: [i64; 2],
    shifts: [i64; 2],
}

#[derive(Serialize)]
struct ProvenanceOutput {
    trainer: String,
    backend: String,
    seed: u64,
    epochs: u32,
    data_sha256: String,
    train_accuracy_float: Option<f64>,
    test_accuracy_float: Option<f64>,
    test_accuracy_fixed: Option<f64>,
}

impl InspectArguments {
    pub fn run(self) -> Result<()> {
        let model = model_file::resolve(&self.model);
        let bytes = model_file::read(&model)?;
        let view = model_file::load(&model, &bytes)?;
        let report = InspectOutput {
            model_id: view.id().to_string(),
            format: FORMAT_VERSION,
            bytes: bytes.len(),
            parameters: view.layers().iter().map(Layer::parameters).sum(),
            cost: Cost::of(&view),
            rows: view.image().rows.into(),
            columns: view.image().columns.into(),
            classes: view.class_names().map(str::to_owned).collect(),
            layers: view.matrices().map(LayerOutput::of).collect(),
            golden_vectors: view.golden_count(),
            provenance: ProvenanceOutput::of(&view),
        };
        self.output.print(&report, || report.text())
    }
}

impl InspectOutput {
    fn text(&self) -> String {
        let mut text = [
            line("model", format_args!("{}, format {}, {} bytes", self.model_id, self.format, self.bytes)),
            line("images", format_args!("{} rows, {} columns, 8 bits per pixel", self.rows, self.columns)),
            line("classes", self.classes.join(", ")),
        ]
        .concat();
        text += &line("parameters", count(self.parameters as u64));
        text += &cost_lines(&self.cost);
        for (index, layer) in self.layers.iter().enumerate() {
            let LayerOutput { inputs, outputs, weight_order, weight_bytes, weights, zero_weights, biases, shifts } =
                layer;
            text += &line(
                &format!("layer {index}"),
                format_args!("{inputs} inputs, {outputs} outputs, {weight_bytes} bytes of weights in {weight_order}"),
            );
            text += &line("  weights", format_args!("{}..={}, {zero_weights} of them 0", weights[0], weights[1]));
            text += &line("  biases", format_args!("{}..={}", biases[0], biases[1]));
            text += &line("  shifts", format_args!("{}..={} bits", shifts[0], shifts[1]));
        }
        let provenance = &self.provenance;
        let self_test = match self.golden_vectors {
            0 => "none: no golden vectors".to_owned(),
            1 => "passed: 1 golden vector".to_owned(),
            many => format!("passed: {many} golden vectors"),
        };
        let accuracy = |share: Option<f64>| share.map_or_else(|| "none".to_owned(), percent);
        text += &line("self-test", self_test);
        if provenance.backend == Backend::Imported.name() {
            text += &line("trained by", "another program");
            text += &line("imported by", &provenance.trainer);
            text += &line("calibrated on, SHA-256", &provenance.data_sha256);
        } else {
            text += &line("trained by", format_args!("{}, backend {}", provenance.trainer, provenance.backend));
            text += &line("trained with", format_args!("seed {}, {} epochs", provenance.seed, provenance.epochs));
            text += &line("training data, SHA-256", &provenance.data_sha256);
        }
        text += &line("training, float", accuracy(provenance.train_accuracy_float));
        text += &line("test, float", accuracy(provenance.test_accuracy_float));
        text += &line("test, fixed point", accuracy(provenance.test_accuracy_fixed));
        text
    }
}

impl LayerOutput {
    fn of(layer: &Matrix<'_>) -> Self {
        let (inputs, outputs) = (layer.inputs(), layer.outputs());
        let (weights, zero_weights) = survey(layer);
        Self {
            inputs,
            outputs,
            weight_order: layer.order().to_string(),
            weight_bytes: layer.weight_bytes(),
            weights,
            zero_weights,
            biases: range((0..outputs).map(|output| layer.bias(output))),
            shifts: range((0..outputs).map(|output| layer.requant(output).shift())),
        }
    }
}

impl ProvenanceOutput {
    fn of(view: &Model<'_>) -> Self {
        let Provenance {
            trainer,
            backend,
            seed,
            epochs,
            data_sha256,
            train_images,
            train_correct_float,
            test_images,
            test_correct_float,
            test_correct_fixed,
        } = view.provenance();
        Self {
            trainer: trainer.to_owned(),
            backend: backend.to_owned(),
            seed,
            epochs,
            data_sha256: hex(&data_sha256),
            train_accuracy_float: share(train_correct_float, train_images),
            test_accuracy_float: share(test_correct_float, test_images),
            test_accuracy_fixed: share(test_correct_fixed, test_images),
        }
    }
}

/// Returns the smallest and the largest weight of `layer`, and the count of zero weights.
fn survey(layer: &Matrix<'_>) -> ([i64; 2], usize) {
    let (mut least, mut largest, mut others) = (i8::MAX, i8::MIN, 0);
    // Pruned blocks are not stored, but padding is. So zeros are counted as the weights that are
    // not stored as another value.
    layer.visit_stored(|weight| {
        if weight != 0 {
            (least, largest) = (least.min(weight), largest.max(weight));
            others += 1;
        }
    });
    let zeros = (layer.inputs() * layer.outputs()).saturating_sub(others);
    if zeros > 0 {
        (least, largest) = (least.min(0), largest.max(0));
    }
    ([least.into(), largest.into()], zeros)
}

/// Returns `count / all`, or `None` if that is not a share, 0..=1.
fn share(count: u32, all: u32) -> Option<f64> {
    (all > 0 && count <= all).then(|| f64::from(count) / f64::from(all))
}

/// Returns the smallest and the largest of `values`.
fn range(values: impl Iterator<Item = impl Into<i64>>) -> [i64; 2] {
    let ends = values.map(Into::into).fold(None, |ends: Option<[i64; 2]>, value| {
        let [least, largest] = ends.unwrap_or([value; 2]);
        Some([least.min(value), largest.max(value)])
    });
    ends.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::DenseParameters;
    use crate::quantize::{encode_plain, quantize_dense};
    use shared_model::WeightOrder;

    #[test]
    fn every_order_gives_the_same_weight_statistics() {
        let full: Vec<f32> = (0..45).map(|index| 1.0 - index as f32 / 50.0).collect();
        let mut sparse = vec![0.0; 45];
        (sparse[7], sparse[8], sparse[44]) = (-0.5, 1.0, 0.25);
        for (weights, largest, zeros) in [(vec![0.0; 45], 0, 45), (sparse, 127, 42), (full, 127, 0)] {
            let layer = DenseParameters { inputs: 5, outputs: 9, weights, biases: vec![0.0; 9] };
            for order in [WeightOrder::Pairs, WeightOrder::Vectors, WeightOrder::Blocks] {
                let mut layers = quantize_dense(std::slice::from_ref(&layer), &[]).unwrap();
                layers[0].order = order;
                let bytes = encode_plain(&layers, 5);
                let view = Model::parse(&bytes).unwrap();
                let (found, count) = survey(view.matrices().next().unwrap());
                let expected =
                    (0..9).flat_map(|output| view.matrices().next().unwrap().row(output)).collect::<Vec<_>>();
                assert_eq!(found, range(expected.iter().copied()), "{order}");
                assert_eq!(count, expected.iter().filter(|weight| **weight == 0).count(), "{order}");
                assert_eq!((found[1], count), (largest, zeros), "{order}");
            }
        }
    }
}
