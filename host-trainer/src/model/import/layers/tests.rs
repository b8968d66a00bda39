//! Tests of finding and choosing layers.

use std::str::FromStr as _;

use safetensors::Dtype;

use super::*;
use crate::model::import::tensors::TensorFile;
use crate::model::import::tensors::tests::file;
use crate::model::import::{Expected, FoundNetwork, Prepared};

/// Builds a file of `f32` tensors of zeros.
fn shapes(tensors: &[(&str, &[usize])]) -> TensorFile {
    let data: Vec<Vec<u8>> = tensors.iter().map(|(_, shape)| vec![0; 4 * shape.iter().product::<usize>()]).collect();
    let tensors: Vec<_> =
        tensors.iter().zip(&data).map(|((name, shape), data)| (*name, Dtype::F32, *shape, data.as_slice())).collect();
    file(&tensors)
}

/// Returns the layers found from 6 pixels to 2 classes, as a command line names them, or the error.
fn found(tensors: &[(&str, &[usize])], choices: &[&str]) -> Result<String, String> {
    let file = shapes(tensors);
    let tensors = file.tensors().unwrap();
    let layers = if choices.is_empty() {
        find(&tensors, 6, 2)
    } else {
        let choices: Vec<_> = choices.iter().map(|choice| choice.parse().unwrap()).collect();
        follow(&choices, &tensors, 6, 2)
    };
    let text = |layer: &Layer<'_>| {
        let bias = layer.bias.map(|bias| format!(",{}", bias.name)).unwrap_or_default();
        format!("{}{bias},{}", layer.weight.name, layer.orientation.name())
    };
    layers.map(|layers| layers.iter().map(text).collect::<Vec<_>>().join(" ")).map_err(|error| error.to_string())
}

#[test]
fn layers_are_found_by_both_conventions() {
    let pytorch: &[(&str, &[usize])] =
        &[("0.weight", &[4, 6]), ("0.bias", &[4]), ("10.weight", &[2, 5]), ("2.weight", &[5, 4]), ("2.bias", &[5])];
    assert_eq!(found(pytorch, &[]).unwrap(), "0.weight,0.bias,out-in 2.weight,2.bias,out-in 10.weight,out-in");
    let keras: &[(&str, &[usize])] = &[
        ("dense/kernel:0", &[6, 4]),
        ("dense/bias:0", &[4]),
        ("dense_10/kernel:0", &[5, 2]),
        ("dense_2/kernel:0", &[4, 5]),
        ("optimizer/iteration", &[]),
    ];
    let expected = "dense/kernel:0,dense/bias:0,in-out dense_2/kernel:0,in-out dense_10/kernel:0,in-out";
    assert_eq!(found(keras, &[]).unwrap(), expected);
    // Shapes take precedence over names.
    assert_eq!(found(&[("a.weight", &[6, 4]), ("b.kernel", &[2, 4])], &[]).unwrap(), "a.weight,in-out b.kernel,out-in");
}

#[test]
fn shapes_give_the_order_when_names_do_not() {
    let layers: &[(&str, &[usize])] = &[("first.weight", &[4, 6]), ("between.weight", &[5, 4]), ("a.weight", &[2, 5])];
    assert_eq!(found(layers, &[]).unwrap(), "first.weight,out-in between.weight,out-in a.weight,out-in");
    let more: &[(&str, &[usize])] = &[("fc.weight", &[2, 6]), ("embedding.weight", &[9, 7])];
    assert_eq!(found(more, &[]).unwrap(), "fc.weight,out-in");
}

#[test]
fn a_square_layer_follows_its_name_unless_another_name_is_contradicted() {
    let square =
        |first: &'static [usize]| found(&[("0.weight", first), ("2.weight", &[4, 4]), ("4.weight", &[2, 4])], &[]);
    assert_eq!(square(&[4, 6]).unwrap(), "0.weight,out-in 2.weight,out-in 4.weight,out-in");
    let error = square(&[6, 4]).unwrap_err();
    assert!(error.contains("weights 2.weight are square") && error.contains("2.weight [4, 4]"), "{error}");
    let tensors: &[(&str, &[usize])] = &[("0.weight", &[6, 6]), ("1.kernel", &[6, 6]), ("w", &[2, 6])];
    let asked = ["0.weight", "1.kernel", "w"];
    assert_eq!(found(tensors, &asked).unwrap(), "0.weight,out-in 1.kernel,in-out w,out-in");
    assert_eq!(
        found(tensors, &["0.weight,in-out", "1.kernel,out-in", "w"]).unwrap(),
        "0.weight,in-out 1.kernel,out-in w,out-in"
    );
    assert!(found(&[("w", &[6, 6]), ("v", &[2, 6])], &["w", "v"]).unwrap_err().contains("weights w are square"));
}

