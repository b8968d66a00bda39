//! `import`: networks trained elsewhere, and files that are refused.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;

use crate::files::{SIDE, names, noise};
use crate::project::{Project, failure, json};

const PIXELS: usize = (SIDE * SIDE) as usize;

/// A tensor: name, shape, values.
type Named = (&'static str, Vec<usize>, Vec<f64>);

/// A dense layer: weights, `[output][input]`, and biases.
#[derive(Clone)]
struct Dense {
    weights: Vec<Vec<f64>>,
    biases: Vec<f64>,
}

impl Dense {
    fn out_in(&self) -> (Vec<usize>, Vec<f64>) {
        (vec![self.weights.len(), self.weights[0].len()], self.weights.concat())
    }

    fn in_out(&self) -> (Vec<usize>, Vec<f64>) {
        let inputs = self.weights[0].len();
        let values = (0..inputs).flat_map(|input| self.weights.iter().map(move |weights| weights[input]));
        (vec![inputs, self.weights.len()], values.collect())
    }

    fn bias(&self, name: &'static str) -> Named {
        (name, vec![self.biases.len()], self.biases.clone())
    }
}

/// Builds a network that classifies bars: four hidden neurons, three of which each read one third
/// of the image.
fn bars() -> [Dense; 2] {
    let mut noise = noise(99);
    let mut small = || f64::from(noise() >> 8) / f64::from(1 << 24) * 0.1 - 0.05;
    let weight = |neuron: usize, pixel: usize| if pixel % SIDE as usize / 2 == neuron { 0.2 } else { 0.0 };
    let hidden = (0..4).map(|neuron| (0..PIXELS).map(|pixel| weight(neuron, pixel) + small()).collect());
    let hidden = Dense { weights: hidden.collect(), biases: vec![0.1, -0.2, 0.3, 0.4] };
    let last = (0..3).map(|class| (0..4).map(|neuron| if class == neuron { 2.0 } else { small() }).collect());
    [hidden, Dense { weights: last.collect(), biases: vec![0.0, 0.1, -0.1] }]
}

fn pytorch([hidden, last]: &[Dense; 2]) -> Vec<Named> {
    let named = |name, (shape, values)| (name, shape, values);
    vec![
        named("fc1.weight", hidden.out_in()),
        hidden.bias("fc1.bias"),
        named("fc2.weight", last.out_in()),
        last.bias("fc2.bias"),
    ]
}

fn keras([hidden, last]: &[Dense; 2]) -> Vec<Named> {
    let named = |name, (shape, values)| (name, shape, values);
    vec![
        named("sequential/dense/kernel:0", hidden.in_out()),
        hidden.bias("sequential/dense/bias:0"),
        named("sequential/dense_1/kernel:0", last.in_out()),
        last.bias("sequential/dense_1/bias:0"),
    ]
}

fn file(tensors: &[Named]) -> Vec<u8> {
    file_with(tensors, &[])
}

fn file_with(tensors: &[Named], metadata: &[(&str, &str)]) -> Vec<u8> {
    let data: Vec<Vec<u8>> = tensors
        .iter()
        .map(|tensor| tensor.2.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect())
        .collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|((name, shape, _), data)| (*name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// Returns a square layer that changes little, and its tensors under two names.
fn square(weight: &'static str, bias: &'static str) -> [Named; 2] {
    let mut noise = noise(7);
    let mut small = || f64::from(noise() >> 8) / f64::from(1 << 24) * 0.2 - 0.1;
    let weights = (0..16).map(|index| if index % 5 == 0 { 1.0 } else { small() }).collect();
    [(weight, vec![4, 4], weights), (bias, vec![4], vec![0.1, 0.0, -0.1, 0.2])]
}

/// Renames the tensors of `pytorch(network)`.
fn renamed(network: &[Dense; 2], names: [&'static str; 4]) -> Vec<Named> {
    let tensors = pytorch(network).into_iter().zip(names);
    tensors.map(|((_, shape, values), name)| (name, shape, values)).collect()
}

impl Project {
    /// Imports `weights` to the model `name`.
    fn import(&self, weights: &[u8], name: &str, arguments: &[&str]) -> assert_cmd::assert::Assert {
        fs::write(self.path().join("weights"), weights).unwrap();
        self.command(&["import", "weights", "--data", "data", "--export", name]).args(arguments).assert()
    }

    /// Imports `weights` and returns the bytes of the model.
    fn imported(&self, weights: &[u8], arguments: &[&str]) -> Vec<u8> {
        self.import(weights, "model.bin", arguments).success();
        fs::read(self.model()).unwrap()
    }

    fn logits(&self, index: usize) -> Vec<f64> {
        let predicted =
            json(self.run(&["predict", "model.bin", "--data", "data", "--json", "--index", &index.to_string()]));
        predicted["logits"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap()).collect()
    }
}

#[test]
fn the_same_network_in_two_layouts_gives_the_same_bytes() {
    let (project, network) = (Project::new(), bars());
    let model = project.imported(&file(&pytorch(&network)), &[]);
    assert!(model == project.imported(&file(&keras(&network)), &[]));
    // Arbitrary names, with a map.
    let map = ["--layer", "sequential/dense/kernel:0,b.0", "--layer", "l/2.w:x,sequential/dense_1/bias:0,in-out"];
    let mut odd = keras(&network);
    odd[1].0 = "b.0";
    odd[2].0 = "l/2.w:x";
    assert!(model == project.imported(&file(&odd), &map));
    let assert = project.import(&file(&odd), "other.bin", &[]);
    failure(assert, 1, &["no sequence of these layers", "l/2.w:x [4, 3], F32", "--layer"]);

    let report = json(project.import(&file(&pytorch(&network)), "model.bin", &["--run", "run", "--json"]));
    assert_eq!((&report["test_accuracy_float"], &report["test_accuracy_fixed"]), (&1.0.into(), &1.0.into()));
    assert_eq!((&report["layers"][0]["weight"], &report["unused"]), (&"fc1.weight".into(), &Value::Array(vec![])));
    let run = project.path().join("run");
    assert!(fs::read(run.join("model.bin")).unwrap() == model);
    let config: Value = serde_json::from_slice(&fs::read(run.join("config.json")).unwrap()).unwrap();
    assert_eq!(
        (&config["train"]["backend"], &config["train"]["hidden"]),
        (&"imported".into(), &serde_json::json!([4]))
    );
    let inspected = json(project.run(&["inspect", "model.bin", "--json"]));
    let provenance = &inspected["provenance"];
    assert_eq!((&provenance["backend"], &provenance["epochs"]), (&"imported".into(), &0.into()));

    // The remedy for a missing file is another import.
    fs::remove_file(run.join("history.svg")).unwrap();
    let missing = json(project.run(&["report", "run", "--json"]))["missing"].clone();
    assert!(missing[0]["remedy"].as_str().unwrap().starts_with("host-trainer import weights --data data"), "{missing}");

    // The weights of a run can be imported again and give the same network.
    let weights = fs::read(run.join("weights.safetensors")).unwrap();
    assert!(model == project.imported(&weights, &[]));
}

#[test]
fn pixel_scaling_becomes_part_of_the_first_layer() {
    let (project, network) = (Project::new(), bars());
    project.imported(&file(&pytorch(&network)), &[]);
    let plain: Vec<_> = (0..6).map(|index| project.logits(index)).collect();
    // The same network for pixels scaled in another way: `weight * pixel` stays equal.
    let (mean, std) = (0.286, 0.353);
    for (scale, mean, std) in [(255.0, mean, std), (1.0, 0.0, 1.0), (1.0, 255.0 * mean, 255.0 * std)] {
        let mut changed = network.clone();
        for (weights, bias) in changed[0].weights.iter_mut().zip(&mut changed[0].biases) {
            weights.iter_mut().for_each(|weight| *weight *= scale * std / 255.0);
            *bias += weights.iter().sum::<f64>() * mean / std;
        }
        let weights = file(&keras(&changed));
        let [scale, mean, std] = [scale, mean, std].map(|number: f64| number.to_string());
        project.imported(&weights, &["--pixel-scale", &scale, "--mean", &mean, "--std", &std]);
        for (index, plain) in plain.iter().enumerate() {
            for (logit, expected) in project.logits(index).iter().zip(plain) {
                assert!((logit - expected).abs() < 0.01 * expected.abs().max(1.0), "{logit} {expected}");
            }
        }
        // Without the options the answers differ.
        project.imported(&weights, &[]);
        assert!((project.logits(0)[0] - plain[0][0]).abs() > 0.1 * plain[0][0].abs());
    }
}

#[test]
fn suspicious_weights_are_a_warning() {
    let (project, network) = (Project::new(), bars());
    let mut tensors = pytorch(&network);
    tensors.push(("optimizer.fc1.weight.exp_avg", vec![4, 36], vec![0.0; 144]));
    let assert = project.import(&file(&tensors), "model.bin", &[]).success();
    assert.stderr(contains("warning: not used: optimizer.fc1.weight.exp_avg").and(contains("chance").not()));

    // The classes in another order.
    let mut turned = network.clone();
    turned[1].weights.rotate_left(1);
    project.import(&file(&pytorch(&turned)), "model.bin", &[]).success().stderr(contains("near chance (33.33 %)"));
    project
        .run(&["import", "--help"])
        .success()
        .stdout(contains("ReLU").and(contains("softmax")).and(contains("in-out")));
}

#[test]
fn invalid_weights_are_refused_and_nothing_is_written() {
    let project = Project::new();
    let network = bars();
    let good = file(&pytorch(&network));
    let changed = |change: &dyn Fn(&mut Vec<Named>)| {
        let mut tensors = pytorch(&network);
        change(&mut tensors);
        file(&tensors)
    };
    let integers = safetensors::serialize(
        [("a.weight", TensorView::new(Dtype::I8, vec![3, PIXELS], &[1; 3 * PIXELS]).unwrap())],
        None,
    );
    let no_tensors: [(&str, TensorView<'_>); 0] = [];
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (Vec::new(), &["not a safetensors file: 0 bytes"]),
        (vec![0; 7], &["not a safetensors file: 7 bytes"]),
        (vec![0xff; 100], &["header of 18446744073709551615 bytes"]),
        (b"PK\x03\x04 a file of torch.save".to_vec(), &["a zip archive, which cannot be imported", "docs/import.md"]),
        (good[..good.len() - 1].to_vec(), &["not a safetensors file, or a damaged one"]),
        ([&good[..], &[0]].concat(), &["not a safetensors file, or a damaged one"]),
        ([&good[..8], b"x", &good[9..]].concat(), &["not a safetensors file, or a damaged one"]),
        (safetensors::serialize(no_tensors, None).unwrap(), &["no tensors; save the weights"]),
        (integers.unwrap(), &["a.weight has type I8", "BF16"]),
        (changed(&|tensors| tensors[0].2[5] = f64::NAN), &["fc1.weight has NaN at position 5"]),
        (changed(&|tensors| tensors[3].2[2] = f64::NEG_INFINITY), &["fc2.bias has -inf at position 2"]),
        (
            changed(&|tensors| tensors[0].1 = vec![9, 16]),
            &["no sequence of these layers", "36 pixels to 3 classes", "[9, 16]"],
        ),
        (changed(&|tensors| tensors[2].1 = vec![12]), &["fc2.weight [12], F32: a normalization, or PReLU"]),
        (
            changed(&|tensors| tensors[1] = ("fc1.bias", vec![2], vec![0.0; 2])),
            &["fc1.bias has shape [2]", "4 outputs"],
        ),
        (changed(&|tensors| tensors[2].2.fill(1e30)), &["weights", "too large"]),
        (changed(&|tensors| tensors[0].2.fill(1e38)), &["not finite"]),
        (changed(&|tensors| (tensors[0].0, tensors[1].0) = ("a\x1b[2J.weight", "a\x1b[2J.bias")), &["\\u{1b}"]),
    ];
    for (index, (weights, parts)) in cases.into_iter().enumerate() {
        let assert = project.import(&weights, "model.bin", &["--run", "run"]);
        // The last case is valid, but its name must not reach the terminal.
        if parts == ["\\u{1b}"] {
            let output = assert.success().get_output().clone();
            assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
            continue;
        }
        failure(assert, 1, &[&["weights"], parts].concat());
        // The run's folder may exist, but it must be empty.
        let _ = fs::remove_dir(project.path().join("run"));
        assert_eq!(names(project.path()), ["data", "weights"], "case {index}");
    }
}

#[test]
fn errors_suggest_options_of_import() {
    let project = Project::new();
    let assert = project.import(&file(&pytorch(&bars())), "model.bin", &["--std", "1e-30"]);
    let assert = assert.stderr(contains("--learning-rate").not());
    failure(assert, 1, &["cannot import weights: check its weights", "--std", "too large"]);
}

#[test]
fn the_cause_of_an_error_is_printed_once() {
    let good = file(&pytorch(&bars()));
    let assert = Project::new().import(&good[..good.len() - 1], "model.bin", &[]);
    assert.stderr(contains("metadata").count(1));
}

#[test]
fn a_report_suggests_importing_again() {
    let project = Project::new();
    project.import(&file(&pytorch(&bars())), "model.bin", &["--run", "run"]).success();
    fs::remove_file(project.path().join("run/history.json")).unwrap();
    let report = json(project.run(&["report", "run", "--json"]));
    let remedy = report["missing"][0]["remedy"].as_str().unwrap();
    assert!(
        remedy.starts_with("host-trainer import weights ") && remedy.ends_with("--run run --overwrite"),
        "{remedy}"
    );
}

#[test]
fn unsuitable_arguments_are_refused() {
    let project = Project::new();
    let good = file(&pytorch(&bars()));
    let cases: [(&[&str], i32, &[&str]); 13] = [
        (&["--layer", ",b"], 2, &["--layer", "WEIGHT[,BIAS][,in-out|out-in]"]),
        (&["--ignore", "fc"], 1, &["--ignore fc: no tensor has this name"]),
        (&["--epsilon", "1e-4"], 2, &["--fold"]),
        (&["--std", "0"], 2, &["--std", "above 0"]),
        (&["--std", "-1"], 2, &["--std", "above 0"]),
        (&["--mean", "NaN"], 2, &["--mean", "finite"]),
        (&["--pixel-scale", "inf"], 2, &["--pixel-scale", "finite"]),
        (&["--layer", "a,b,c"], 1, &["tensor a,b,c does not exist", "WEIGHT[,BIAS][,in-out|out-in]"]),
        (&["--layer", "fc3.weight"], 1, &["tensor fc3.weight does not exist", "fc2.weight [3, 4], F32"]),
        (&["--layer", "fc1.weight"], 1, &["last layer has 4 outputs", "3 classes"]),
        (&["--layer", "fc1.weight,in-out"], 1, &["do not accept 36 inputs", "in-out"]),
        (&["--std", "1e-300"], 2, &["make weights infinite"]),
        (&["--run", "data/t10k-images-idx3-ubyte"], 1, &["cannot create folder"]),
    ];
    for (arguments, code, parts) in cases {
        let assert = project.import(&good, "model.bin", arguments);
        failure(assert, code, parts);
        assert_eq!(names(project.path()), ["data", "weights"], "{arguments:?}");
    }
    failure(project.import(&good, "weights", &[]), 2, &["--export weights", "would overwrite"]);
    failure(project.import(&good, "absent/model.bin", &[]), 1, &["absent/model.bin", "does not exist"]);
    let assert = project.run(&["import", "absent", "--export", "model.bin"]);
    failure(assert, 1, &["cannot import absent", "cannot read the file"]);
    failure(project.run(&["import", ".", "--export", "model.bin"]), 1, &["cannot import ."]);
    failure(project.run(&["import", "weights"]), 2, &["--export"]);
    fs::rename(project.path().join("weights"), project.path().join("weights.safetensors")).unwrap();
    let run = ["import", "weights.safetensors", "--data", "data", "--export", "model.bin", "--run", "."];
    failure(project.run(&run), 2, &["--run . would overwrite weights.safetensors; name another folder"]);
}

#[test]
fn other_names_of_a_tied_layer_are_followed() {
    let (project, network) = (Project::new(), bars());
    let names = ["0.weight", "0.bias", "8.weight", "8.bias"];
    let untied = [renamed(&network, names), square("2.weight", "2.bias").into(), square("4.weight", "4.bias").into()];
    let model = project.imported(&file(&untied.concat()), &[]);
    let tied = [renamed(&network, names), square("2.weight", "2.bias").into()].concat();
    let metadata = [("format", "pt"), ("4.weight", "2.weight"), ("4.bias", "2.bias")];
    let report = project.import(&file_with(&tied, &metadata), "model.bin", &["--json"]);
    assert_eq!(json(report)["layers"][2]["weight"], "4.weight");
    assert!(fs::read(project.model()).unwrap() == model);
    let metadata = [("4.weight", "3.weight")];
    let assert = project.import(&file_with(&tied, &metadata), "other.bin", &[]);
    failure(assert, 1, &["4.weight is 3.weight, which the file does not have"]);
}

/// Returns the options in the last lines of an error, which suggest layers.
fn suggested(assert: assert_cmd::assert::Assert) -> Vec<Vec<String>> {
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let lines = stderr.lines().filter(|line| line.starts_with("  --layer"));
    lines.map(|line| line.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect()).collect()
}

#[test]
fn an_order_that_names_do_not_show_is_refused_and_listed() {
    let (project, network) = (Project::new(), bars());
    let layers = |names: [&'static str; 4], [one, two]: [[&'static str; 2]; 2]| {
        let mut second = square(two[0], two[1]);
        second[0].2.swap(1, 4);
        second[1].2[3] = -0.3;
        file(&[renamed(&network, names), square(one[0], one[1]).into(), second.into()].concat())
    };
    let numbered =
        layers(["1.weight", "1.bias", "4.weight", "4.bias"], [["2.weight", "2.bias"], ["3.weight", "3.bias"]]);
    let model = project.imported(&numbered, &[]);
    let words = layers(
        ["a.one.weight", "a.one.bias", "a.four.weight", "a.four.bias"],
        [["a.two.weight", "a.two.bias"], ["a.three.weight", "a.three.bias"]],
    );
    let assert = project.import(&words, "other.bin", &[]);
    let lines = suggested(assert);
    failure(
        project.import(&words, "other.bin", &[]),
        1,
        &["several sequences", "their names do not show", "these fit"],
    );
    assert_eq!(lines.len(), 2, "{lines:?}");
    let models =
        lines.iter().map(|line| project.imported(&words, &line.iter().map(String::as_str).collect::<Vec<_>>()));
    // One of them is the network.
    assert_eq!(models.filter(|found| *found == model).count(), 1);
}

#[test]
fn suggested_layers_can_be_used_as_they_are() {
    let (project, network) = (Project::new(), bars());
    let model = project.imported(&file(&pytorch(&network)), &[]);
    let in_out = |names: [&'static str; 4]| {
        let tensors = keras(&network).into_iter().zip(names);
        file(&tensors.map(|((_, shape, values), name)| (name, shape, values)).collect::<Vec<_>>())
    };
    for weights in [
        in_out(["mlp/~/linear_0/w", "mlp/~/linear_0/b", "mlp/~/linear_1/w", "mlp/~/linear_1/b"]),
        in_out(["dense,1/kernel", "dense,1/bias", "x/w", "x/bias"]),
        in_out(["w1", "b1", "w2", "b2"]),
    ] {
        let lines = suggested(project.import(&weights, "other.bin", &[]).code(1));
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert!(model == project.imported(&weights, &line.iter().map(String::as_str).collect::<Vec<_>>()), "{line:?}");
    }
    // A copy of the network, such as a moving average, is another sequence.
    let names = ["ema.fc1.weight", "ema.fc1.bias", "ema.fc2.weight", "ema.fc2.bias"];
    let twice = file(&[pytorch(&network), renamed(&network, names)].concat());
    let lines = suggested(project.import(&twice, "other.bin", &[]).code(1));
    let line: Vec<&str> = lines[0].iter().map(String::as_str).collect();
    assert!(model == project.imported(&twice, &line), "{line:?}");
    assert!(model == project.imported(&twice, &["--ignore", "ema"]));
}

/// Returns `tensors` without the one called `name`, and its values.
fn without(tensors: &[Named], name: &str) -> (Vec<Named>, Vec<f64>) {
    let (found, rest): (Vec<_>, Vec<_>) = tensors.iter().cloned().partition(|tensor| tensor.0 == name);
    (rest, found[0].2.clone())
}

/// Checks that `weights` are refused because of `parts`, and with `options` give the logits
/// `expected`.
fn check_folded(project: &Project, weights: &[u8], parts: &[&str], options: &[&str], expected: &[Vec<f64>]) {
    let refused = project.import(weights, "other.bin", &[]);
    failure(refused, 1, &[parts, &["--fold"]].concat());
    project.imported(weights, options);
    for (index, expected) in expected.iter().enumerate() {
        for (logit, expected) in project.logits(index).iter().zip(expected) {
            assert!((logit - expected).abs() < 0.005 * expected.abs().max(1.0), "{parts:?}: {logit} {expected}");
        }
    }
}

#[test]
fn weights_in_parts_are_computed() {
    let (project, network) = (Project::new(), bars());
    let plain = pytorch(&network);
    project.imported(&file(&plain), &[]);
    let expected: Vec<_> = (0..6).map(|index| project.logits(index)).collect();
    let (rest, values) = without(&plain, "fc1.weight");
    let lengths: Vec<f64> = values.chunks(PIXELS).map(|row| row.iter().map(|w| w * w).sum::<f64>().sqrt()).collect();
    let directions: Vec<f64> =
        values.chunks(PIXELS).enumerate().flat_map(|(row, w)| w.iter().map(move |w| w * (row + 2) as f64)).collect();
    for [length, direction] in [
        ["fc1.weight_g", "fc1.weight_v"],
        ["fc1.parametrizations.weight.original0", "fc1.parametrizations.weight.original1"],
    ] {
        let normalized = [(length, vec![4, 1], lengths.clone()), (direction, vec![4, PIXELS], directions.clone())];
        let weights = file(&[rest.clone(), normalized.to_vec()].concat());
        check_folded(&project, &weights, &["fc1.weight: computed from", length], &["--fold"], &expected);
    }
    // The file has other numbers where the mask is 0.
    let mut masked = network.clone();
    masked[0].weights.iter_mut().flatten().step_by(7).for_each(|weight| *weight = 0.0);
    project.imported(&file(&pytorch(&masked)), &[]);
    let expected: Vec<_> = (0..6).map(|index| project.logits(index)).collect();
    let mask = (0..values.len()).map(|index| if index % 7 == 0 { 0.0 } else { 1.0 }).collect();
    let pruned = [("fc1.weight_orig", vec![4, PIXELS], values), ("fc1.weight_mask", vec![4, PIXELS], mask)];
    let weights = file(&[rest, pruned.to_vec()].concat());
    check_folded(&project, &weights, &["fc1.weight: computed from fc1.weight_orig"], &["--fold"], &expected);
}

#[test]
fn batch_normalization_is_folded() {
    let (project, network) = (Project::new(), bars());
    project.imported(&file(&pytorch(&network)), &[]);
    let expected: Vec<_> = (0..6).map(|index| project.logits(index)).collect();
    let (mean, variance, scale, shift) =
        ([0.5, -0.25, 1.0, 0.75], [0.3, 1.0, 2.0, 0.01], [1.0, 0.5, 2.0, 0.25], [0.125, 0.5, -0.5, 1.0]);
    let vector = |name, values: [f64; 4]| (name, vec![4], values.to_vec());
    let factors =
        |epsilon: f64| -> Vec<f64> { (0..4).map(|index| scale[index] / (variance[index] + epsilon).sqrt()).collect() };
    // The layer before it, so that the pair is the network's first layer.
    let before = |epsilon| {
        let mut changed = network.clone();
        for (index, factor) in factors(epsilon).into_iter().enumerate() {
            changed[0].weights[index].iter_mut().for_each(|weight| *weight /= factor);
            changed[0].biases[index] = (changed[0].biases[index] - shift[index]) / factor + mean[index];
        }
        changed
    };
    let norm = |[scales, shifts, means, variances]: [&'static str; 4], mean| {
        vec![vector(scales, scale), vector(shifts, shift), vector(means, mean), vector(variances, variance)]
    };
    let numbered = ["1.weight", "1.bias", "1.running_mean", "1.running_var"];
    let names = ["0.weight", "0.bias", "3.weight", "3.bias"];
    for (epsilon, options) in [(1e-5, &["--fold"][..]), (0.01, &["--fold", "--epsilon", "0.01"])] {
        let weights = file(&[renamed(&before(epsilon), names), norm(numbered, mean)].concat());
        check_folded(&project, &weights, &["1: batch normalization"], options, &expected);
    }
    // Numbers under different names do not count one sequence: only a negative mean shows the side.
    let list = |mean: [f64; 4]| {
        let norm = norm(["bns.0.weight", "bns.0.bias", "bns.0.running_mean", "bns.0.running_var"], mean);
        let names = ["fcs.0.weight", "fcs.0.bias", "fcs.1.weight", "fcs.1.bias"];
        file(&[renamed(&before(1e-5), names), norm].concat())
    };
    check_folded(&project, &list(mean), &["bns.0: batch normalization"], &["--fold"], &expected);
    failure(project.import(&list(mean.map(f64::abs)), "model.bin", &["--fold"]), 1, &["bns.0"]);

    let keras_norm = [
        vector("sequential/batch_normalization/gamma:0", scale),
        vector("sequential/batch_normalization/beta:0", shift),
        vector("sequential/batch_normalization/moving_mean:0", mean),
        vector("sequential/batch_normalization/moving_variance:0", variance),
    ];
    let weights = file(&[keras(&before(1e-3)), keras_norm.to_vec()].concat());
    check_folded(&project, &weights, &["sequential/batch_normalization: batch"], &["--fold"], &expected);

    // After ReLU it belongs to the layer that follows. ReLU has no negative mean.
    let positive = mean.map(f64::abs);
    let mut changed = network.clone();
    let factors = factors(1e-5);
    for (weights, bias) in changed[1].weights.iter_mut().zip(&mut changed[1].biases) {
        for (index, weight) in weights.iter_mut().enumerate() {
            *weight /= factors[index];
            *bias -= *weight * (shift[index] - positive[index] * factors[index]);
        }
    }
    let mut norm = [("2.weight", scale), ("2.bias", shift), ("2.running_mean", positive), ("2.running_var", variance)]
        .map(|(name, values)| vector(name, values));
    let weights = file(&[renamed(&changed, names), norm.to_vec()].concat());
    check_folded(&project, &weights, &["2: batch normalization"], &["--fold"], &expected);
    norm[2] = vector("2.running_mean", mean);
    let weights = file(&[renamed(&changed, names), norm.to_vec()].concat());
    failure(project.import(&weights, "other.bin", &["--fold"]), 1, &["negative means", "ReLU"]);

    // Nothing shows its place.
    let norm = [("bn.running_mean", positive), ("bn.running_var", variance)].map(|(name, values)| vector(name, values));
    let weights = file(&[pytorch(&network), norm.to_vec()].concat());
    failure(project.import(&weights, "other.bin", &["--fold"]), 1, &["bn: names do not show", "before or after ReLU"]);
}

#[test]
fn tensors_that_would_be_dropped_are_refused_by_name() {
    let (project, network) = (Project::new(), bars());
    let model = project.imported(&file(&pytorch(&network)), &[]);
    let cases: [(&'static str, Vec<usize>, &str); 10] = [
        ("conv1.weight", vec![8, 1, 3, 3], "a convolution"),
        ("conv2d/kernel", vec![3, 3, 1, 8], "a convolution"),
        ("norm.weight", vec![4], "a normalization, or PReLU"),
        ("layer_normalization/gamma", vec![4], "a normalization"),
        ("rnn.weight_ih_l0", vec![4, 4], "a recurrent layer"),
        ("fc1.lora_A.weight", vec![2, 36], "an adapter (LoRA); merge it"),
        ("fc3.parametrizations.weight.original", vec![4, 4], "a parametrization; remove it"),
        ("fc3.weight_u", vec![4], "spectral normalization"),
        ("head.weight", vec![7, 4], "a matrix that the sequence of layers does not contain"),
        ("temperature", vec![1], "not the biases of one of the layers"),
    ];
    for (name, shape, what) in cases {
        let values = vec![0.5; shape.iter().product()];
        let weights = file(&[pytorch(&network), vec![(name, shape, values)]].concat());
        failure(project.import(&weights, "other.bin", &[]), 1, &[name, what, "--ignore NAME"]);
        let choice = ["--layer", "fc1.weight", "--layer", "fc2.weight"];
        failure(project.import(&weights, "other.bin", &choice), 1, &[name, what]);
        assert!(model == project.imported(&weights, &["--ignore", name]), "{name}");
    }
    // A network of convolutions.
    let conv = [("conv.weight", vec![2, 1, 3, 3], vec![0.0; 18]), ("fc.weight", vec![3, 32], vec![0.0; 96])];
    let example = "--network 'conv 2 3x3 stride 1 valid; dense 3'";
    let parts = ["conv.weight [2, 1, 3, 3], F32: a convolution", "neither strides nor padding nor pools", example];
    failure(project.import(&file(&conv), "other.bin", &[]), 1, &parts);
}

/// Returns the same network of a convolution and a dense layer as PyTorch and Keras store it. It
/// classifies bars: each output of the convolution sees two columns.
fn bars_with_windows() -> [Vec<Named>; 2] {
    let mut noise = noise(5);
    let mut small = || f64::from(noise() >> 8) / f64::from(1 << 24) * 0.1 - 0.05;
    let kernel = (0..4).map(|channel| (0..6).map(|_| f64::from(channel) * 0.1 + small()).collect());
    let kernel: Vec<Vec<f64>> = kernel.collect();
    let [rows, columns, channels, classes] = [6, 3, 4, 3];
    let conv_keras = (0..6).flat_map(|pixel| kernel.iter().map(move |kernel| kernel[pixel]).collect::<Vec<_>>());
    let mut dense = vec![0.0; classes * rows * columns * channels];
    let mut flat = dense.clone();
    for class in 0..classes {
        for row in 0..rows {
            for column in 0..columns {
                for channel in 0..channels {
                    let is_own = channel == 3 && column == class;
                    let value = small() + if is_own { 1.0 } else { 0.0 };
                    dense[((class * channels + channel) * rows + row) * columns + column] = value;
                    flat[((row * columns + column) * channels + channel) * classes + class] = value;
                }
            }
        }
    }
    let inputs = rows * columns * channels;
    let biases = vec![0.1, -0.2, 0.3, -0.1];
    [
        vec![
            ("conv.weight", vec![4, 1, 3, 2], kernel.concat()),
            ("conv.bias", vec![4], biases.clone()),
            ("fc.weight", vec![classes, inputs], dense),
        ],
        vec![
            ("conv2d/kernel", vec![3, 2, 1, 4], conv_keras.collect()),
            ("conv2d/bias", vec![4], biases),
            ("dense/kernel", vec![inputs, classes], flat),
        ],
    ]
}

#[test]
fn convolutions_in_two_layouts_give_the_same_bytes() {
    let project = Project::new();
    let network = "conv 4 3x2 stride 1x2; dense 3";
    let [pytorch, keras] = bars_with_windows();
    let model = project.imported(&file(&pytorch), &["--network", network, "--run", "run"]);
    assert!(model == project.imported(&file(&keras), &["--network", network]));
    let report = json(project.import(&file(&pytorch), "model.bin", &["--network", network, "--json"]));
    assert_eq!((&report["test_accuracy_float"], &report["test_accuracy_fixed"]), (&1.0.into(), &1.0.into()));
    assert_eq!((&report["layers"][0]["inputs"], &report["layers"][1]["inputs"]), (&6.into(), &72.into()));
    let inspected = json(project.run(&["inspect", "run", "--json"]));
    assert_eq!(inspected["networks"][0]["network"], network);
    let config: Value = serde_json::from_slice(&fs::read(project.path().join("run/config.json")).unwrap()).unwrap();
    assert_eq!(config["train"]["network"], network);
    // Layers are counted like those of `inspect`, with pools.
    let pooled = ["--network", "conv 4 3x2 stride 1x2; maxpool 1x1; dense 3"];
    project.import(&file(&pytorch), "pooled.bin", &pooled).success().stdout(contains("layer 2 "));
    // Fine-tuning starts from it.
    let tuned = ["train", "--data", "data", "--from", "run", "--weight-bits", "4", "--qat", "1", "--run", "tuned"];
    project.run(&tuned).success();
    project.run(&["report", "run"]).success();
}

#[test]
fn descriptions_that_do_not_fit_are_refused() {
    let project = Project::new();
    let weights = file(&bars_with_windows()[0]);
    let network = "conv 4 3x2 stride 1x2 pad 1; dense 3";
    let cases: [(&[&str], i32, &[&str]); 5] = [
        (&["--network", "conv 4 3x2 stride 1x2; dense 4"], 2, &["--network, layer 1: found \"dense 4\""]),
        (&["--network", "conv 4 3x3; dense 3"], 1, &["layer 0, conv 4 3x3", "conv.weight of shape [4, 1, 3, 2]"]),
        (&["--network", network], 1, &["layer 1, dense 3", "fc.weight of shape [3, 72]", "6x4x4 = 96 values", "pad 1"]),
        (&["--network", network, "--mean", "0.5"], 2, &["--mean 0.5: layer 0, conv 4 3x2 stride 1x2 pad 1, pads"]),
        (&[], 1, &["--network 'conv 4 3x2 stride 1 valid; dense 3'"]),
    ];
    for (arguments, code, parts) in cases {
        failure(project.import(&weights, "model.bin", arguments), code, parts);
        assert_eq!(names(project.path()), ["data", "weights"], "{arguments:?}");
    }
    // Other options than --network do not help.
    let assert = project.import(&weights, "model.bin", &["--network", network]);
    assert.stderr(contains("\n  fc.weight [3, 72], F32\n").and(contains("--layer").not()));
}

#[test]
fn logits_beyond_their_range_are_divided() {
    let (project, mut network) = (Project::new(), bars());
    for number in network[1].weights.iter_mut().flatten() {
        *number *= 1e5;
    }
    network[1].biases.iter_mut().for_each(|bias| *bias *= 1e5);
    let assert = project.import(&file(&pytorch(&network)), "model.bin", &["--json"]).success();
    let assert = assert.stderr(contains("all are divided by").and(contains("--learning-rate").not()));
    assert_eq!(json(assert)["test_accuracy_fixed"], 1.0);
}

#[test]
fn other_formats_are_named() {
    let project = Project::new();
    for (content, parts) in [
        (&b"PK\x03\x04\0\0archive/data.pkl PK\x01\x02"[..], &["not a PyTorch file that can be read"][..]),
        (b"PK\x03\x04\0\0a/data.pkl a/code/b PK\x01\x02", &["a TorchScript file", "python -c", "torch.jit.load"]),
        (b"PK\x03\x04\0\0config.json model.weights.h5", &["not a Keras file, or a damaged one"]),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", &["not a Keras file, or a damaged one"]),
        (b"\x08\x08\x12\x07pytorch\x1a\x05", &["not an ONNX file, or a damaged one"]),
        (b"\x1c\0\0\0TFL3\0\0\0\0", &["not a TensorFlow Lite file, or a damaged one"]),
        (b"\x80\x04\x95\0\0\0\0\0\0\0", &["a Python pickle"]),
    ] {
        let assert = project.import(content, "model.bin", &[]).stderr(contains("header").not());
        failure(assert, 1, &[&["cannot import weights: "], parts].concat());
    }
}

#[test]
fn a_run_is_enough_to_import_into() {
    let project = Project::new();
    fs::write(project.path().join("weights"), file(&pytorch(&bars()))).unwrap();
    failure(project.run(&["import", "weights", "--data", "data"]), 2, &["<--export <FILE>|--run <DIR>>"]);
    let report = json(project.run(&["import", "weights", "--data", "data", "--run", "run", "--json"]));
    assert_eq!(report["model"], "run/model.bin");
    let inspected = project.run(&["inspect", "run"]).success();
    let is_right = contains("trained by              another program").and(contains("epochs").not());
    inspected.stdout(is_right.and(contains("imported by")).and(contains("seed").not()));
}

/// Checks fine-tuning in integers of a network whose hidden activations are tiny: the weights of
/// one layer make up for those of the other.
#[test]
fn tiny_activations_are_fine_tuned_like_others() {
    let project = Project::new();
    for scale in [1e-20, 1e-5, 1e6] {
        let [mut hidden, mut last] = bars();
        let scaled = |values: &mut [f64], factor: f64| values.iter_mut().for_each(|value| *value *= factor);
        hidden.weights.iter_mut().for_each(|weights| scaled(weights, scale));
        scaled(&mut hidden.biases, scale);
        last.weights.iter_mut().for_each(|weights| scaled(weights, scale.recip()));
        let options = ["--run", "run", "--overwrite", "--json"];
        let imported = project.import(&file(&pytorch(&[hidden, last])), "model.bin", &options);
        assert_eq!(json(imported)["test_accuracy_fixed"], 1.0);
        let train = "train --data data --from run --qat 1 --run new --overwrite --json";
        let train: Vec<&str> = train.split(' ').collect();
        let tuned = project.run(&train).success().stderr(contains("warning: fixed").not());
        let tuned = json(tuned);
        let accuracies = ["test_accuracy_before_qat", "test_accuracy_fixed"].map(|key| &tuned[key]);
        assert_eq!(accuracies, [&Value::from(1.0); 2], "{scale}: {tuned}");
    }
}

#[test]
fn fine_tuning_that_ruins_a_network_is_compared_with_its_start() {
    let project = Project::new();
    project.import(&file(&pytorch(&bars())), "model.bin", &["--run", "run"]).success();
    let train = ["train", "--data", "data", "--from", "run", "--qat", "1", "--qat-learning-rate", "1", "--run", "new"];
    let tuned = project.run(&train).success();
    let expected = contains("warning: fixed point loses ")
        .and(contains("from 100.00 % before --qat"))
        .and(contains("--qat-learning-rate"));
    tuned.stderr(expected).stdout(contains("test, before --qat      100.00 %"));
}
