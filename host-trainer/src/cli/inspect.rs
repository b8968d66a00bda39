use std::path::{Path, PathBuf};
use std::slice;

use anyhow::Result;
use clap::Args;
use prenda::compiled::Sizes;
use prenda::{LOGIT_FRACTION_BITS, Layer, MAGIC, Matrix, Model, Network, Provenance, Shape};
use serde::Serialize;

use super::messages::{cost_lines, estimate_lines, feature_lines};
use super::{OutputArguments, line, percent};
use crate::data::{FeatureSummary, OwnedFeature, hex};
use crate::model::cascade;
use crate::model::{Cost, Estimates, Evaluation, multiplications};
use crate::network::backend::Backend;
use crate::run::{RunFile, RunFolder, model_file};
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
    /// `None` if weights are in vectors.
    #[serde(flatten)]
    estimates: Option<Estimates>,
    /// The types that read and run the model at run time.
    rust_types: String,
    /// Smallest `MEMORY` of a workspace that runs it at run time.
    memory_bytes: usize,
    rows: usize,
    columns: usize,
    channels: usize,
    classes: Vec<String>,
    /// One for each input of a model for rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    features: Vec<FeatureSummary>,
    networks: Vec<NetworkOutput>,
    /// The layers of all networks.
    layers: Vec<LayerOutput>,
    golden_vectors: usize,
    provenance: ProvenanceOutput,
}

#[derive(Serialize)]
struct NetworkOutput {
    /// Its layers in words.
    network: String,
    layers: usize,
    /// Smallest lead of the best logit with which it answers; `None` for the last network.
    margin: Option<f64>,
}

#[derive(Serialize)]
struct LayerOutput {
    /// Index of the layer's network.
    network: usize,
    kind: &'static str,
    /// The layer in words.
    layer: String,
    /// Rows, columns and channels.
    input_shape: [u16; 3],
    output_shape: [u16; 3],
    inputs: usize,
    outputs: usize,
    /// Weights and biases.
    parameters: usize,
    /// For an image without zero pixels.
    multiplications: usize,
    /// Bytes of RAM while the layer runs: accumulators, a window, activations.
    ram_bytes: usize,
    /// Weights and biases; pools have none.
    #[serde(flatten)]
    matrix: Option<MatrixOutput>,
}

#[derive(Serialize)]
struct MatrixOutput {
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
            // The byte after the magic.
            format: bytes.get(MAGIC.len()).copied().unwrap_or_default(),
            bytes: bytes.len(),
            parameters: view.layers().iter().map(Layer::parameters).sum(),
            cost: Cost::of(&view),
            estimates: Estimates::of(&view, evaluation(&model, &view).as_ref()),
            rust_types: format!(
                "Model::<{}>, Workspace::<{}, {}>; compiled in, the workspace has {} bytes",
                view.layers().len(),
                view.memory_bytes(),
                view.classes(),
                count(Sizes::of(&view).bytes(view.classes()) as u64)
            ),
            memory_bytes: view.memory_bytes(),
            rows: view.image().rows.into(),
            columns: view.image().columns.into(),
            channels: view.image().channels.into(),
            classes: view.class_names().map(str::to_owned).collect(),
            features: OwnedFeature::of_model(&view).iter().map(OwnedFeature::summary).collect(),
            networks: view.networks().map(NetworkOutput::of).collect(),
            layers: LayerOutput::all(&view),
            golden_vectors: view.golden_count(),
            provenance: ProvenanceOutput::of(&view),
        };
        self.output.print(&report, || report.text())
    }
}

/// Returns the evaluation of the model at `path`, if a file next to it is one.
fn evaluation(path: &Path, model: &Model<'_>) -> Option<Evaluation> {
    let folder = RunFolder::at(path.parent()?.to_owned());
    let evaluation: Evaluation = folder.read(RunFile::Evaluation).ok()?;
    (evaluation.model_id == model.id().to_string()).then_some(evaluation)
}

