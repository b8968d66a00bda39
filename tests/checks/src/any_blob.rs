//! Checks of any bytes as a model.

use prenda::{
    BlobError, Feature, GoldenSource, HostWorkspace, InferError, LayerKind, LayerSource, Matrix, Model, ModelSource,
    NetworkSource, PROBABILITY_ONE, Requant, RowError, SelfTestError, Workspace, argmax, self_test,
};

use crate::reference::reference;
use crate::{Layer, any_sealed, with_length_and_checksum};

/// Checks any bytes as a model, then again with a valid length and checksum, so that the parser
/// reaches the other fields. Returns true if the second ones are a model.
///
/// # Panics
///
/// Panics like [`any_blob()`] and [`any_sealed()`].
pub fn any_bytes(bytes: &[u8]) -> bool {
    // Most bytes are correctly refused.
    let _ = (any_blob(bytes), any_sealed(bytes));
    let valid = with_length_and_checksum(bytes);
    let _ = any_sealed(&valid);
    any_blob(&valid).is_ok()
}

/// Parses any bytes and checks the model if they are accepted: it infers extreme and random images
/// like the reference, its self-test gives the right verdict, and it encodes to the same bytes.
///
/// # Errors
///
/// Returns the parser's error if the bytes are not a model.
///
/// # Panics
///
/// Panics if a check fails.
pub fn any_blob(bytes: &[u8]) -> Result<(), BlobError> {
    let view = Model::parse(bytes)?;
    walk(&view);
    assert_eq!(encoded_again(&view), bytes, "a model has one encoding");
    let mut workspace = HostWorkspace::new();
    for image in images(view.input_width(), view.id().0) {
        infer(&view, &mut workspace, &image);
    }
    check_refusals(&view, &mut workspace);
    let expected = golden_verdict(&view, &mut workspace);
    assert_eq!(self_test(&view, &mut workspace), expected);
    Ok(())
}

/// Checks that all accessors agree with each other, also for indexes out of range.
fn walk(view: &Model<'_>) {
    walk_features(view);
    assert_eq!(view.class_names().count(), view.classes());
    assert_eq!(view.networks().map(|network| network.layers().len()).sum::<usize>(), view.layers().len());
    for network in view.networks() {
        let mut shape = view.image();
        for layer in network.layers() {
            assert_eq!((layer.input(), layer.inputs()), (shape, shape.count()));
            shape = layer.output();
            layer.matrix().iter().for_each(|matrix| walk_matrix(matrix));
        }
        assert_eq!(shape.count(), view.classes());
        assert_eq!(network.layers().last().map(|layer| layer.kind()), Some(LayerKind::Dense));
    }
}

/// Checks that each feature scales any word like 128-bit arithmetic, and that rows of other lengths
/// are refused.
fn walk_features(view: &Model<'_>) {
    let count = view.input_width();
    let mut input = vec![7; count];
    if view.features().next().is_none() {
        assert_eq!(view.quantize_input(&vec![0; count], &mut input), Err(RowError::NoFeatures));
        return;
    }
    assert_eq!(view.features().count(), count);
    for raw in [i32::MIN, -1000, -1, 0, 1, 77, 1 << 20, i32::MAX] {
        assert_eq!(view.quantize_input(&vec![raw; count], &mut input), Ok(()));
        for (input, feature) in input.iter().zip(view.features()) {
            let (offset, requant) = (feature.scaling.offset(), feature.scaling.requant());
            let product = (i128::from(raw) - i128::from(offset)) * i128::from(requant.multiplier());
            let expected = (product + (1 << requant.shift() >> 1)) >> requant.shift();
            assert_eq!(i128::from(*input), expected.clamp(0, 255), "{raw}, {feature:?}");
        }
    }
    let expected = count as u32;
    let longer = vec![0; count + 1];
    let error = view.quantize_input(&longer, &mut input);
    assert_eq!(error, Err(RowError::Values { expected, found: expected + 1 }));
    let error = view.quantize_input(&longer[1..], &mut input[1..]);
    assert_eq!(error, Err(RowError::Inputs { expected, found: expected - 1 }));
}

fn walk_matrix(matrix: &Matrix<'_>) {
    assert!(matrix.weight_bytes() <= matrix.order().packed_length_bound(matrix.inputs(), matrix.outputs()));
    let ends = [0, matrix.outputs() - 1, matrix.outputs(), usize::MAX];
    for (output, input) in ends.into_iter().flat_map(|output| [0, matrix.inputs(), usize::MAX].map(|i| (output, i))) {
        let in_row = matrix.row(output).nth(input).unwrap_or(0);
        assert_eq!(matrix.weight(output, input), in_row, "{output} {input}");
    }
    assert_eq!(matrix.row(matrix.outputs()).count(), 0);
    assert_eq!(matrix.requant(matrix.outputs()), Requant::default());
}

