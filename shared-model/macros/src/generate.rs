//! The source of the module.

use std::fmt::Write as _;
use std::path::Path;

use prenda_core::compiled::{Place, Sizes, places, scratch_sizes, tables, words};
use prenda_core::{Feature, Layer, LayerKind, Matrix, Model, Shape, WeightOrder, Window};

use crate::arguments::Arguments;

/// Returns the source of the module for `model`, whose bytes are in the file at `path`.
pub fn module(arguments: &Arguments, path: &Path, model: &Model<'_>) -> String {
    let sizes = Sizes::of(model);
    let Sizes { list, sums, window, activations, .. } = sizes;
    let (classes, pixels) = (model.classes(), model.input_width());
    let names: Vec<_> = model.class_names().collect();
    let (before, name, id) = (&arguments.before, &arguments.name, model.id().0);
    let Shape { rows, columns, channels } = model.image();
    let workspace_bytes = sizes.bytes(classes);
    let (chain, networks) = (chain(model), networks(model, &sizes));
    let (golden, features) = (golden(model), features(model));
    let (bytes, layer_count, network_count) = (model.bytes().len(), model.layers().len(), model.networks().len());
    format!(
        r#"
#[allow(
    clippy::all, clippy::nursery, clippy::pedantic, clippy::restriction, dead_code, unused_variables,
    reason = "generated: a program need not use all of it, and has lints of its own"
)]
{before} mod {name} {{
    //! A model that was read when this program was compiled.

    use ::prenda::compiled as c;
    use ::prenda::{{ModelId, Prediction, SelfTestError}};

    const MODEL: &[u8] = ::core::include_bytes!({path:?});
    const _: () = ::core::assert!(
        c::is_model(MODEL, {bytes}, {id}),
        "the model changed while it was compiled; build again"
    );

    /// The identity of the model.
    pub const ID: ModelId = ModelId({id});
    /// Rows, columns and channels of an image.
    pub const SHAPE: [usize; 3] = [{rows}, {columns}, {channels}];
    /// Bytes of an image: row by row, all channels of a pixel next to each other.
    pub const PIXELS: usize = {pixels};
    /// Number of classes.
    pub const CLASSES: usize = {classes};
    /// Names of the classes.
    pub const NAMES: [&str; CLASSES] = {names:?};
    {features}

    /// The memory that inference writes: {workspace_bytes} bytes.
    #[derive(Clone, Debug)]
    pub struct Workspace {{
        list: [[u32; 2]; {list}],
        sums: [i32; {sums}],
        window: c::Words<{window}>,
        activations: c::Words<{activations}>,
        logits: [i32; CLASSES],
        scratch: [u32; CLASSES],
        probabilities: [u16; CLASSES],
    }}

    impl Workspace {{
        /// Returns an empty workspace.
        #[must_use]
        pub const fn new() -> Self {{
            Self {{
                list: [[0; 2]; {list}],
                sums: [0; {sums}],
                window: c::Words([0; {window}]),
                activations: c::Words([0; {activations}]),
                logits: [0; CLASSES],
                scratch: [0; CLASSES],
                probabilities: [0; CLASSES],
            }}
        }}
    }}

    impl Default for Workspace {{
        fn default() -> Self {{
            Self::new()
        }}
    }}

    ::prenda::if_link! {{
        impl ::prenda::Classifier for Workspace {{
            const WORKSPACE_BYTES: usize = ::core::mem::size_of::<Self>();

            fn info(&self) -> ::prenda::ModelInfo {{
                ::prenda::ModelInfo {{
                    id: ID,
                    bytes: {bytes},
                    inputs: PIXELS as u32,
                    classes: CLASSES as u16,
                    layers: {layer_count},
                }}
            }}

            fn networks(&self) -> usize {{
                {network_count}
            }}

            fn infer(&mut self, pixels: &[u8]) -> Result<Prediction<'_>, ::prenda::InferError> {{
                match pixels.try_into() {{
                    Ok(pixels) => Ok(infer(self, pixels)),
                    Err(_) => Err(c::wrong_length(PIXELS, pixels)),
                }}
            }}

            fn self_test(&mut self) -> Result<(), ::prenda::DeviceFault> {{
                self_test(self).map_err(::prenda::DeviceFault::SelfTest)
            }}
        }}
    }}

    /// Classifies an image: raw pixels, one byte each.
    pub fn infer<'w>(workspace: &'w mut Workspace, pixels: &[u8; PIXELS]) -> Prediction<'w> {{
        let network = run(workspace, pixels);
        let Workspace {{ logits, scratch, probabilities, .. }} = workspace;
        c::softmax(logits, scratch, probabilities);
        Prediction {{ class: c::argmax(logits), network, logits, probabilities }}
    }}

    /// Returns the class of an image, without probabilities.
    pub fn classify(workspace: &mut Workspace, pixels: &[u8; PIXELS]) -> usize {{
        run(workspace, pixels);
        c::argmax(&workspace.logits)
    }}

    /// Infers the images that the model carries, and compares all outputs with those of the host
    /// that exported it.
    ///
    /// # Errors
    ///
    /// Returns the first vector that differs.
    pub fn self_test(workspace: &mut Workspace) -> Result<(), SelfTestError> {{
        {golden}
        Ok(())
    }}

    /// Writes the logits. Returns the network that answered.
    {chain}
    {networks}
}}
"#
    )
}