impl InspectOutput {
    fn text(&self) -> String {
        let mut text = [
            line("model", format_args!("{}, format {}, {} bytes", self.model_id, self.format, self.bytes)),
            line("images", self.images()),
            line("classes", self.classes.join(", ")),
            feature_lines(&self.features),
        ]
        .concat();
        text += &line("parameters", count(self.parameters as u64));
        text += &cost_lines(&self.cost);
        text += &self.estimates.as_ref().map_or_else(String::new, estimate_lines);
        text += &line("in Rust", &self.rust_types);
        let mut network = None;
        for (index, layer) in self.layers.iter().enumerate() {
            if self.networks.len() > 1 && network != Some(layer.network) {
                network = Some(layer.network);
                text += &line(&format!("network {}", layer.network), self.networks[layer.network].text());
            }
            text += &layer.text(index);
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
        } else if self.networks.len() > 1 {
            text += &line("made by", &provenance.trainer);
            text += &line("made as", &provenance.backend);
            text += &line("training data, SHA-256", &provenance.data_sha256);
        } else {
            text += &line("trained by", format_args!("{}, backend {}", provenance.trainer, provenance.backend));
            text += &line("trained with", format_args!("seed {}, {} epochs", provenance.seed, provenance.epochs));
            text += &line("training data, SHA-256", &provenance.data_sha256);
        }
        if self.networks.len() == 1 {
            text += &line("training, float", accuracy(provenance.train_accuracy_float));
            text += &line("test, float", accuracy(provenance.test_accuracy_float));
        }
        text += &line("test, fixed point", accuracy(provenance.test_accuracy_fixed));
        text
    }
}

impl InspectOutput {
    fn images(&self) -> String {
        let Self { rows, columns, channels, features, .. } = self;
        if !features.is_empty() {
            return format!(
                "none: it takes rows of {} features, shaped as {rows} x {columns} x {channels}",
                features.len()
            );
        }
        let channels = if *channels == 1 { String::new() } else { format!(", {channels} channels") };
        format!("{rows} rows, {columns} columns{channels}, 8 bits per pixel")
    }
}

impl NetworkOutput {
    fn of(network: Network<'_, '_>) -> Self {
        let margin = network.margin().map(|margin| f64::from(margin) / f64::from(1_u32 << LOGIT_FRACTION_BITS));
        Self { network: network.to_string(), layers: network.layers().len(), margin }
    }

    fn text(&self) -> String {
        let answers = match self.margin {
            Some(margin) => format!("answers if its best logit exceeds the second by {margin:.4}"),
            None => "answers all that reach it".to_owned(),
        };
        format!("{answers}; {} layers", self.layers)
    }
}

impl LayerOutput {
    /// Describes the layers of all networks.
    fn all(view: &Model<'_>) -> Vec<Self> {
        let of_network = |(index, network): (usize, Network<'_, '_>)| {
            let layers = network.layers();
            let of_layer = |(place, layer)| Self::of(layer, index, place == 0, place + 1 == layers.len());
            layers.iter().enumerate().map(of_layer).collect::<Vec<_>>()
        };
        view.networks().enumerate().flat_map(of_network).collect()
    }

    fn of(layer: &Layer<'_>, network: usize, is_first: bool, is_last: bool) -> Self {
        let sizes = |Shape { rows, columns, channels }: Shape| [rows, columns, channels];
        Self {
            network,
            kind: layer.kind().name(),
            layer: layer.to_string(),
            input_shape: sizes(layer.input()),
            output_shape: sizes(layer.output()),
            inputs: layer.inputs(),
            outputs: layer.outputs(),
            parameters: layer.parameters(),
            multiplications: multiplications(slice::from_ref(layer)),
            ram_bytes: layer.memory_bytes(is_first, is_last),
            matrix: layer.matrix().map(|matrix| MatrixOutput::of(matrix, layer.weights_per_output())),
        }
    }

    fn text(&self, index: usize) -> String {
        let Self { inputs, outputs, input_shape, output_shape, .. } = self;
        let sizes = |[rows, columns, channels]: [u16; 3]| format!("{rows}x{columns}x{channels}");
        let shapes = match self.kind {
            "dense" => format!("{inputs} inputs, {outputs} outputs"),
            _ => format!("{}: {} to {}", self.layer, sizes(*input_shape), sizes(*output_shape)),
        };
        let weights = self.matrix.as_ref().map_or_else(String::new, |matrix| {
            format!(", {} bytes of weights in {}", matrix.weight_bytes, matrix.weight_order)
        });
        let mut text = line(&format!("layer {index}"), format_args!("{shapes}{weights}"));
        let [parameters, multiplications, ram_bytes] =
            [self.parameters, self.multiplications, self.ram_bytes].map(|number| count(number as u64));
        text += &line(
            "  cost",
            format_args!("{parameters} parameters, {multiplications} multiplications, {ram_bytes} bytes of RAM"),
        );
        let Some(MatrixOutput { weights, zero_weights, biases, shifts, .. }) = &self.matrix else { return text };
        text += &line("  weights", format_args!("{}..={}, {zero_weights} of them 0", weights[0], weights[1]));
        text += &line("  biases", format_args!("{}..={}", biases[0], biases[1]));
        text + &line("  shifts", format_args!("{}..={} bits", shifts[0], shifts[1]))
    }
}

