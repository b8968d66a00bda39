//! Imports networks with convolutions, and compares their logits with those that PyTorch and Keras
//! computed: `tests/fixtures/import/make.py`.

use prenda::Shape;
use safetensors::Dtype;
use serde::Deserialize;

use super::*;
use crate::model::import::tensors::TensorFile;
use crate::model::import::tensors::tests::file;
use crate::model::import::{Expected, Folding, FoundNetwork, Prepared};
use crate::network::{Architecture, DenseParameters, Network, backend, input_tensor};

/// The size of the images of the fixtures.
const IMAGE: Shape = Shape::grey(12, 11);

/// Networks and logits of PyTorch and of Keras.
const FIXTURES: [(&[u8], &str); 2] = [
    (
        include_bytes!("../../../../../tests/fixtures/import/pytorch.safetensors"),
        include_str!("../../../../../tests/fixtures/import/pytorch.json"),
    ),
    (
        include_bytes!("../../../../../tests/fixtures/import/keras.safetensors"),
        include_str!("../../../../../tests/fixtures/import/keras.json"),
    ),
];

#[derive(Deserialize)]
struct Record {
    network: String,
    images: Vec<Vec<u8>>,
    logits: Vec<Vec<f32>>,
}

fn described(network: &str, image: Shape, classes: usize) -> Vec<Described> {
    let network: Architecture = network.parse().unwrap();
    let plan = network.plan(image, classes).unwrap();
    let layers = network.layers().zip(plan).enumerate();
    layers.map(|(index, (text, plan))| Described { index, text, plan, may_have_one_output: true }).collect()
}

/// Imports all tensors of `file` as the described `layers`.
fn parameters(file: &TensorFile, layers: &[Described], choices: &[&str]) -> Result<Vec<DenseParameters>, String> {
    let prepared = Prepared::new(file.tensors().unwrap(), &[]).unwrap();
    let choices: Vec<LayerChoice> = choices.iter().map(|choice| choice.parse().unwrap()).collect();
    let (first, last) = (layers.first().unwrap(), layers.last().unwrap());
    let expected =
        Expected { pixels: first.plan.input.count(), classes: last.plan.output.count(), layers: Some(layers) };
    let found = FoundNetwork::find(&prepared, &choices, expected, Some(Folding { epsilon: None }));
    found.and_then(|found| found.parameters()).map_err(|error| error.to_string())
}

#[test]
fn logits_are_those_of_pytorch_and_keras() {
    for (weights, record) in FIXTURES {
        let Record { network, images, logits } = serde_json::from_str(record).unwrap();
        let layers = described(&network, IMAGE, 3);
        let parameters = parameters(&TensorFile::of(weights.to_vec()), &layers, &[]).unwrap();
        let device = backend::processor();
        let network = Network::new(layers.iter().map(|layer| layer.plan).collect(), parameters, &device);
        let images = input_tensor(images.iter().map(Vec::as_slice), IMAGE.count(), &device);
        let found: Vec<f32> = network.forward(images).try_into_vec_as().unwrap();
        let expected = logits.concat();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5 * expected.abs().max(1.0), "{found} {expected}");
        }
    }
}

/// Builds a file of tensors with the values 0, 1, 2 and so on.
fn counting(tensors: &[(&str, &[usize])]) -> TensorFile {
    let data = |shape: &[usize]| (0..shape.iter().product()).flat_map(|value| (value as f32).to_le_bytes()).collect();
    let data: Vec<Vec<u8>> = tensors.iter().map(|(_, shape)| data(shape)).collect();
    let tensors: Vec<_> =
        tensors.iter().zip(&data).map(|((name, shape), data)| (*name, Dtype::F32, *shape, data.as_slice())).collect();
    file(&tensors)
}

/// Imports counting tensors for images of 4 x 5 pixels and 2 classes.
fn imported(network: &str, tensors: &[(&str, &[usize])], choices: &[&str]) -> Result<Vec<DenseParameters>, String> {
    parameters(&counting(tensors), &described(network, Shape::grey(4, 5), 2), choices)
}

#[test]
fn values_of_windows_and_flat_images_are_put_in_order() {
    // Two channels of 2 x 1 pixels.
    let network = "conv 2 3x5 valid; dense 2";
    let [pytorch, keras] = [
        [("conv.weight", &[2, 1, 3, 5][..]), ("fc.weight", &[2, 4])],
        [("conv/kernel", &[3, 5, 1, 2]), ("dense/kernel", &[4, 2])],
    ]
    .map(|tensors| imported(network, &tensors, &[]).unwrap());
    // A row of 5 values is padded to 6.
    assert_eq!((pytorch[0].inputs, keras[0].inputs), (18, 18));
    let row = |layer: &DenseParameters, row: usize| layer.weights[12 * row..][..12].to_vec();
    assert_eq!(row(&pytorch[0], 1), [5., 20., 6., 21., 7., 22., 8., 23., 9., 24., 0., 0.]);
    assert_eq!(row(&keras[0], 1), [10., 11., 12., 13., 14., 15., 16., 17., 18., 19., 0., 0.]);
    // Inputs: both channels of the first pixel, then of the second.
    assert_eq!(pytorch[1].weights, [0., 4., 2., 6., 1., 5., 3., 7.]);
    assert_eq!(keras[1].weights, [0., 1., 2., 3., 4., 5., 6., 7.]);
}

