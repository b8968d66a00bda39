//! `evaluate`: its output, and the files it writes.

use std::fs;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::contains;

use crate::files::{FILES, SIDE, bars, gzip, idx, names, write_data, write_split};
use crate::project::{Project, failure, json};

const EVALUATION_FILES: [&str; 3] = ["confusion.svg", "evaluation.json", "mistakes.svg"];

fn project_with_run() -> Project {
    let project = Project::new();
    project.train(&["--run", "run"]).success();
    project
}

/// Writes a data set of [`bars`] with these labels, which may be wrong, to `folder`.
fn write_labels(folder: &Path, train: &[u8], test: &[u8]) {
    for (labels, names) in [(train, &FILES[..2]), (test, &FILES[2..])] {
        write_split(folder, names, [SIDE; 2], &bars(labels.len() as u32).0, labels);
    }
}

#[test]
fn a_second_evaluation_of_a_run_equals_the_first() {
    let project = project_with_run();
    let path = |name| project.path().join("run").join(name);
    let before = EVALUATION_FILES.map(|name| fs::read(path(name)).unwrap());
    for model in ["run", "run/model.bin"] {
        EVALUATION_FILES.iter().for_each(|name| fs::remove_file(path(name)).unwrap());
        let evaluated = json(project.run(&["evaluate", model, "--data", "data", "--json"]));
        assert_eq!(EVALUATION_FILES.map(|name| fs::read(path(name)).unwrap()), before, "{model}");
        let recorded: serde_json::Value = serde_json::from_slice(&before[1]).unwrap();
        // Only the file has images.
        assert!(recorded["samples"][0]["pixels"].is_string() && evaluated.get("samples").is_none());
        for (key, value) in recorded.as_object().unwrap().iter().filter(|(key, _)| *key != "samples") {
            assert_eq!(&evaluated[key], value, "{key}");
        }
        assert_eq!(evaluated["confusion"][0], serde_json::json!([20, 0, 0]));
        assert!(evaluated["seconds"].is_number());
        assert_eq!(evaluated["written"].as_array().unwrap().len(), 3);
    }
    let parts = [
        "accuracy, fixed point   100.00 %",
        "precision",
        "F1",
        "loss, fixed point",
        "true / predicted",
        "run/confusion.svg",
    ];
    let assert = project.run(&["evaluate", "run", "--data", "data"]).success();
    let assert = parts.iter().fold(assert, |assert, part| assert.stdout(contains(*part)));
    assert.stdout(contains("mistakes\n").not());
    assert_eq!(json(project.run(&["inspect", "run", "--json"]))["golden_vectors"], 1);
}

#[test]
fn other_models_and_images_do_not_replace_the_evaluation_of_a_run() {
    let project = project_with_run();
    let path = |name| project.path().join("run").join(name);
    let before = EVALUATION_FILES.map(|name| fs::read(path(name)).unwrap());
    write_labels(&project.path().join("other"), &[2, 1, 0], &[2, 2, 1, 0]);
    // The same training images, and as many test images, with reversed labels.
    let reversed = project.path().join("reversed");
    write_data(&reversed);
    let labels: Vec<u8> = bars(60).1.into_iter().rev().collect();
    fs::write(reversed.join(format!("{}.gz", FILES[3])), gzip(&idx(&[60], &labels))).unwrap();
    fs::copy(path("model.bin"), project.path().join("copy.bin")).unwrap();
    for arguments in [
        &["evaluate", "run", "--data", "data", "--first", "7"][..],
        &["evaluate", "run", "--data", "reversed", "--other-data"],
        &["evaluate", "run", "--data", "other", "--other-data"],
        &["evaluate", "copy.bin", "--data", "data"],
    ] {
        project
            .run(arguments)
            .success()
            .stdout(contains("name a folder with --pictures").and(contains("written  ").not()));
        assert_eq!(json(project.command(arguments).arg("--json").assert())["written"], serde_json::json!([]));
    }
    assert_eq!(EVALUATION_FILES.map(|name| fs::read(path(name)).unwrap()), before);
    assert_eq!(names(project.path()), ["copy.bin", "data", "other", "reversed", "run"]);
}

#[test]
fn a_run_with_damaged_records_is_left_unchanged_with_a_warning() {
    let project = project_with_run();
    for (name, content) in [("config.json", Some("{")), ("config.json", None), ("result.json", Some("{}"))] {
        let path = project.path().join("run").join(name);
        match content {
            Some(content) => fs::write(path, content).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let assert = project.run(&["evaluate", "run", "--data", "data"]).success().stdout(contains("not written"));
        let problem = if content.is_some() { "is damaged" } else { "is missing" };
        assert.stderr(contains("warning: ").and(contains(name)).and(contains(problem)).and(contains("train")));
    }
    project
        .run(&["evaluate", "run", "--data", "data", "--pictures", "out"])
        .success()
        .stderr(contains("warning: the run's data set is unknown").and(contains("replaced").not()));
}

#[test]
fn charts_go_to_the_named_folder() {
    let project = project_with_run();
    let evaluate = ["evaluate", "run", "--data", "data", "--pictures", "deep/new"];
    project.command(&evaluate).args(["--first", "7", "--answers", "deep/new/answers.bin"]).assert().success();
    let folder = project.path().join("deep/new");
    assert_eq!(names(&folder), ["answers.bin", "confusion.svg", "evaluation.json", "mistakes.svg"]);
    let matrix = fs::read_to_string(folder.join("confusion.svg")).unwrap();
    assert!(matrix.contains("100.00 % of 7 test images"), "{matrix}");
    let evaluation: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("evaluation.json")).unwrap()).unwrap();
    assert_eq!((&evaluation["pictures"], &evaluation["classes"][0]["pictures"]), (&7.into(), &3.into()));
}

