//! Imports files of PyTorch's exporters, onnxruntime's quantizer and tf2onnx, and compares their
//! outputs with those of onnxruntime and Keras: `tests/fixtures/import/make_onnx.py`.

use std::fs;

use proptest::prelude::*;

use super::{IMAGE, Record, check_close, fixture, folder, logits};
use crate::model::softmax::softmax;
use crate::network::calibrate::argmax;
use crate::support::damage::damaged;
use networks::onnx::{OnnxError, read};
use prenda::Shape;

#[test]
fn outputs_are_those_of_onnxruntime() {
    let Record { images, outputs } = Record::read("onnx.json");
    assert_eq!(outputs.len(), 9);
    for (name, expected) in outputs {
        let network = read(&fixture(&name), Some(&folder()), IMAGE, 3);
        let (network, notes) = network.unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_quantized = name.starts_with('q');
        assert_eq!(notes.len(), usize::from(is_quantized), "{name}");
        for (mut found, expected) in logits(network, &images).into_iter().zip(&expected) {
            // These have a softmax.
            if name.starts_with("scaled") || name.starts_with("external") {
                found = softmax(found.into_iter().map(f64::from)).into_iter().map(|value| value as f32).collect();
            }
            // Integers of 8 bits are about 1 % off after four layers.
            check_close(&found, expected, if is_quantized { 0.05 } else { 1e-5 }, &name);
            assert!(is_quantized || argmax(&found) == argmax(expected), "{name}");
        }
    }
}

#[test]
fn a_network_of_tf2onnx_is_that_of_keras() {
    let Record { images, outputs } = Record::read("keras_files.json");
    let (network, _) = read(&fixture("tf2onnx.onnx"), None, IMAGE, 3).unwrap();
    let words = "conv 4 3x2 stride 2; depthwise 3x3; maxpool 2x2; conv 6 1x2 valid; dense 5; dense 3";
    assert_eq!(network.architecture.to_string(), words);
    check_close(&logits(network, &images).concat(), &outputs["convolutions"].concat(), 1e-5, words);
}

proptest! {
    #[test]
    fn a_damaged_file_gives_a_network_or_an_error(
        bytes in proptest::sample::select(vec!["conv-11.onnx", "scaled-11.onnx", "qdq.onnx"])
            .prop_flat_map(|name| damaged(fixture(name)))
    ) {
        if let Ok((network, _)) = read(&bytes, None, IMAGE, 3) {
            for (parameters, name) in network.parameters.iter().zip(network.names) {
                prop_assert_eq!(parameters.weights.len(), parameters.inputs * parameters.outputs, "{}", name.operator);
            }
        }
    }
}

/// Writes a field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut field = vec![number << 3 | 2];
    while length >= 0x80 {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    [field, vec![length as u8], bytes.to_vec()].concat()
}

fn integer(number: u8, value: u8) -> Vec<u8> {
    // Two bytes from 128 on.
    if value < 0x80 { vec![number << 3, value] } else { vec![number << 3, value, 1] }
}

/// Writes an operator with attributes.
fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect::<Vec<u8>>();
    node.extend([field(2, output.as_bytes()), field(4, operator.as_bytes())].concat());
    node.extend(attributes.iter().flat_map(|attribute| field(5, attribute)));
    field(1, &node)
}

/// Writes the attribute `name` of integers.
fn integers(name: &str, values: &[u8]) -> Vec<u8> {
    [field(1, name.as_bytes()), values.iter().flat_map(|value| integer(8, *value)).collect()].concat()
}

/// Writes a constant of ones.
fn ones(name: &str, sizes: &[u8]) -> Vec<u8> {
    let count = sizes.iter().map(|size| usize::from(*size)).product();
    let sizes: Vec<u8> = sizes.iter().flat_map(|size| integer(1, *size)).collect();
    let values: Vec<u8> = (0..count).flat_map(|_| 1_f32.to_le_bytes()).collect();
    field(5, &[sizes, integer(2, 1), field(8, name.as_bytes()), field(9, &values)].concat())
}