#[test]
fn a_shape_of_both_orders_goes_by_its_name_or_by_a_choice() {
    let network = "conv 2 2x2; conv 2 2x2; dense 2";
    let layers: &[(&str, &[usize])] =
        &[("a.weight", &[2, 1, 2, 2]), ("b.weight", &[2, 2, 2, 2]), ("c.weight", &[2, 40])];
    let first_output = |found: Vec<DenseParameters>| found[1].column(0).collect::<Vec<_>>();
    let by_name = first_output(imported(network, layers, &[]).unwrap());
    assert_eq!(by_name, [0., 4., 1., 5., 2., 6., 3., 7.]);
    let chosen = imported(network, layers, &["a.weight", "b.weight,in-out", "c.weight"]).unwrap();
    assert_eq!(first_output(chosen), [0., 2., 4., 6., 8., 10., 12., 14.]);
    // The name of another layer contradicts its shape.
    let odd: &[(&str, &[usize])] = &[("a.weight", &[2, 2, 1, 2]), ("b.weight", &[2, 2, 2, 2]), ("c.weight", &[2, 40])];
    let error = imported(network, odd, &[]).unwrap_err();
    assert!(error.contains("b.weight of shape [2, 2, 2, 2] fit both orders"), "{error}");
    imported(network, odd, &["a.weight", "b.weight,in-out", "c.weight"]).unwrap();
}

#[test]
fn what_does_not_fit_the_description_is_named() {
    let network = "conv 8 3x3 stride 2 pad 1; depthwise 3x3; maxpool 2x2 same; dense 2";
    let good: [(&str, &[usize]); 3] =
        [("0.weight", &[8, 1, 3, 3]), ("2.weight", &[8, 1, 3, 3]), ("5.weight", &[2, 16])];
    assert_eq!(imported(network, &good, &[]).unwrap().len(), 3);
    let changed = |index: usize, shape: &'static [usize]| {
        let mut tensors = good;
        tensors[index].1 = shape;
        imported(network, &tensors, &[]).unwrap_err()
    };
    for (error, parts) in [
        (
            changed(0, &[8, 1, 5, 5]),
            [
                "layer 0, conv 8 3x3 stride 2 pad 1: found weights 0.weight of shape [8, 1, 5, 5]",
                "[8, 1, 3, 3] (PyTorch)",
            ],
        ),
        (changed(1, &[16, 1, 3, 3]), ["layer 1, depthwise 3x3: found weights 2.weight", "[3, 3, 8, 1] (Keras)"]),
        (changed(2, &[2, 48]), ["layer 3, dense 2: found weights 5.weight of shape [2, 48]", "1x2x8 = 16 values"]),
        (
            imported(network, &good[..2], &[]).unwrap_err(),
            [
                "found 2 weights (0.weight [8, 1, 3, 3], 2.weight",
                "expected 3, one for each layer of --network but pools",
            ],
        ),
        (imported(network, &good, &["0.weight"]).unwrap_err(), ["--layer: found 1, expected 3", "The file contains"]),
        (
            imported(network, &good, &["0.weight", "0.weight", "5.weight"]).unwrap_err(),
            ["layer 0.weight is named twice", "The file contains"],
        ),
        (
            imported(network, &good, &["0.weight", "2.weight,in-out", "5.weight"]).unwrap_err(),
            ["layer 1, depthwise 3x3: found weights 2.weight", "expected [3, 3, 8, 1] (Keras), for"],
        ),
    ] {
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let words: &[(&str, &[usize])] = &[
        ("a.weight", &[2, 1, 1, 1]),
        ("b.weight", &[2, 2, 1, 1]),
        ("c.weight", &[2, 2, 1, 1]),
        ("d.weight", &[2, 40]),
    ];
    let error = imported("conv 2 1x1; conv 2 1x1; conv 2 1x1; dense 2", words, &[]).unwrap_err();
    assert!(error.contains("--layer a.weight --layer c.weight --layer b.weight --layer d.weight"), "{error}");
}

#[test]
fn batch_normalization_after_relu_is_not_folded_into_a_window() {
    let norm: [(&str, &[usize]); 2] = [("2.running_mean", &[2]), ("2.running_var", &[2])];
    let layers = |after: (&'static str, &'static [usize])| {
        let tensors: Vec<(&str, &[usize])> = [("0.weight", &[2, 1, 1, 1][..]), after, ("5.weight", &[2, 40])].into();
        [&tensors[..], &norm].concat()
    };
    let network = "conv 2 1x1; conv 2 1x1; dense 2";
    let error = imported(network, &layers(("3.weight", &[2, 2, 1, 1])), &[]).unwrap_err();
    assert!(error.contains("2: it comes after ReLU") && error.contains("train with it before ReLU"), "{error}");
    // Names that show no order: before ReLU, as is usual after a convolution.
    let named: &[(&str, &[usize])] = &[
        ("conv1.weight", &[3, 1, 1, 1]),
        ("fc.weight", &[2, 60]),
        ("bn1.running_mean", &[3]),
        ("bn1.running_var", &[3]),
    ];
    let found = imported("conv 3 1x1; dense 2", named, &[]).unwrap();
    // Means and variances are 0, 1 and 2.
    assert!(found[0].biases[1] < -0.9 && found[0].biases[0] == 0.0, "{:?}", found[0]);
}