#[test]
fn folders_that_charts_must_not_overwrite_are_refused() {
    let project = project_with_run();
    fs::write(project.path().join("file"), "x").unwrap();
    fs::create_dir(project.path().join("taken")).unwrap();
    fs::copy(project.path().join("run/model.bin"), project.path().join("taken/confusion.svg")).unwrap();
    project.train(&["--seed", "2", "--run", "second"]).success();
    let entries = names(project.path());
    let evaluate =
        |model, arguments: &[&str]| project.command(&["evaluate", model, "--data", "data"]).args(arguments).assert();
    failure(evaluate("run", &["--pictures", "file"]), 1, &["cannot create folder file"]);
    let parts = ["--pictures taken would overwrite taken/confusion.svg; name another folder"];
    failure(evaluate("taken/confusion.svg", &["--pictures", "taken"]), 2, &parts);
    let parts = ["--answers", "would overwrite new/mistakes.svg"];
    failure(evaluate("run", &["--pictures", "new", "--answers", "new/mistakes.svg"]), 2, &parts);
    let parts = ["--answers", "would overwrite run/evaluation.json"];
    failure(evaluate("run", &["--answers", "run/evaluation.json"]), 2, &parts);
    failure(evaluate("run", &["--pictures", "new", "--first", "61"]), 2, &["1..=60"]);
    // A run keeps the evaluation of its own model on all its images.
    let recorded = || fs::read(project.path().join("run/evaluation.json")).unwrap();
    let before = recorded();
    let parts = ["--pictures run", "the folder of a run", "name another folder"];
    failure(evaluate("run", &["--pictures", "run", "--first", "7"]), 2, &parts);
    failure(evaluate("second", &["--pictures", "run"]), 2, &parts);
    evaluate("run", &["--pictures", "run"]).success();
    assert_eq!(recorded(), before);
    assert_eq!(names(project.path()), entries);
}

#[test]
fn the_most_confident_mistakes_are_shown_first() {
    let project = project_with_run();
    // Images of classes 0, 1, 2, 0, .., all with label 1.
    write_labels(&project.path().join("wrong"), &[0, 1, 2], &[1; 9]);
    let evaluate = ["evaluate", "run", "--data", "wrong", "--other-data", "--pictures", "out"];
    let evaluated = json(project.command(&evaluate).arg("--json").assert());
    assert_eq!(evaluated["confusion"], serde_json::json!([[0, 0, 0], [3, 3, 3], [0, 0, 0]]));
    let classes = &evaluated["classes"];
    assert_eq!((&classes[0]["precision"], &classes[0]["recall"]), (&0.0.into(), &serde_json::Value::Null));
    let mistakes = evaluated["mistakes"].as_array().unwrap();
    let confidences: Vec<f64> = mistakes.iter().map(|mistake| mistake["probability"].as_f64().unwrap()).collect();
    assert!(confidences.len() == 6 && confidences.is_sorted_by(|one, other| one >= other), "{confidences:?}");
    let grid = fs::read_to_string(project.path().join("out/mistakes.svg")).unwrap();
    assert_eq!(grid.matches("<image").count(), 6);
    project.run(&evaluate).success().stdout(contains("most confident mistakes").and(contains("test image")));
}

#[test]
fn a_matrix_too_large_for_a_terminal_is_written_to_a_file() {
    let project = Project::new();
    let labels: Vec<u8> = (0..200).collect();
    write_labels(&project.path().join("data"), &labels, &labels);
    project.train(&["--epochs", "1", "--run", "run"]).success();
    let place = contains("the confusion matrix of 200 classes is in run/confusion.svg").and(contains("│ 199 "));
    project.run(&["evaluate", "run", "--data", "data"]).success().stdout(place.and(contains("true / predicted").not()));
    let first = project.run(&["evaluate", "run", "--data", "data", "--first", "9"]).success();
    first.stdout(contains("is written to a file with --pictures DIR"));
}

