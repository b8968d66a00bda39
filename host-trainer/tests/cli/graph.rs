//! `import` of files that name their operators.

use std::fs;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::files::{FILES, write_split};
use crate::project::{Project, failure, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/import");

/// Copies the file `name` of the fixtures to `project`, and writes a data set of its images, whose
/// labels are the classes that the program which trained `network` gave.
fn prepare(project: &Project, name: &str, record: &str, network: &str) {
    let fixtures = Path::new(FIXTURES);
    fs::copy(fixtures.join(name), project.path().join(name)).unwrap();
    let record: Value = serde_json::from_slice(&fs::read(fixtures.join(record)).unwrap()).unwrap();
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let pixels: Vec<u8> =
        record["images"].as_array().unwrap().iter().flat_map(numbers).map(|pixel| pixel as u8).collect();
    let outputs = record["outputs"][network].as_array().unwrap();
    let class = |row: Vec<f64>| (0..row.len()).max_by(|one, two| row[*one].total_cmp(&row[*two])).unwrap() as u8;
    let labels: Vec<u8> = outputs.iter().map(numbers).map(class).collect();
    for names in [&FILES[..2], &FILES[2..]] {
        write_split(&project.path().join("images"), names, [12, 11], &pixels, &labels);
    }
}

impl Project {
    fn import_graph(&self, name: &str, arguments: &[&str]) -> assert_cmd::assert::Assert {
        self.command(&["import", name, "--data", "images", "--export", "model.bin"]).args(arguments).assert()
    }
}

#[test]
fn an_onnx_file_gives_the_classes_of_its_framework() {
    let project = Project::new();
    prepare(&project, "tf2onnx.onnx", "keras_files.json", "convolutions");
    let report = json(project.import_graph("tf2onnx.onnx", &["--json", "--run", "run"]));
    assert_eq!(report["test_accuracy_float"], 1.0);
    let first = &report["layers"][0];
    assert_eq!((&first["inputs"], &first["outputs"], &first["bias"]), (&6.into(), &4.into(), &Value::Null));
    assert!(first["weight"].as_str().unwrap().starts_with("operator 1 Conv__37, Conv"), "{first}");
    let config: Value = serde_json::from_slice(&fs::read(project.path().join("run/config.json")).unwrap()).unwrap();
    let words = "conv 4 3x2 stride 2; depthwise 3x3; maxpool 2x2; conv 6 1x2 valid; dense 5; dense 3";
    assert_eq!(config["train"]["network"], words);
    // The extension does not matter.
    fs::rename(project.path().join("tf2onnx.onnx"), project.path().join("network")).unwrap();
    let text = project.import_graph("network", &[]).success().get_output().stdout.clone();
    assert!(String::from_utf8(text).unwrap().contains("layer 0"));
}

#[test]
fn options_of_tensors_are_refused_for_operators() {
    let project = Project::new();
    prepare(&project, "tf2onnx.onnx", "keras_files.json", "convolutions");
    for option in [&["--fold"][..], &["--network", "dense 3"], &["--layer", "a"], &["--ignore", "a"]] {
        let parts = [option[0], "tf2onnx.onnx is an ONNX file, which has all layers of its network"];
        failure(project.import_graph("tf2onnx.onnx", option), 2, &parts);
    }
    let other = ["import", "tf2onnx.onnx", "--data", "data", "--export", "model.bin"];
    let parts = ["cannot import tf2onnx.onnx", "[12, 11, 1]", "expected images of 6x6 pixels", "--data"];
    failure(project.run(&other), 1, &parts);
    failure(
        project.import_graph("tf2onnx.onnx", &["--mean", "0.5"]),
        2,
        &["--mean 0.5: operator 1 Conv__37, Conv", "pads"],
    );
    let cut = fs::read(project.path().join("tf2onnx.onnx")).unwrap();
    fs::write(project.path().join("tf2onnx.onnx"), &cut[..3000]).unwrap();
    failure(project.import_graph("tf2onnx.onnx", &[]), 1, &["not an ONNX file, or a damaged one"]);
    assert!(!project.model().exists());
}

#[test]
fn integers_of_a_tensorflow_lite_file_are_kept() {
    let project = Project::new();
    prepare(&project, "convolutions-int8.tflite", "keras_files.json", "convolutions");
    let report = json(project.import_graph("convolutions-int8.tflite", &["--json"]));
    let source = &report["source"];
    let count = |key: &str| source[key].as_u64().unwrap();
    assert_eq!((count("images"), count("logits"), count("same_class")), (24, 72, 24), "{source}");
    // Only roundings differ.
    assert!(count("equal") >= 65 && count("largest_difference") <= 1, "{source}");
    let text = project.import_graph("convolutions-int8.tflite", &[]).success();
    let text = text.stderr(contains("the integers of the file are kept"));
    text.stdout(contains("logits are the file's integers").and(contains("same class for 24 of 24 images")));

    // Raw pixels are another input than the file's.
    let again = project.import_graph("convolutions-int8.tflite", &["--pixel-scale", "1"]).success();
    again.stderr(contains("quantized again: its input has steps of 0.0039")).stdout(contains("source").not());
}

#[test]
fn damaged_tensorflow_lite_files_are_refused() {
    let project = Project::new();
    prepare(&project, "dense-float.tflite", "keras_files.json", "dense");
    let file = fs::read(project.path().join("dense-float.tflite")).unwrap();
    for length in [8, 20, 100, 1000] {
        fs::write(project.path().join("cut"), &file[..length]).unwrap();
        failure(project.import_graph("cut", &[]), 1, &["cannot import cut"]);
    }
    assert!(!project.model().exists());
}
