//! `train --recipe`: what a recipe sets, what overrides it, and which values are refused.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::files::names;
use crate::project::{Project, failure, json};

/// Returns the training options in `config.json` of `run`.
fn recorded(project: &Project, run: &str) -> Value {
    let text = fs::read_to_string(project.path().join(run).join("config.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["train"].clone()
}

#[test]
fn options_override_the_recipe() {
    let project = Project::new();
    let best = ["train", "--data", "data", "--hidden", "8", "--recipe", "best"];
    project.command(&best).args(["--epochs", "3", "--augment", "0.25"]).assert().success();
    let run = names(&project.path().join("runs")).remove(0);
    assert!(run.starts_with("8-3-epochs-best-augment-0.25-data-") && run.ends_with("-flex-seed-1"), "{run}");
    let expected = serde_json::json!({
        "backend": "flex", "hidden": [8], "epochs": 3, "batch_size": 256, "learning_rate": 0.002, "seed": 1,
        "stop_at_train_accuracy": null, "patience": null, "recipe": "best", "schedule": "cosine", "warm_up": 0.1,
        "beta_2": 0.99, "weight_decay": 0.1, "augment": 0.25, "average_epochs": 0, "pixels": "standard",
        "activation_penalty": 0.0, "from": null, "teacher": null, "sparsity": 0.0, "weight_bits": 8,
        "qat_epochs": 0, "qat_learning_rate": 0.0
    });
    assert_eq!(recorded(&project, &format!("runs/{run}")), expected);
    let all =
        ["--schedule", "constant", "--warm-up", "1", "--beta-2", "0.95", "--weight-decay", "1", "--pixels", "unit"];
    project.command(&best).args(["--batch-size", "9", "--average", "2", "--run", "run"]).args(all).assert().success();
    let expected = serde_json::json!({
        "backend": "flex", "hidden": [8], "epochs": 100, "batch_size": 9, "learning_rate": 0.002, "seed": 1,
        "stop_at_train_accuracy": null, "patience": null, "recipe": "best", "schedule": "constant", "warm_up": 1.0,
        "beta_2": 0.95, "weight_decay": 1.0, "augment": 0.5, "average_epochs": 2, "pixels": "unit",
        "activation_penalty": 0.0, "from": null, "teacher": null, "sparsity": 0.0, "weight_bits": 8,
        "qat_epochs": 0, "qat_learning_rate": 0.0
    });
    assert_eq!(recorded(&project, "run"), expected);
}

#[test]
fn the_lectures_recipe_is_the_default() {
    let project = Project::new();
    let model = |name: &str, arguments: &[&str]| {
        project.train(&[&["--run", name, "--overwrite"], arguments].concat()).success();
        fs::read(project.path().join(name).join("model.bin")).unwrap()
    };
    let plain = model("plain", &[]);
    assert!(plain == model("named", &["--recipe", "lecture"]));
    let neutral = [
        &["--schedule", "constant", "--warm-up", "0", "--beta-2", "0.999"][..],
        &["--weight-decay", "0", "--augment", "0", "--pixels", "unit", "--activation-penalty", "0"],
    ];
    assert!(plain == model("spelled", &neutral.concat()));
    assert_eq!(recorded(&project, "plain"), recorded(&project, "spelled"));
    for option in [
        ["--schedule", "cosine"],
        ["--warm-up", "0.5"],
        ["--beta-2", "0.9"],
        ["--weight-decay", "0.5"],
        ["--augment", "0.5"],
        ["--activation-penalty", "0.1"],
        ["--pixels", "standard"],
    ] {
        assert!(plain != model("other", &option), "{option:?} changes nothing");
    }
}

#[test]
fn augmented_training_gives_the_same_bytes_for_the_same_seed() {
    let project = Project::new();
    for backend in ["flex", "ndarray"] {
        let model = |run: &str, seed: &str| {
            let run = format!("{backend}-{run}");
            let best = ["--recipe", "best", "--backend", backend, "--batch-size", "7", "--seed", seed, "--run", &run];
            project.train(&best).success();
            fs::read(project.path().join(run).join("model.bin")).unwrap()
        };
        let first = model("first", "1");
        assert!(first == model("second", "1"), "{backend}: the same seed, other bytes");
        assert!(first != model("third", "2"), "{backend}: another seed, the same bytes");
    }
}

#[test]
fn validation_images_are_measured_without_standardization_or_augmentation() {
    let project = Project::new();
    // Without augmentation: a mirrored bar belongs to another class.
    let best = ["--recipe", "best", "--augment", "0", "--batch-size", "8", "--validation", "60", "--run", "run"];
    let report = json(project.train(&[&best[..], &["--json"]].concat()));
    assert_eq!((&report["test_accuracy_float"], &report["test_accuracy_fixed"]), (&1.0.into(), &1.0.into()));
    let history = fs::read_to_string(project.path().join("run/history.json")).unwrap();
    let history: Value = serde_json::from_str(&history).unwrap();
    assert_eq!(history[7]["validation_accuracy"], 1.0, "{history}");
}

#[test]
fn a_report_has_the_recipe_and_its_command() {
    let project = Project::new();
    project.train(&["--recipe", "best", "--warm-up", "0.25", "--pixels", "unit", "--run", "run"]).success();
    fs::remove_file(project.path().join("run/history.json")).unwrap();
    let report = json(project.run(&["report", "run", "--json"]));
    let remedy = report["missing"][0]["remedy"].as_str().unwrap();
    assert!(remedy.contains(" --recipe best --warm-up 0.25 --pixels unit --run run"), "{remedy}");
    let page = fs::read_to_string(project.path().join("run/report.html")).unwrap();
    for part in ["Recipe", "cosine", "25.00 %", "Weight decay", "50.00 %", "Pixel scale in training"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn values_out_of_range_are_refused() {
    let project = Project::new();
    let cases: [(&[&str], &[&str]); 18] = [
        (&["--recipe", "worst"], &["worst", "lecture", "best"]),
        (&["--schedule", "linear"], &["linear", "constant", "cosine"]),
        (&["--pixels", "raw"], &["raw", "unit", "standard"]),
        (&["--warm-up", "1.5"], &["--warm-up", "expected 0..=1"]),
        (&["--warm-up", "-0.1"], &["--warm-up", "expected 0..=1"]),
        (&["--warm-up", "NaN"], &["--warm-up", "expected 0..=1"]),
        (&["--weight-decay", "-0.1"], &["--weight-decay", "expected 0..=1"]),
        (&["--weight-decay", "2"], &["--weight-decay", "expected 0..=1"]),
        (&["--weight-decay", "much"], &["--weight-decay", "not a number; expected 0..=1"]),
        (&["--augment", "50"], &["--augment", "expected 0..=1"]),
        (&["--augment", "-1"], &["--augment", "expected 0..=1"]),
        (&["--augment", "inf"], &["--augment", "expected 0..=1"]),
        (&["--augment"], &["--augment"]),
        (&["--activation-penalty", "11"], &["--activation-penalty", "expected 0..=10"]),
        (&["--hidden", "none", "--activation-penalty", "1"], &["--activation-penalty", "--hidden names none"]),
        (&["--beta-2", "1"], &["--beta-2", "expected 0.5..=0.9999"]),
        (&["--beta-2", "0"], &["--beta-2", "expected 0.5..=0.9999"]),
        (&["--recipe", "best", "--epochs", "0"], &["--epochs", "1..=100000"]),
    ];
    for (arguments, parts) in cases {
        failure(project.command(&["train", "--data", "data"]).args(arguments).assert(), 2, parts);
        assert_eq!(names(project.path()), ["data"], "{arguments:?}");
    }
}

#[test]
fn help_shows_what_a_recipe_sets() {
    let project = Project::new();
    let help = project.run(&["train", "--help"]).success();
    help.stdout(
        contains("best: 100").and(contains("best: 0.002")).and(contains("best: cosine")).and(contains("0..=1")),
    );
}