/// Writes a file whose input `x` has 12 x 11 pixels in one channel.
fn file(entries: &[Vec<u8>], output: &str, opset: u8) -> Vec<u8> {
    let sizes: Vec<u8> = [1, 1, 12, 11].iter().flat_map(|size| field(1, &integer(1, *size))).collect();
    let input = [field(1, b"x"), field(2, &field(1, &field(2, &sizes)))].concat();
    let graph = [entries.concat(), field(11, &input), field(12, &field(1, output.as_bytes()))].concat();
    [vec![8, 8], field(7, &graph), field(8, &integer(2, opset))].concat()
}

fn error(file: &[u8]) -> String {
    let mut error: Box<dyn std::error::Error> = Box::new(read(file, Some(&folder()), IMAGE, 3).unwrap_err());
    let mut text = error.to_string();
    while let Some(source) = error.source() {
        text = format!("{text}: {source}");
        error = source.to_string().into();
    }
    text
}

#[test]
fn what_a_model_cannot_compute_is_refused_by_name() {
    let flat = || node("Flatten", &["x"], "f", &[]);
    let dense = || [ones("w", &[132, 3]), node("MatMul", &["f", "w"], "y", &[])].concat();
    let convolution =
        |attributes: &[Vec<u8>]| [ones("k", &[2, 1, 3, 3]), node("Conv", &["x", "k"], "y", attributes)].concat();
    for (entries, output, parts) in [
        (
            vec![flat(), node("LeakyRelu", &["f"], "y", &[])],
            "y",
            &["operator 1, LeakyRelu: not supported", "train with ReLU"][..],
        ),
        (vec![node("LSTM", &["x"], "y", &[])], "y", &["LSTM", "no recurrence"]),
        (
            vec![flat(), dense(), node("Add", &["y", "f"], "z", &[])],
            "z",
            &["operator 2, Add: reads f", "skip connections"],
        ),
        (vec![node("Add", &["x", "x"], "z", &[])], "z", &["reads x", "branches"]),
        (vec![node("Relu", &["z"], "z", &[])], "z", &["reads z, which no operator before it computes"]),
        (vec![flat(), node("MatMul", &["f", "y"], "y", &[])], "y", &["MatMul", "reads y, which no operator"]),
        (vec![flat(), dense()], "z", &["1 outputs (z), expected one, which depends on the input"]),
        (vec![flat(), dense(), ones("v", &[3, 3]), node("MatMul", &["y", "v"], "z", &[])], "z", &["has no ReLU"]),
        (
            vec![flat(), dense(), node("Relu", &["y"], "z", &[])],
            "z",
            &["ReLU after the last layer, operator 1, MatMul"],
        ),
        (vec![flat(), dense(), node("Sigmoid", &["y"], "z", &[])], "z", &["sigmoid of 3 outputs"]),
        (vec![flat()], "f", &["no layer with weights"]),
        (
            vec![node("MatMul", &["x", "w"], "y", &[]), ones("w", &[11, 3])],
            "y",
            &["[1, 12, 11], expected all values in the"],
        ),
        (vec![ones("w", &[9, 3]), flat(), node("MatMul", &["f", "w"], "y", &[])], "y", &["27 weights, expected 396"]),
        (vec![convolution(&[integers("dilations", &[2, 2])])], "y", &["dilation 2x2, expected 1x1"]),
        (vec![convolution(&[integers("strides", &[0, 1])])], "y", &["no rows or no columns"]),
        (vec![convolution(&[integers("pads", &[1, 0, 0, 2])])], "y", &["padding of [1, 0, 0, 2]", "`same`"]),
        (vec![convolution(&[])], "y", &["last layer with weights is operator 0, Conv, expected a dense layer"]),
        (
            vec![node(
                "AveragePool",
                &["x"],
                "y",
                &[
                    integers("kernel_shape", &[2, 2]),
                    integers("pads", &[1; 4]),
                    [field(1, b"count_include_pad"), integer(3, 1)].concat(),
                ],
            )],
            "y",
            &["count_include_pad=False"],
        ),
        (
            vec![node("Transpose", &["x"], "y", &[integers("perm", &[1, 0, 2, 3])])],
            "y",
            &["perm [1, 0, 2, 3], expected 0 first"],
        ),
        (vec![node("Conv", &["x", "x2"], "y", &[])], "y", &["reads x2, which no operator"]),
        (
            vec![
                field(5, &[integer(1, 200), field(1, &[0xff; 9]), field(8, b"w")].concat()),
                flat(),
                node("MatMul", &["f", "w"], "y", &[]),
            ],
            "y",
            &["not an ONNX file, or a damaged one"],
        ),
    ] {
        let found = error(&file(&entries, output, 17));
        assert!(parts.iter().all(|part| found.contains(part)), "{found}, expected {parts:?}");
    }
    let clip = |most: f32| {
        let bound = |name: &str, value: f32| {
            field(5, &[integer(2, 1), field(8, name.as_bytes()), field(9, &value.to_le_bytes())].concat())
        };
        let entries = [bound("a", 0.0), bound("b", most), flat(), dense(), node("Clip", &["y", "a", "b"], "z", &[])];
        error(&file(&entries, "z", 17))
    };
    assert!(clip(6.0).contains("range [0.0, 6.0], expected 0 to infinity, which is ReLU"), "{}", clip(6.0));
    assert!(clip(f32::INFINITY).contains("ReLU after the last layer"));
    assert!(error(&file(&[flat(), dense()], "y", 10)).contains("opset 10, expected 11 or later"));
    assert!(error(&[0x08, 8]).contains("no graph"));
    assert!(error(&file(&[field(11, &field(1, b"x2"))], "y", 17)).contains("2 inputs (x2, x), expected one"));
    let (network, _) = read(&file(&[flat(), dense()], "y", 17), None, IMAGE, 3).unwrap();
    assert_eq!(network.parameters[0].weights, [1.0; 396]);
    assert!(matches!(
        read(&file(&[flat(), dense()], "y", 17), None, Shape::grey(28, 28), 3),
        Err(OnnxError::Input { .. })
    ));
}

