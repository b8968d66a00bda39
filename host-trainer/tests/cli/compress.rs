//! Teachers, pruning, few bits and quantization-aware training: results and errors.

use std::fs;

use predicates::str::contains;
use serde_json::Value;

use crate::files::{names, write_dots};
use crate::project::{Project, failure, json};

/// Options of each compression, and the weight order of the hidden layer.
const COMPRESSIONS: [(&[&str], &str); 5] = [
    (&["--weight-bits", "4"], "four-bit"),
    (&["--weight-bits", "4", "--qat", "2"], "four-bit"),
    (&["--weight-bits", "2", "--qat", "2", "--qat-learning-rate", "0.01"], "ternary"),
    (&["--sparsity", "0.25"], "blocks"),
    (&["--sparsity", "0.25", "--qat", "2"], "blocks"),
];

fn orders(project: &Project, model: &str) -> Vec<Value> {
    let report = json(project.run(&["inspect", model, "--json"]));
    report["layers"].as_array().unwrap().iter().map(|layer| layer["weight_order"].clone()).collect()
}

#[test]
fn every_compression_is_reproducible_and_evaluates_as_reported() {
    let project = Project::new();
    for (options, order) in COMPRESSIONS {
        let train = |run: &str| {
            let first = ["--json", "--overwrite", "--batch-size", "16", "--run", run];
            let report = json(project.train(&[&first[..], options].concat()));
            (report, fs::read(project.path().join(run).join("model.bin")).unwrap())
        };
        let ((report, model), (_, again)) = (train("run"), train("again"));
        assert!(model == again, "{options:?}: the same seed gave other bytes");
        assert_eq!(orders(&project, "run"), [order, "pairs"], "{options:?}");
        let evaluated = json(project.run(&["evaluate", "run", "--data", "data", "--json"]));
        assert_eq!(evaluated["accuracy"], report["test_accuracy_fixed"], "{options:?}");
        assert!(evaluated["accuracy"].as_f64() > Some(0.9), "{options:?}: {evaluated}");
    }
}