#[test]
fn outputs_do_not_overwrite_files_of_any_run() {
    let project = project_with_run();
    let path = |name: &str| project.path().join(name);
    project.train(&["--seed", "2", "--run", "runs/other"]).success();
    project.train(&["--seed", "3", "--export", "model.bin"]).success();
    let before =
        |folder: &str| names(&path(folder)).iter().map(|name| fs::read(path(folder).join(name)).unwrap()).collect();
    let all: [Vec<_>; 2] = [before("run"), before("runs/other")];
    let evaluate = ["evaluate", "run", "--data", "data", "--answers"];
    let train = ["train", "--data", "data", "--epochs", "1", "--hidden", "8", "--run", "new", "--export"];
    let from = ["train", "--data", "data", "--from", "run", "--run", "new", "--export"];
    let frontier = ["frontier", "--data", "data", "--draw-only", "--runs", "runs"];
    let cases: [(&[&str], &str, &str); 11] = [
        (&evaluate, "--answers", "runs/other/model.bin"),
        (&evaluate, "--answers", "run/history.json"),
        (&["evaluate", "model.bin", "--data", "data", "--answers"], "--answers", "run/../run/config.json"),
        (&train, "--export", "runs/other/result.json"),
        (&from, "--export", "run/model.bin"),
        (&from, "--export", "run/config.json"),
        (&[&frontier[..], &["--export"]].concat(), "--export", "runs/other/result.json"),
        (&[&frontier[..], &["--chart"]].concat(), "--chart", "runs/other/history.svg"),
        (&["reorder", "model.bin", "--weight-order", "vectors", "--export"], "--export", "run/quantization.json"),
        (&["report", "run", "--out"], "--out", "runs/other/mistakes.svg"),
        (&["show", "--data", "data", "--out"], "--out", "runs/other/history.svg"),
    ];
    for (arguments, option, output) in cases {
        failure(project.command(arguments).arg(output).assert(), 2, &[option, output, "would overwrite"]);
        failure(
            project.command(&["import", "run/weights.safetensors", "--data", "data", "--export", output]).assert(),
            2,
            &["--export", "would overwrite"],
        );
        let assert = project.command(&["teach", "--data", "data", "--export", output]).assert();
        failure(assert, 2, &["--export", "would overwrite"]);
    }
    assert!(!path("new").exists(), "no run was started");
    assert!(all == [before("run"), before("runs/other")]);
    // Outside the folder of a run these names are allowed.
    fs::create_dir(path("plain")).unwrap();
    project.command(&evaluate).arg("plain/history.json").assert().success();
}

#[test]
fn a_run_knows_its_data_set() {
    let project = project_with_run();
    let path = |name: &str| project.path().join(name);
    fs::copy(path("run/model.bin"), path("copy.bin")).unwrap();
    write_labels(&path("other"), &[2, 1, 0], &[2, 2, 1, 0]);
    // The same training images with other test labels.
    write_data(&path("reversed"));
    let labels: Vec<u8> = bars(60).1.into_iter().rev().collect();
    fs::write(path("reversed").join(format!("{}.gz", FILES[3])), gzip(&idx(&[60], &labels))).unwrap();

    let evaluated = json(project.run(&["evaluate", "run", "--json"]));
    assert_eq!((&evaluated["pictures"], &evaluated["accuracy"]), (&60.into(), &1.0.into()));
    assert_eq!((&evaluated["data"]["origin"], &evaluated["data"]["is_own"]), (&"run".into(), &true.into()));
    project.run(&["evaluate", "run"]).success().stdout(contains("data (recorded by the run)"));
    assert_eq!(json(project.run(&["predict", "run", "--index", "1", "--json"]))["label"], 1);
    project.run(&["train", "--from", "run", "--weight-bits", "4", "--run", "narrow"]).success();
    // A run that starts from another one knows it, too.
    assert_eq!(json(project.run(&["evaluate", "narrow", "--json"]))["pictures"], 60);

    for (model, data, part) in [
        ("run", "other", "its training images"),
        ("run", "reversed", "its test images"),
        ("run/model.bin", "other", "its training images"),
        ("copy.bin", "other", "its training images"),
    ] {
        for command in [&["evaluate", model][..], &["predict", model, "--index", "1"]] {
            let run = |more: &[&str]| project.command(command).args(["--data", data]).args(more).assert();
            failure(run(&[]), 1, &[data, "is not the data set of", part, "--data", "--other-data"]);
            run(&["--other-data"]).success().stderr(contains("warning: ").and(contains("is not the data set")));
        }
    }
    let other = json(project.run(&["evaluate", "run", "--data", "other", "--other-data", "--json"]));
    assert_eq!((&other["data"]["is_own"], &other["pictures"]), (&false.into(), &4.into()));
    // A copy of the data set will do.
    fs::rename(path("data"), path("moved")).unwrap();
    failure(project.run(&["evaluate", "run"]), 1, &["data (recorded by the run) does not exist"]);
    project.run(&["evaluate", "run", "--data", "moved"]).success().stderr(contains("warning").not());
    fs::write(path("run/config.json"), "{").unwrap();
    for command in [&["evaluate", "run"][..], &["predict", "run", "--index", "1"]] {
        let assert = project.command(command).args(["--data", "moved"]).assert();
        assert.success().stderr(contains("warning: the run's data set is unknown"));
    }
}
