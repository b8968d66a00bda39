//! Convolutional networks: training, compression, and errors in the notation.

use std::fs;

use predicates::str::contains;
use serde_json::Value;

use crate::files::names;
use crate::project::{Project, failure, json};

const NETWORK: &str = "conv 8 3x3; depthwise 3x3; maxpool 2x2; avgpool 1x2 stride 1; conv 8 1x2; dense 8; dense 3";

fn train(project: &Project, network: &str, arguments: &[&str]) -> Value {
    let train = ["train", "--data", "data", "--epochs", "12", "--learning-rate", "0.02", "--batch-size", "16"];
    json(project.command(&train).args(["--network", network, "--json"]).args(arguments).assert())
}

#[test]
fn every_compression_of_a_convolutional_network_evaluates_as_reported() {
    let project = Project::new();
    let cases: [(&[&str], &[&str]); 5] = [
        (&[], &["pairs", "pairs", "pairs", "pairs", "pairs"]),
        (&["--sparsity", "0.25"], &["blocks", "pairs", "blocks", "blocks", "pairs"]),
        (&["--weight-bits", "4", "--qat", "2"], &["four-bit", "pairs", "four-bit", "four-bit", "pairs"]),
        (&["--qat", "2", "--activation-penalty", "0.01"], &["pairs", "pairs", "pairs", "pairs", "pairs"]),
        (&["--recipe", "best", "--augment", "0", "--average", "3"], &["pairs", "pairs", "pairs", "pairs", "pairs"]),
    ];
    for (options, orders) in cases {
        let first = train(&project, NETWORK, &[&["--run", "run", "--overwrite"], options].concat());
        let model = fs::read(project.path().join("run/model.bin")).unwrap();
        train(&project, NETWORK, &[&["--run", "again", "--overwrite"], options].concat());
        assert!(model == fs::read(project.path().join("again/model.bin")).unwrap(), "{options:?}");
        // A depthwise convolution skips no pairs.
        let zero_pairs: Vec<_> = first["zero_pairs"].as_array().unwrap().iter().map(Value::as_f64).collect();
        assert!(zero_pairs.len() == 5 && zero_pairs[1].is_none() && zero_pairs[4] > Some(0.0), "{zero_pairs:?}");
        let inspected = json(project.run(&["inspect", "run", "--json"]));
        let layers = inspected["layers"].as_array().unwrap();
        let found: Vec<_> = layers.iter().filter_map(|layer| layer["weight_order"].as_str()).collect();
        assert_eq!(found, orders, "{options:?}");
        let evaluated = json(project.run(&["evaluate", "run", "--data", "data", "--json"]));
        assert_eq!(evaluated["accuracy"], first["test_accuracy_fixed"], "{options:?}");
        assert!(evaluated["accuracy"].as_f64() > Some(0.8), "{options:?}: {evaluated}");
    }
}

#[test]
fn a_convolutional_run_is_recorded_and_continued() {
    let project = Project::new();
    let report = train(&project, NETWORK, &["--validation", "30"]);
    let run = report["run"].as_str().unwrap();
    assert!(run.starts_with("runs/conv-8-3x3_depthwise-3x3_maxpool-2x2_avgpool-1x2"), "{run}");
    let configuration = fs::read(project.path().join(run).join("config.json")).unwrap();
    let configuration: Value = serde_json::from_slice(&configuration).unwrap();
    assert_eq!(configuration["train"]["network"], NETWORK);
    let from = ["train", "--data", "data", "--from", run, "--run", "narrow", "--weight-bits", "4", "--qat", "2"];
    project.run(&from).success();
    let predicted = json(project.run(&["predict", run, "--data", "data", "--index", "0", "--json"]));
    let shares = |name: &str| predicted[name].as_array().unwrap().iter().map(|share| share.as_f64().unwrap());
    for (fixed, float) in shares("probabilities").zip(shares("probabilities_float")) {
        assert!((fixed - float).abs() < 0.05, "{predicted}");
    }
    project.run(&["report", run, "--out", "report.html"]).success();
    let report = fs::read_to_string(project.path().join("report.html")).unwrap();
    assert!(report.contains(NETWORK), "{report}");
}