impl MatrixOutput {
    /// Describes a matrix of which each output has `weights_per_output`, without padding.
    fn of(matrix: &Matrix<'_>, weights_per_output: usize) -> Self {
        let outputs = matrix.outputs();
        let (weights, zero_weights) = survey(matrix, weights_per_output);
        Self {
            weight_order: matrix.order().to_string(),
            weight_bytes: matrix.weight_bytes(),
            weights,
            zero_weights,
            biases: range((0..outputs).map(|output| matrix.bias(output))),
            shifts: range((0..outputs).map(|output| matrix.requant(output).shift())),
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
        // A cascade has no float network.
        let test_images_float = if backend.starts_with(cascade::BACKEND) { 0 } else { test_images };
        Self {
            trainer: trainer.to_owned(),
            backend: backend.to_owned(),
            seed,
            epochs,
            data_sha256: hex(&data_sha256),
            train_accuracy_float: share(train_correct_float, train_images),
            test_accuracy_float: share(test_correct_float, test_images_float),
            test_accuracy_fixed: share(test_correct_fixed, test_images),
        }
    }
}

/// Returns the smallest and the largest weight of `layer`, and the count of zeros among the
/// `weights_per_output` of each output.
fn survey(layer: &Matrix<'_>, weights_per_output: usize) -> ([i64; 2], usize) {
    let (mut least, mut largest, mut others) = (i8::MAX, i8::MIN, 0);
    // Pruned blocks are not stored, but padding is. So zeros are counted as the weights that are
    // not stored as another value.
    layer.visit_stored(|weight| {
        if weight != 0 {
            (least, largest) = (least.min(weight), largest.max(weight));
            others += 1;
        }
    });
    let zeros = (weights_per_output * layer.outputs()).saturating_sub(others);
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
    use crate::network::{Architecture, DenseParameters};
    use crate::quantize::{WeightBits, encode_network, encode_plain, quantize, quantize_dense};
    use prenda::WeightOrder;

    #[test]
    fn layers_are_described_as_they_are_trained() {
        let text = "conv 8 3x3 stride 2; depthwise 5x3 stride 2x1 valid; maxpool 2x2; conv 4 1x1; avgpool 3x3 stride 1 \
                    same; conv 6 3x3 pad 2; maxpool 3x2 pad 1; avgpool global; dense 32; dense 10";
        let image = Shape { rows: 28, columns: 26, channels: 3 };
        let plan = text.parse::<Architecture>().unwrap().plan(image, 10).unwrap();
        let layers = plan.iter().filter_map(|layer| layer.matrix()).map(|[inputs, outputs]| DenseParameters {
            inputs,
            outputs,
            weights: vec![0.0; inputs * outputs],
            biases: vec![0.0; outputs],
        });
        let layers: Vec<_> = layers.collect();
        let quantized = quantize(&plan, &layers, &vec![1.0; layers.len() - 1], WeightBits::Eight).unwrap();
        let bytes = encode_network(&plan, &quantized);
        let view = Model::parse(&bytes).unwrap();
        assert_eq!(view.networks().next().unwrap().to_string(), text);
        let layers = LayerOutput::all(&view);
        let shapes: Vec<_> = layers.iter().map(|layer| (layer.kind, layer.output_shape)).collect();
        assert_eq!(shapes[..3], [("conv", [14, 13, 8]), ("depthwise", [5, 11, 8]), ("maxpool", [2, 5, 8])]);
        assert!(layers[2].matrix.is_none() && layers[2].parameters == 0);
        assert_eq!((layers[0].parameters, layers[0].multiplications), (8 * 28, 14 * 13 * 8 * 27));
        // A list, accumulators, a window with padded rows, the output.
        assert_eq!(layers[0].ram_bytes, 8 * (15 + 5) + 4 * 8 + 3 * 10 + 2 + 14 * 13 * 8);
        let text = layers[0].text(0);
        assert!(text.contains("conv 8 3x3 stride 2: 28x26x3 to 14x13x8, 240 bytes of weights in pairs"), "{text}");
        assert!(layers[2].text(2).contains("maxpool 2x2: 5x11x8 to 2x5x8\n"), "{}", layers[2].text(2));
    }

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
                let (found, count) = survey(view.matrices().next().unwrap(), 5);
                let expected =
                    (0..9).flat_map(|output| view.matrices().next().unwrap().row(output)).collect::<Vec<_>>();
                assert_eq!(found, range(expected.iter().copied()), "{order}");
                assert_eq!(count, expected.iter().filter(|weight| **weight == 0).count(), "{order}");
                assert_eq!((found[1], count), (largest, zeros), "{order}");
            }
        }
    }
}