/// Returns the function that runs the networks until one is certain.
fn chain(model: &Model<'_>) -> String {
    let mut body = String::new();
    for (index, network) in model.networks().enumerate() {
        let _ = write!(body, "network_{index}(workspace, pixels);");
        let _ = match network.margin() {
            Some(margin) => write!(body, "if c::lead(&workspace.logits) >= {margin} {{ return {index}; }}"),
            None => write!(body, "{index}"),
        };
    }
    format!("fn run(workspace: &mut Workspace, pixels: &[u8; PIXELS]) -> usize {{ {body} }}")
}

/// Returns a function for each network, and the layers as constants.
fn networks(model: &Model<'_>, sizes: &Sizes) -> String {
    let (mut source, mut number) = (String::new(), 0);
    for (index, network) in model.networks().enumerate() {
        let (mut steps, mut constants) = (String::new(), String::new());
        for (layer, place) in network.layers().iter().zip(places(network)) {
            steps += &step(number, layer, place, sizes);
            constants += &constant(number, layer, model.bytes());
            number += 1;
        }
        source += &format!(
            "{constants}
            fn network_{index}(workspace: &mut Workspace, pixels: &[u8; PIXELS]) {{ {steps} }}"
        );
    }
    source
}

/// Returns the statements that run layer `number`.
fn step(number: usize, layer: &Layer<'_>, place: Place, sizes: &Sizes) -> String {
    let [list, window] = scratch_sizes(layer);
    let list = list.min(sizes.list);
    let (inputs, outputs, end) = (layer.inputs(), layer.outputs(), sizes.activations);
    let sums = layer.matrix().map_or(0, Matrix::outputs);
    let order = layer.matrix().map(|matrix| format!("c::WeightOrder::{:?}", matrix.order())).unwrap_or_default();
    let list = format!("&mut workspace.list[..{list}]");
    let start = |is_high: bool, count: usize| if is_high { end - words(count) } else { 0 };
    let [input_start, output_start] = [start(place.is_input_high, inputs), start(place.is_output_high, outputs)];
    let range = |start: usize, count: usize| format!("{start}..{}", start + count);
    let (input, output) = (range(input_start, inputs), range(output_start, outputs));
    let Some(of_window) = layer.kind().window() else {
        let input = if place.is_first { "pixels".to_owned() } else { format!("&workspace.activations.0[{input}]") };
        return if place.is_last {
            format!(
                "c::accumulate({order}, &LAYER_{number}, {input}, {list}, &mut workspace.logits);
                c::requantize(&LAYER_{number}, &mut workspace.logits);"
            )
        } else {
            format!(
                "c::accumulate({order}, &LAYER_{number}, {input}, {list}, &mut workspace.sums[..{sums}]);
                c::activate(&LAYER_{number}, &workspace.sums[..{sums}], &mut workspace.activations.0[{output}]);"
            )
        };
    };
    // The input is at one end, the output at the other.
    let split = if place.is_output_high { output_start } else { words(outputs) };
    let part = |start: usize, count: usize| {
        if start < split {
            format!("low[{}]", range(start, count))
        } else {
            format!("high[{}]", range(start - split, count))
        }
    };
    let input = if place.is_first { "pixels".to_owned() } else { format!("&{}", part(input_start, inputs)) };
    let output = format!("&mut {}", part(output_start, outputs));
    let sums = format!("&mut workspace.sums[..{sums}]");
    let of_window = window_source(of_window);
    let call = match layer.kind() {
        LayerKind::MaxPool(_) => format!("max_pool(&LAYER_{number}, {of_window}, {input}, {output})"),
        LayerKind::AveragePool(_) => format!("average_pool(&LAYER_{number}, {of_window}, {input}, {output})"),
        LayerKind::Depthwise(_) => format!("depthwise(&LAYER_{number}, {of_window}, {input}, {sums}, {output})"),
        _ if sizes.has_no_window => {
            format!("convolve_accepted(&LAYER_{number}, {of_window}, {input}, {list}, {sums}, {output})")
        }
        _ => format!(
            "convolve_{}(&LAYER_{number}, {of_window}, {input}, {list}, {sums}, &mut workspace.window.0[..{window}], \
             {output})",
            layer.matrix().map_or("", |matrix| suffix(matrix.order()))
        ),
    };
    format!("{{ let (low, high) = workspace.activations.0.split_at_mut({split}); c::{call}; }}")
}

