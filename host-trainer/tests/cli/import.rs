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
    let data: Vec<Vec<u8>> = tensors
        .iter()
        .map(|tensor| tensor.2.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect())
        .collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|((name, shape, _), data)| (*name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    safetensors::serialize(views, None).unwrap()
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
    assert!(missing[0]["remedy"].as_str().unwrap().starts_with("host-trainer import WEIGHTS"), "{missing}");

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
        (b"PK\x03\x04 a file of torch.save".to_vec(), &["not a safetensors file", "docs/import.md"]),
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
        (changed(&|tensors| tensors[2].1 = vec![12]), &["no sequence of these layers"]),
        (
            changed(&|tensors| tensors[1] = ("fc1.bias", vec![2], vec![0.0; 2])),
            &["fc1.bias has shape [2]", "4 outputs"],
        ),
        (changed(&|tensors| tensors[2].2.fill(1e30)), &["weights", "too large"]),
        (changed(&|tensors| tensors[0].2.fill(1e38)), &["not finite"]),
        (changed(&|tensors| tensors[0].0 = "a\x1b[2J.weight"), &["\\u{1b}"]),
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
    assert!(remedy.contains("host-trainer import WEIGHTS") && remedy.contains("--run run"), "{remedy}");
}

#[test]
fn unsuitable_arguments_are_refused() {
    let project = Project::new();
    let good = file(&pytorch(&bars()));
    let cases: [(&[&str], i32, &[&str]); 10] = [
        (&["--std", "0"], 2, &["--std", "above 0"]),
        (&["--std", "-1"], 2, &["--std", "above 0"]),
        (&["--mean", "NaN"], 2, &["--mean", "finite"]),
        (&["--pixel-scale", "inf"], 2, &["--pixel-scale", "finite"]),
        (&["--layer", "a,b,c"], 2, &["--layer", "WEIGHT[,BIAS][,in-out|out-in]"]),
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
    failure(assert, 1, &["cannot import absent", "cannot be read"]);
    failure(project.run(&["import", ".", "--export", "model.bin"]), 1, &["cannot import ."]);
    failure(project.run(&["import", "weights"]), 2, &["--export"]);
    fs::rename(project.path().join("weights"), project.path().join("weights.safetensors")).unwrap();
    let run = ["import", "weights.safetensors", "--data", "data", "--export", "model.bin", "--run", "."];
    failure(project.run(&run), 2, &["--run . would overwrite weights.safetensors; name another folder"]);
}
