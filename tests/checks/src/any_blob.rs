//! Any bytes as a model.

use shared_model::{
    BlobError, GoldenSource, HostWorkspace, InferError, LayerSource, Model, ModelSource, PROBABILITY_ONE, Requant,
    SelfTestError, Workspace, argmax, self_test,
};

use crate::reference::reference_outputs;
use crate::{Layer, sealed};

/// Any bytes as a model; then with the right length and checksum, so that it is looked at what lies
/// behind them. True where that is a model.
///
/// # Panics
///
/// As [`any_blob`].
pub fn any_bytes(bytes: &[u8]) -> bool {
    // Most bytes are no model, and that is right.
    let _ = any_blob(bytes);
    any_blob(&sealed(bytes)).is_ok()
}

/// Parses any bytes. What is accepted is one model: it infers extreme and random images as the
/// reference does, finds out whether its own golden vectors are right, and written again it is the
/// same bytes.
///
/// # Errors
///
/// Why the bytes are no model.
///
/// # Panics
///
/// Where the parsed model breaks a promise.
pub fn any_blob(bytes: &[u8]) -> Result<(), BlobError> {
    let view = Model::parse(bytes)?;
    walk(&view);
    assert_eq!(written_again(&view), bytes, "a model has one encoding");
    let mut workspace = HostWorkspace::new();
    for image in images(view.input_width(), view.id().0) {
        infer(&view, &mut workspace, &image);
    }
    refuse_what_does_not_fit(&view, &mut workspace);
    let expected = golden_verdict(&view, &mut workspace);
    assert_eq!(self_test(&view, &mut workspace), expected);
    Ok(())
}

/// That all accessors agree with each other, also outside of what is there.
fn walk(view: &Model<'_>) {
    assert_eq!(view.class_names().count(), view.classes());
    assert_eq!(view.last_layer().outputs(), view.classes());
    assert_eq!(view.hidden_layers().len() + 1, view.layers().count());
    let mut inputs = view.input_width();
    for layer in view.layers() {
        assert_eq!(layer.inputs(), inputs);
        inputs = layer.outputs();
        assert!(layer.weight_bytes() <= layer.order().packed_length_bound(layer.inputs(), layer.outputs()));
        let ends = [0, layer.outputs() - 1, layer.outputs(), usize::MAX];
        for (output, input) in ends.into_iter().flat_map(|output| [0, layer.inputs(), usize::MAX].map(|i| (output, i)))
        {
            let in_row = layer.row(output).nth(input).unwrap_or(0);
            assert_eq!(layer.weight(output, input), in_row, "{output} {input}");
        }
        assert_eq!(layer.row(layer.outputs()).count(), 0);
        assert_eq!(layer.requant(layer.outputs()), Requant::default());
    }
}

/// What the encoder makes of all that the view tells.
fn written_again(view: &Model<'_>) -> Vec<u8> {
    let golden: Vec<_> =
        view.golden().map(|golden| (golden.input, i32s(golden.logits), u16s(golden.probabilities))).collect();
    let golden: Vec<_> =
        golden.iter().map(|(input, logits, probabilities)| GoldenSource { input, logits, probabilities }).collect();
    written_with(view, &golden)
}

/// The same model without golden vectors, so that a damaged one is not found out by its own.
///
/// # Panics
///
/// Where a parsed model cannot be written.
pub fn without_golden_vectors(view: &Model<'_>) -> Vec<u8> {
    written_with(view, &[])
}

fn written_with(view: &Model<'_>, golden: &[GoldenSource<'_>]) -> Vec<u8> {
    let names: Vec<&str> = view.class_names().collect();
    let layers: Vec<Layer> = view.layers().map(Layer::of).collect();
    let layers: Vec<LayerSource<'_>> = layers.iter().map(Layer::source).collect();
    let source = ModelSource {
        class_names: &names,
        rows: view.rows() as u16,
        columns: view.columns() as u16,
        layers: &layers,
        golden,
        provenance: view.provenance(),
    };
    let mut buffer = vec![0xA5; source.encoded_length_bound()];
    let length = source.encode(&mut buffer).unwrap_or_else(|error| panic!("a parsed model cannot be written: {error}"));
    buffer.truncate(length);
    buffer
}

/// Infers, holds everything against the reference, and returns logits and probabilities.
fn infer<'w>(view: &Model<'_>, workspace: &'w mut HostWorkspace, image: &[u8]) -> (&'w [i32], &'w [u16]) {
    let prediction =
        workspace.infer(view, image).unwrap_or_else(|error| panic!("a picture of the model's size: {error}"));
    let expected = reference_outputs(view, image).pop().unwrap_or_default();
    assert!(prediction.logits.iter().map(|&logit| i64::from(logit)).eq(expected), "logits are not the reference's");
    assert_eq!(prediction.class, argmax(prediction.logits));
    let sum: u32 = prediction.probabilities.iter().map(|&probability| u32::from(probability)).sum();
    assert_eq!(sum, u32::from(PROBABILITY_ONE));
    (prediction.logits, prediction.probabilities)
}

/// Images of another size, and a workspace that may be too small.
fn refuse_what_does_not_fit(view: &Model<'_>, workspace: &mut HostWorkspace) {
    let pixels = vec![1; view.input_width() + 1];
    for image in [&pixels[..], &pixels[2..], &[]].into_iter().filter(|image| image.len() != view.input_width()) {
        assert!(matches!(workspace.infer(view, image), Err(InferError::InputLength { .. })));
    }
    let mut small = Workspace::<8, 4>::new();
    let verdict = Workspace::<8, 4>::check(view);
    assert_eq!(small.infer(view, &pixels[1..]).map(|_| ()), verdict);
}

/// What the model's self-test should say, by the reference.
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

/// Black, white, stripes, and one at random.
fn images(pixels: usize, seed: u32) -> [Vec<u8>; 4] {
    // Knuth's multiplicative hash of the place.
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