#[test]
fn a_run_is_quantized_again_and_stays_unchanged() {
    let project = Project::new();
    project.train(&["--run", "run", "--validation", "30", "--seed", "5"]).success();
    let model = || fs::read(project.path().join("run/model.bin")).unwrap();
    let whole = model();
    let from = ["train", "--data", "data", "--from", "run"];
    let report = json(project.command(&from).args(["--weight-bits", "4", "--json"]).assert());
    assert_eq!((&report["epochs"], &report["seed"]), (&0.into(), &5.into()), "{report}");
    assert_eq!(orders(&project, report["model"].as_str().unwrap()), ["four-bit", "pairs"]);
    // The same bits give the same network.
    project.command(&from).args(["--run", "same"]).assert().success();
    let pieces = |run: &str| json(project.run(&["inspect", run, "--json"]))["layers"].clone();
    assert_eq!(pieces("same"), pieces("run"));
    let report =
        json(project.command(&from).args(["--weight-bits", "2", "--qat", "3", "--run", "ternary", "--json"]).assert());
    assert_eq!(report["epochs"], 3);
    let history = fs::read_to_string(project.path().join("ternary/history.json")).unwrap();
    assert_eq!(history.matches("validation_accuracy").count(), 3, "{history}");
    assert!(whole == model());
    let ternary = ["train", "--data", "data", "--from", "ternary"];
    failure(project.run(&ternary), 1, &["was trained with --qat"]);
    failure(project.command(&from).args(["--run", "run"]).assert(), 2, &["--run run would overwrite run"]);
    // An imported network works, too.
    let import =
        ["import", "run/weights.safetensors", "--data", "data", "--export", "imported.bin", "--run", "imported"];
    project.run(&import).success();
    let imported =
        ["train", "--data", "data", "--from", "imported", "--weight-bits", "4", "--qat", "1", "--run", "tuned"];
    project.run(&imported).success();
    assert_eq!(orders(&project, "tuned"), ["four-bit", "pairs"]);
    // A report shows its origin.
    project.run(&["report", "ternary"]).success();
    let page = fs::read_to_string(project.path().join("ternary/report.html")).unwrap();
    for part in ["Starts from model", "Bits per weight", "Epochs of quantization-aware training"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn the_class_names_of_a_run_are_kept() {
    let project = Project::new();
    fs::write(project.path().join("names"), "left\nmiddle\nright").unwrap();
    fs::write(project.path().join("others"), "a\nb\nc").unwrap();
    project.train(&["--epochs", "1", "--class-names", "names", "--run", "run"]).success();
    let classes = |options: &[&str]| {
        let from = ["train", "--from", "run", "--run", "narrow", "--weight-bits", "4", "--overwrite"];
        project.command(&from).args(options).assert().success();
        json(project.run(&["inspect", "narrow", "--json"]))["classes"].clone()
    };
    assert_eq!(classes(&[]), serde_json::json!(["left", "middle", "right"]));
    assert_eq!(classes(&["--class-names", "others"]), serde_json::json!(["a", "b", "c"]));
    let config = project.path().join("run/config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"left\",", "")).unwrap();
    failure(project.run(&["train", "--from", "run"]), 1, &["classes has 2 names, expected 3"]);
}

#[test]
fn training_from_an_unsuitable_run_is_refused() {
    let project = Project::new();
    let from = ["train", "--data", "data", "--from", "run"];
    failure(project.command(&from).assert(), 1, &["config.json is missing"]);
    project.train(&["--run", "run"]).success();
    write_dots(&project.path().join("other"), 6, 6, 3, 30);
    let other = ["train", "--data", "other", "--from", "run"];
    failure(project.command(&other).assert(), 1, &["another data set"]);
    for option in [["--epochs", "3"], ["--hidden", "4"], ["--seed", "2"], ["--sparsity", "0.5"], ["--validation", "3"]]
    {
        failure(project.command(&from).args(option).assert(), 2, &["--from", option[0]]);
    }
    let config = project.path().join("run/config.json");
    let whole = fs::read_to_string(&config).unwrap();
    for (sound, bad, problem) in [
        ("\"batch_size\": 32", "\"batch_size\": 0", "batch_size is 0, expected 1..=65536"),
        ("\"augment\": 0.0", "\"augment\": -1.0", "augment is -1.0, expected 0..=1"),
        (
            "\"learning_rate\": 0.01",
            "\"learning_rate\": -1e308",
            "learning_rate is -1e308, expected above 0 and at most 1",
        ),
        (
            "\"validation\": 0",
            "\"validation\": 1000000000",
            "validation is 1000000000, expected less than 240, the training images",
        ),
    ] {
        assert!(whole.contains(sound), "{whole}");
        fs::write(&config, whole.replace(sound, bad)).unwrap();
        failure(project.command(&from).args(["--qat", "1"]).assert(), 1, &["run/config.json is damaged", problem]);
    }
    fs::write(&config, &whole).unwrap();
    let result = project.path().join("run/result.json");
    let outcome = fs::read_to_string(&result).unwrap();
    let id = serde_json::from_str::<Value>(&outcome).unwrap()["model_id"].as_str().unwrap().to_owned();
    fs::write(&result, outcome.replace(&id, "../../evil")).unwrap();
    failure(project.command(&from).assert(), 1, &["model.bin is damaged", "result.json names model"]);
    fs::write(&result, &outcome).unwrap();
    project.train(&["--sparsity", "0.5", "--run", "sparse"]).success();
    // One step is enough to prune.
    let once = ["--sparsity", "0.9", "--epochs", "1", "--batch-size", "65536", "--run", "once"];
    project.train(&once).success();
    let zeros = json(project.run(&["inspect", "once", "--json"]))["layers"][0]["zero_weights"].as_u64().unwrap();
    assert!(zeros >= 16 * 16, "{zeros} of 288");
    let sparse = ["train", "--data", "data", "--from", "sparse", "--weight-bits", "4"];
    failure(project.command(&sparse).assert(), 2, &["weights of 8 bits"]);
    fs::copy(project.path().join("run/weights.safetensors"), project.path().join("sparse/weights.safetensors"))
        .unwrap();
    let text = fs::read_to_string(project.path().join("run/config.json")).unwrap();
    fs::write(project.path().join("run/config.json"), text.replace("[\n      8\n    ]", "[\n      9\n    ]")).unwrap();
    failure(project.command(&from).assert(), 1, &["do not have the layers of the run's configuration"]);
}

#[test]
fn a_teacher_is_trained_and_used() {
    let project = Project::new();
    let teach =
        ["teach", "--data", "data", "--channels", "2", "--epochs", "3", "--batch-size", "8", "--validation", "30"];
    let make = |file: &str| json(project.command(&teach).args(["--export", file, "--json"]).assert());
    let report = make("teacher.safetensors");
    // A mirrored bar belongs to another class, so the teacher cannot learn much.
    assert!(report["validation_accuracy"].is_f64() && report["test_accuracy"].is_f64(), "{report}");
    make("again.safetensors");
    let bytes = |name: &str| fs::read(project.path().join(name)).unwrap();
    assert!(bytes("teacher.safetensors") == bytes("again.safetensors"), "the same seed gave other answers");

    // Settings that are not the defaults are in the name.
    project.command(&teach).args(["--seed", "2"]).assert().success();
    let is_named = |name: &String| name.starts_with("teacher-channels-2-epochs-3-") && name.contains("-seed-2.");
    assert!(names(project.path()).iter().any(is_named), "{:?}", names(project.path()));
    assert!(bytes("teacher.safetensors") == bytes("again.safetensors"));

    let teacher = ["--teacher", "teacher.safetensors", "--recipe", "best", "--augment", "0", "--batch-size", "16"];
    let train = |options: &[&str]| {
        project.train(&[&["--run", "run", "--overwrite"], &teacher[..], options].concat()).success();
        fs::read(project.path().join("run/model.bin")).unwrap()
    };
    let taught = train(&[]);
    assert!(taught == train(&["--teacher-share", "0.7"]));
    assert!(taught != train(&["--teacher-share", "0.2"]));
    train(&["--validation", "30", "--qat", "1"]);
    let config = fs::read_to_string(project.path().join("run/config.json")).unwrap();
    assert!(config.contains(r#""share": 0.7"#), "{config}");
    let best = "train --data data --hidden 8 --recipe best --teacher teacher.safetensors --run best";
    let best: Vec<_> = best.split(' ').collect();
    project.command(&best).assert().success().stderr(contains("epoch 150/150"));

    // Images that the teacher has seen are not held out.
    let refused =
        |options: &[&str], parts: &[&str]| failure(project.train(&[&teacher[..], options].concat()), 1, parts);
    refused(&["--validation", "30", "--validation-order", "last"], &["images that are to be held out"]);
    refused(&["--validation", "30", "--seed", "2"], &["images that are to be held out"]);
    train(&["--validation", "20"]);
    refused(
        &["--validation", "31"],
        &["images that are to be held out; hold out at most 30 with --validation-order class and --seed 1"],
    );
    write_dots(&project.path().join("other"), 6, 6, 3, 30);
    refused(&["--data", "other"], &["teacher.safetensors belongs to another data set"]);
    let whole = bytes("teacher.safetensors");
    for length in [0, 8, 100, whole.len() - 4] {
        fs::write(project.path().join("teacher.safetensors"), &whole[..length]).unwrap();
        refused(&[], &["teacher.safetensors is not a file of host-trainer teach"]);
    }
    fs::remove_file(project.path().join("teacher.safetensors")).unwrap();
    refused(&[], &["cannot read teacher.safetensors", "host-trainer teach --export"]);
}

#[test]
fn invalid_options_are_refused() {
    let project = Project::new();
    let cases: [(&[&str], &[&str]); 21] = [
        (&["--weight-bits", "3"], &["--weight-bits", "8, 4, 2"]),
        (&["--sparsity", "1"], &["--sparsity", "expected 0 or more and below 1"]),
        (&["--sparsity", "-0.1"], &["--sparsity", "expected 0 or more and below 1"]),
        (&["--sparsity", "NaN"], &["--sparsity", "expected 0 or more and below 1"]),
        (&["--sparsity", "0.5", "--hidden", "6,7"], &["at least 8 outputs", "the widest of --hidden has 7"]),
        (&["--sparsity", "0.5", "--weight-bits", "4"], &["--sparsity", "weights of 8 bits"]),
        (&["--qat", "0"], &["--qat", "1..=100000"]),
        (&["--qat"], &["--qat"]),
        (&["--qat-learning-rate", "0.1"], &["--qat"]),
        (&["--qat", "1", "--qat-learning-rate", "0"], &["expected above 0"]),
        (&["--teacher-share", "0.5"], &["--teacher"]),
        (&["--teacher", "x", "--teacher-share", "2"], &["expected 0..=1"]),
        (&["--from"], &["--from"]),
        (&["--from", "x", "--teacher", "y"], &["--teacher has no effect", "add --qat"]),
        (&["--from", "x", "--augment", "0.5"], &["--augment has no effect"]),
        (&["--from", "x", "--activation-penalty", "1"], &["--activation-penalty has no effect"]),
        (&["--sparsity", "0.5", "--stop-at-train-accuracy", "0.9"], &["--sparsity requires all epochs"]),
        (&["--average", "2", "--stop-at-train-accuracy", "0.5"], &["--average requires all epochs"]),
        (&["--average", "2", "--sparsity", "0.5"], &["--average cannot be combined with --sparsity"]),
        (&["--average", "9", "--epochs", "8"], &["--average is 9, expected at most 8"]),
        (&["--sparsity", "0.5", "--validation", "9", "--patience", "2"], &["--sparsity requires all epochs"]),
    ];
    for (arguments, parts) in cases {
        failure(project.command(&["train", "--data", "data"]).args(arguments).assert(), 2, parts);
        assert_eq!(names(project.path()), ["data"], "{arguments:?}");
    }
    let cases: [(&[&str], i32, &str); 5] = [
        (&["--channels", "0"], 2, "--channels"),
        (&["--epochs", "0"], 2, "--epochs"),
        (&["--learning-rate", "2"], 2, "--learning-rate"),
        (&["--validation", "240"], 2, "--validation is 240, expected 0..=239"),
        (&["--export", "none/teacher"], 1, "does not exist"),
    ];
    for (arguments, code, part) in cases {
        failure(project.command(&["teach", "--data", "data"]).args(arguments).assert(), code, &[part]);
        assert_eq!(names(project.path()), ["data"], "{arguments:?}");
    }
}