/// Returns the end of a function's name.
fn suffix(order: WeightOrder) -> &'static str {
    match order {
        WeightOrder::Vectors => "vectors",
        WeightOrder::FourBitPairs => "four_bits",
        WeightOrder::TernaryPairs => "ternary",
        WeightOrder::Blocks => "blocks",
        WeightOrder::Pairs => "pairs",
        // The compiler reports that this function does not exist.
        _ => "unknown",
    }
}

/// Returns the constant of layer `number`, and the statics of its tables.
fn constant(number: usize, layer: &Layer<'_>, model: &[u8]) -> String {
    let tables = layer.matrix().map(tables).unwrap_or_default();
    let (order, inputs, outputs) =
        layer.matrix().map_or_else(Default::default, |matrix| (matrix.order(), matrix.inputs(), matrix.outputs()));
    let mut statics = String::new();
    let mut table = |name: &str, bytes: &[u8]| {
        if bytes.is_empty() {
            return "&[]".to_owned();
        }
        // All tables are parts of the model.
        let start = bytes.as_ptr().addr() - model.as_ptr().addr();
        statics +=
            &format!("static LAYER_{number}_{name}: c::Words<{}> = c::Words::of(MODEL, {start});\n", bytes.len());
        format!("&LAYER_{number}_{name}.0")
    };
    let biases = table("BIASES", tables.biases);
    let multipliers = table("MULTIPLIERS", tables.multipliers);
    let shifts = table("SHIFTS", tables.shifts);
    let weights = table("WEIGHTS", tables.weights);
    let counts = table("COUNTS", tables.counts);
    let places = table("PLACES", tables.places);
    let (kind, max_blocks) = (kind_source(layer.kind()), tables.max_blocks);
    let [input, output] = [layer.input(), layer.output()].map(shape_source);
    if order == WeightOrder::Vectors {
        statics += "const _: () = assert!(c::HAS_VECTORS, \"the weights of this model are in vectors, for a core with \
                    Helium; `host-trainer reorder MODEL --weight-order pairs --export FILE` writes it for this \
                    core\");\n";
    }
    format!(
        "{statics}
        const LAYER_{number}: c::Layer<'static> = c::layer(
            {kind}, [{input}, {output}], c::WeightOrder::{order:?}, [{inputs}, {outputs}],
            c::Tables {{
                biases: {biases}, multipliers: {multipliers}, shifts: {shifts}, weights: {weights},
                counts: {counts}, places: {places}, max_blocks: {max_blocks},
            }},
        );"
    )
}

/// Returns the features and the function that scales raw words, if the model has features.
fn features(model: &Model<'_>) -> String {
    let feature = |Feature { name, decimals, scaling }: Feature<'_>| {
        let (offset, requant) = (scaling.offset(), scaling.requant());
        format!("c::feature({name:?}, {decimals}, {offset}, [{}, {}]),", requant.multiplier(), requant.shift())
    };
    let features: String = model.features().map(feature).collect();
    if features.is_empty() {
        return features;
    }
    format!(
        "
    /// The features, in the order of a row.
    pub const FEATURES: [::prenda::Feature<'static>; PIXELS] = [{features}];

    /// Scales a row of raw words, one for each feature, to the inputs of `infer`.
    #[must_use]
    pub fn quantize_input(raw: &[i32; PIXELS]) -> [u8; PIXELS] {{
        static SCALINGS: [::prenda::Scaling; PIXELS] = c::scalings(&FEATURES);
        c::quantize_input(&SCALINGS, raw)
    }}"
    )
}

/// Returns the statements that compare the golden vectors.
fn golden(model: &Model<'_>) -> String {
    let mut source = String::new();
    for (vector, golden) in model.golden().enumerate() {
        let table = |bytes: &[u8]| {
            let start = bytes.as_ptr().addr() - model.bytes().as_ptr().addr();
            format!("{{ static TABLE: c::Words<{}> = c::Words::of(MODEL, {start}); &TABLE.0 }}", bytes.len())
        };
        let [input, logits, probabilities] = [golden.input, golden.logits, golden.probabilities].map(table);
        let _ = write!(source, "c::compare_golden({vector}, &infer(workspace, {input}), {logits}, {probabilities})?;");
    }
    source
}

fn kind_source(kind: LayerKind) -> String {
    let name = match kind {
        LayerKind::Dense => return "c::LayerKind::Dense".to_owned(),
        LayerKind::Convolution(_) => "Convolution",
        LayerKind::Depthwise(_) => "Depthwise",
        LayerKind::MaxPool(_) => "MaxPool",
        LayerKind::AveragePool(_) => "AveragePool",
        // The compiler reports that this name does not exist.
        _ => "Unknown",
    };
    format!("c::LayerKind::{name}({})", kind.window().map(window_source).unwrap_or_default())
}

fn window_source(Window { kernel, stride, padding }: Window) -> String {
    format!("c::Window {{ kernel: {kernel:?}, stride: {stride:?}, padding: {padding:?} }}")
}

fn shape_source(Shape { rows, columns, channels }: Shape) -> String {
    format!("c::Shape {{ rows: {rows}, columns: {columns}, channels: {channels} }}")
}