#[test]
fn ambiguous_layers_are_refused_with_a_list() {
    let twice: &[(&str, &[usize])] =
        &[("a.weight", &[4, 6]), ("b.weight", &[2, 4]), ("ema.a.weight", &[4, 6]), ("ema.b.weight", &[2, 4])];
    let error = found(twice, &[]).unwrap_err();
    assert!(error.contains("several sequences of these layers map 6 pixels to 2 classes"), "{error}");
    assert!(error.contains("ema.a.weight [4, 6], F32") && error.contains("--layer a.weight,out-in"), "{error}");
    assert_eq!(found(twice, &["a.weight", "b.weight"]).unwrap(), "a.weight,out-in b.weight,out-in");
    for (tensors, part) in [
        (&[("a.weight", &[4, 7][..])][..], "no sequence of these"),
        (&[("a.weight", &[4, 6]), ("b.weight", &[2, 5])], "no sequence of these"),
        (&[("w", &[2, 6])], "no matrix has a name"),
        (&[("a.weight", &[0, 6]), ("b.weight", &[2, 0])], "no matrix has a name"),
        (&[("a.weight", &[2, 6]), ("a.bias", &[3])], "bias a.bias has shape [3], but weights a.weight have 2 outputs"),
        (&[("a.weight", &[20_000, 6]), ("b.weight", &[2, 20_000])], "at most 16384 inputs"),
    ] {
        let error = found(tensors, &[]).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    // A hundred layers of the same shape have too many orders to search.
    let names: Vec<String> = (0..100).map(|index| format!("{index}.weight")).collect();
    let many: Vec<(&str, &[usize])> = names.iter().map(|name| (name.as_str(), &[6, 6][..])).collect();
    assert!(found(&many, &[]).unwrap_err().contains("several sequences"));
}

#[test]
fn one_output_tells_two_classes_apart() {
    let data = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (hidden, last, bias) = (data(&[0.5; 18]), data(&[1.0, -2.0, 3.0]), data(&[0.25]));
    let file = file(&[
        ("0.weight", Dtype::F32, &[3, 6], &hidden),
        ("2.weight", Dtype::F32, &[1, 3], &last),
        ("2.bias", Dtype::F32, &[1], &bias),
    ]);
    let prepared = Prepared::new(file.tensors().unwrap(), &[]).unwrap();
    let expected = |classes| Expected { pixels: 6, classes, layers: None };
    for choices in [vec![], vec!["0.weight".parse().unwrap(), "2.weight,2.bias".parse().unwrap()]] {
        let network = FoundNetwork::find(&prepared, &choices, expected(2), None).unwrap();
        assert!(network.has_one_output());
        let last = network.parameters().unwrap().pop().unwrap();
        assert_eq!((last.outputs, last.biases), (2, vec![0.0, 0.25]));
        assert_eq!(last.weights, [0.0, 1.0, 0.0, -2.0, 0.0, 3.0]);
    }
    let error = FoundNetwork::find(&prepared, &[], expected(4), None).unwrap_err().to_string();
    assert!(error.contains("none has 4 outputs"), "{error}");
}

#[test]
fn choices_that_cannot_be_followed_are_refused() {
    let tensors: &[(&str, &[usize])] = &[("a/b:0", &[6, 2]), ("c.d", &[2]), ("e", &[2, 2, 2]), ("f", &[2, 2])];
    assert_eq!(found(tensors, &["a/b:0,c.d"]).unwrap(), "a/b:0,c.d,in-out");
    for (choices, part) in [
        (&["a/b:0", "x"][..], "tensor x does not exist"),
        (&["a/b:0,x"], "tensor x does not exist"),
        (&["a/b:0", "e"], "tensor e is not a matrix"),
        (&["a/b:0,out-in"], "weights a/b:0, read as out-in, do not accept 6 inputs"),
        (&["a/b:0", "f,in-out", "f,in-out"], "f is named twice"),
        (&["a/b:0", "a/b:0"], "a/b:0 is named twice"),
        (&["f"], "weights f do not accept 6 inputs"),
    ] {
        let error = found(tensors, choices).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let error = found(&[("a", &[6, 3])], &["a"]).unwrap_err();
    assert!(error.contains("the last layer has 3 outputs, but the data set has 2 classes"), "{error}");
    for bad in ["", ",", "a,", "in-out", "a,,in-out", ",b"] {
        LayerChoice::from_str(bad).expect_err(bad);
    }
}

#[test]
fn weights_are_returned_input_by_input_and_finite() {
    let data = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let parameters = |values: &[f32]| {
        let (weights, bias) = (data(values), data(&[7.0, 8.0]));
        let file = file(&[("a.weight", Dtype::F32, &[2, 6], &weights), ("a.bias", Dtype::F32, &[2], &bias)]);
        find(&file.tensors().unwrap(), 6, 2).unwrap()[0].parameters().map_err(|error| error.to_string())
    };
    let found = parameters(&[0., 1., 2., 3., 4., 5., 10., 11., 12., 13., 14., 15.]).unwrap();
    assert_eq!(found.weights, [0., 10., 1., 11., 2., 12., 3., 13., 4., 14., 5., 15.]);
    assert_eq!((found.inputs, found.outputs, found.biases), (6, 2, vec![7.0, 8.0]));
    let mut values = [0.0; 12];
    values[7] = f32::NAN;
    assert!(parameters(&values).unwrap_err().contains("tensor a.weight has NaN at position 7"));
}