#[test]
fn graphs_in_graphs_need_no_stack() {
    let mut graph = Vec::new();
    // Each level has a graph of an attribute of an operator: g, attribute, node.
    for _ in 0..1000 {
        graph = field(6, &field(1, &field(5, &graph)));
    }
    let entries = [field(1, &[field(1, b"x"), field(2, b"y"), field(4, b"If"), field(5, &graph)].concat())];
    assert!(error(&file(&entries, "y", 17)).contains("If: not supported"));
}

#[test]
fn weights_outside_the_folder_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("network");
    fs::create_dir(&inside).unwrap();
    let values: Vec<u8> = (0..396).flat_map(|_| 1_f32.to_le_bytes()).collect();
    fs::write(folder.path().join("secret"), &values).unwrap();
    fs::write(inside.join("weights"), &values).unwrap();
    let read_from = |location: &str| {
        let sizes = [field(1, &[132, 1, 3])].concat();
        let external = field(13, &[field(1, b"location"), field(2, location.as_bytes())].concat());
        let weights = field(5, &[sizes, integer(2, 1), field(8, b"w"), external, integer(14, 1)].concat());
        let entries = [weights, node("Flatten", &["x"], "f", &[]), node("MatMul", &["f", "w"], "y", &[])];
        read(&file(&entries, "y", 17), Some(&inside), IMAGE, 3).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(read_from("weights"), Ok(()));
    let absolute = folder.path().join("secret").display().to_string();
    for location in ["../secret", &absolute, "", "./../secret"] {
        assert!(read_from(location).unwrap_err().contains("expected a file in the folder"), "{location}");
    }
    assert!(read_from("absent").unwrap_err().contains("cannot read absent"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&absolute, inside.join("link")).unwrap();
        assert!(read_from("link").unwrap_err().contains("expected a file in the folder"));
    }
}