#[test]
fn paired_channels_give_the_same_answers() {
    let project = Project::new();
    let odd = "conv 5 3x3; depthwise 2x2; conv 7 2x2; maxpool 2x2; dense 9; dense 3";
    let cases: [(&str, &[&str], &[u64]); 4] = [
        (NETWORK, &[], &[4, 5, 6]),
        (odd, &[], &[2, 4, 5]),
        (odd, &["--weight-bits", "4"], &[2, 4, 5]),
        (NETWORK, &["--sparsity", "0.25"], &[]),
    ];
    for (network, options, layers) in cases {
        train(&project, network, &[&["--run", "run", "--overwrite"], options].concat());
        let reorder = ["reorder", "run", "--pair-channels", "--data", "data", "--export", "paired.bin", "--json"];
        let report = json(project.run(&reorder));
        let pairs = report["zero_pairs"].as_array().unwrap();
        let found: Vec<_> = pairs.iter().map(|pairs| pairs["layer"].as_u64().unwrap()).collect();
        assert_eq!(found, layers, "{report}");
        assert!(pairs.iter().all(|pairs| pairs["after"].as_f64() >= pairs["before"].as_f64()), "{report}");
        let answers = |model: &str| {
            project.run(&["evaluate", model, "--data", "data", "--answers", "answers"]).success();
            // Without the header, which contains the model's id.
            fs::read(project.path().join("answers")).unwrap().split_off(12)
        };
        assert!(answers("run") == answers("paired.bin"), "{network} {options:?}");
        let record = |name: &str| -> serde_json::Value {
            serde_json::from_slice(&fs::read(project.path().join("run").join(name)).unwrap()).unwrap()
        };
        assert_eq!(record("evaluation.json")["model_id"], record("result.json")["model_id"]);
    }
}

#[test]
fn narrow_layers_are_not_pruned() {
    let project = Project::new();
    let network = "conv 4 3x3; conv 8 1x2; dense 4; dense 3";
    let train = ["train", "--data", "data", "--network", network, "--sparsity", "0.5", "--epochs", "4", "--run", "run"];
    let assert = project.run(&train).success();
    assert.stderr(contains("--network: layers with fewer than 8 outputs are not pruned: 2"));
    let inspected = json(project.run(&["inspect", "run", "--json"]));
    let layers = inspected["layers"].as_array().unwrap();
    let orders: Vec<_> = layers.iter().filter_map(|layer| layer["weight_order"].as_str()).collect();
    assert_eq!(orders, ["pairs", "blocks", "pairs", "pairs"]);
    // Half of 4 blocks.
    assert!(layers[1]["zero_weights"].as_u64() >= Some(2 * 16), "{inspected}");
}

#[test]
fn dense_layers_are_the_same_network_in_both_notations() {
    let project = Project::new();
    train(&project, "dense 8; dense 3", &["--run", "words"]);
    let first = ["--run", "numbers", "--epochs", "12", "--learning-rate", "0.02", "--batch-size", "16"];
    project.run(&[&["train", "--data", "data", "--hidden", "8"], &first[..]].concat()).success();
    let file = |run: &str, name: &str| fs::read(project.path().join(run).join(name)).unwrap();
    assert!(file("words", "model.bin") == file("numbers", "model.bin"));
    let words: Value = serde_json::from_slice(&file("words", "config.json")).unwrap();
    assert_eq!((&words["train"]["hidden"][0], words["train"].get("network")), (&8.into(), None));
}

#[test]
fn impossible_networks_are_refused() {
    let project = Project::new();
    let cases: [(&str, &[&str], &[&str]); 8] = [
        ("conv 8; dense 3", &[], &["--network", "layer 0: found no window, expected a window"]),
        ("conv 8 3x3 stride 0; dense 3", &[], &["layer 0: found \"0\", expected a stride of 1..=255"]),
        ("conv 8 9x9 valid; dense 3", &[], &["--network, layer 0: found a window of 9x9", "expected at most"]),
        ("conv 8 3x3", &[], &["--network, layer 0: found \"conv 8 3x3\"", "\"dense 3\" at the end"]),
        ("dense 8; dense 4", &[], &["layer 1: found \"dense 4\"", "\"dense 3\" at the end"]),
        ("dense 16384; dense 16384; dense 3", &[], &["--network 'dense 16384; dense 16384; dense 3' needs"]),
        ("conv 8 3x3; dense 3", &["--hidden", "8"], &["--network", "--hidden"]),
        ("conv 7 3x3; dense 3", &["--sparsity", "0.5"], &["at least 8 outputs, the widest of --network has 7"]),
    ];
    for (network, options, parts) in cases {
        let train = ["train", "--data", "data", "--network", network];
        failure(project.command(&train).args(options).assert(), 2, parts);
        assert_eq!(names(project.path()), ["data"], "{network}");
    }
    project.run(&["train", "--help"]).success().stdout(contains("--network <LAYERS>"));
}