/// Encodes the parsed model again.
fn encoded_again(view: &Model<'_>) -> Vec<u8> {
    let golden: Vec<_> =
        view.golden().map(|golden| (golden.input, i32s(golden.logits), u16s(golden.probabilities))).collect();
    let golden: Vec<_> =
        golden.iter().map(|(input, logits, probabilities)| GoldenSource { input, logits, probabilities }).collect();
    encoded_with(view, &golden)
}

/// Returns the same model without golden vectors, so that its self-test does not detect damage.
///
/// # Panics
///
/// Panics if a parsed model cannot be encoded.
pub fn without_golden_vectors(view: &Model<'_>) -> Vec<u8> {
    encoded_with(view, &[])
}

fn encoded_with(view: &Model<'_>, golden: &[GoldenSource<'_>]) -> Vec<u8> {
    let names: Vec<&str> = view.class_names().collect();
    let features: Vec<Feature<'_>> = view.features().collect();
    let layers: Vec<Layer> = view.layers().iter().map(Layer::of).collect();
    let layers: Vec<LayerSource<'_>> = layers.iter().map(Layer::source).collect();
    let mut start = 0;
    let networks = view.networks().map(|network| {
        let end = start + network.layers().len();
        let layers = layers.get(start..end).unwrap_or_default();
        start = end;
        NetworkSource { layers, margin: network.margin() }
    });
    let networks: Vec<NetworkSource<'_>> = networks.collect();
    let source = ModelSource {
        class_names: &names,
        image: view.image(),
        features: &features,
        networks: &networks,
        golden,
        provenance: view.provenance(),
    };
    let mut buffer = vec![0xA5; source.encoded_length_bound()];
    let length = source.encode(&mut buffer).unwrap_or_else(|error| panic!("cannot encode a parsed model: {error}"));
    buffer.truncate(length);
    buffer
}

/// Infers, compares with the reference, and returns logits and probabilities.
fn infer<'w>(view: &Model<'_>, workspace: &'w mut HostWorkspace, image: &[u8]) -> (&'w [i32], &'w [u16]) {
    let prediction =
        workspace.infer(view, image).unwrap_or_else(|error| panic!("an image of the model's size: {error}"));
    let expected = reference(view, image);
    let logits = prediction.logits.iter().map(|&logit| i64::from(logit));
    assert!(logits.eq(expected.logits().iter().copied()), "logits differ from the reference");
    assert_eq!(prediction.network, expected.network);
    assert_eq!(prediction.class, argmax(prediction.logits));
    let sum: u32 = prediction.probabilities.iter().map(|&probability| u32::from(probability)).sum();
    assert_eq!(sum, u32::from(PROBABILITY_ONE));
    (prediction.logits, prediction.probabilities)
}

/// Checks that images of another size and workspaces that are too small are refused.
fn check_refusals(view: &Model<'_>, workspace: &mut HostWorkspace) {
    let pixels = vec![1; view.input_width() + 1];
    for image in [&pixels[..], &pixels[2..], &[]].into_iter().filter(|image| image.len() != view.input_width()) {
        assert!(matches!(workspace.infer(view, image), Err(InferError::InputLength { .. })));
    }
    let mut small = Workspace::<100, 4>::new();
    let verdict = Workspace::<100, 4>::check(view);
    assert_eq!(small.infer(view, &pixels[1..]).map(|_| ()), verdict);
}

/// Returns the verdict that the model's self-test must give, from the reference.
fn golden_verdict(view: &Model<'_>, workspace: &mut HostWorkspace) -> Result<(), SelfTestError> {
    for (vector, golden) in (0..).zip(view.golden()) {
        let (logits, probabilities) = infer(view, workspace, golden.input);
        if i32s(golden.logits) != logits {
            return Err(SelfTestError::Logits { vector });
        }
        if u16s(golden.probabilities) != probabilities {
            return Err(SelfTestError::Probabilities { vector });
        }
    }
    Ok(())
}

/// Returns a black, a white, a striped and a pseudorandom image.
fn images(pixels: usize, seed: u32) -> [Vec<u8>; 4] {
    // Knuth's multiplicative hash of the index.
    let random = |place: usize| ((place as u32 ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8;
    [
        vec![0; pixels],
        vec![255; pixels],
        (0..pixels).map(|place| if place % 2 == 0 { 0 } else { 255 }).collect(),
        (0..pixels).map(random).collect(),
    ]
}

fn i32s(table: &[u8]) -> Vec<i32> {
    table.as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()
}

fn u16s(table: &[u8]) -> Vec<u16> {
    table.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect()
}
