//! `report`: output paths, missing files and errors. `tests/report.rs` checks the layout in a
//! browser.

use std::fs;

use predicates::prelude::*;
use predicates::str::{contains, is_empty};

use crate::files::names;
use crate::project::{Project, failure, json};

/// Returns a project with the complete runs `a` and `b`.
fn project() -> Project {
    let project = Project::new();
    for (run, seed) in [("a", "1"), ("b", "2")] {
        project.train(&["--run", run, "--seed", seed]).success();
    }
    project
}

fn page(project: &Project, path: &str) -> String {
    fs::read_to_string(project.path().join(path)).unwrap()
}

#[test]
fn a_report_of_one_run_is_in_its_folder_and_of_several_in_the_current_one() {
    let project = project();
    let before = names(&project.path().join("a"));
    project.run(&["report", "a"]).success().stdout(contains("a/report.html")).stderr(is_empty());
    let report = json(project.run(&["report", "a", "b", "--json"]));
    assert_eq!(
        (&report["report"], &report["runs"][1], &report["missing"]),
        (&"report.html".into(), &"b".into(), &serde_json::json!([]))
    );
    assert_eq!(names(project.path()), ["a", "b", "data", "report.html"]);
    let mut after = before.clone();
    after.push("report.html".to_owned());
    after.sort();
    assert_eq!(names(&project.path().join("a")), after);
    let (one, both) = (page(&project, "a/report.html"), page(&project, "report.html"));
    // Accuracy, loss, legend, confusion matrix.
    assert!(one.starts_with("<!DOCTYPE html>") && one.matches("data:image/svg+xml;base64,").count() == 4);
    assert!(both.contains("<title>Report: a, b</title>") && both.contains("equal settings"));
    // An earlier report is replaced, and `--out` accepts any folder.
    project.run(&["report", "a"]).success();
    project.run(&["report", "--out", "b/other.html", "a"]).success();
    assert!(page(&project, "a/report.html") == one && page(&project, "b/other.html") == one);
}

#[test]
fn a_playground_with_the_model_is_written_next_to_the_report() {
    let project = project();
    let path = |name: &str| project.path().join(name);
    let place = r#"<script type="application/octet-stream" id="model">old</script>"#;
    fs::write(path("page.html"), format!("<html>{place}</html>")).unwrap();
    let report = json(project.run(&["report", "a", "--playground", "page.html", "--json"]));
    assert_eq!(report["playground"], "a/playground.html");
    assert!(page(&project, "a/report.html").contains(r#"<a href="playground.html">"#));
    let written = page(&project, "a/playground.html");
    // The form that the run records: no uniform background, light on dark; then a model.
    assert!(written.contains(r#"id="model" data-framing="-1 0 "#) && written.contains(">UFJFTkRB"), "{written}");

    for (arguments, error) in [
        (&["a", "--playground", "no.html"][..], "`cargo xtask playground --out no.html` writes it"),
        (&["a", "--playground", "a/report.html"], "it is not a playground's page"),
        (&["a", "--playground", "a/playground.html"], "would overwrite"),
    ] {
        project.run(&[&["report"], arguments].concat()).failure().stderr(contains(error));
    }
    project.run(&["report", "a", "b", "--playground", "page.html"]).code(2).stderr(contains("takes one run, found 2"));
    fs::write(path("a/model.bin"), "").unwrap();
    let failed = project.run(&["report", "a", "--playground", "page.html"]);
    failed.failure().stderr(contains("a has no usable model.bin for a playground"));
}

#[test]
fn a_run_with_missing_files_is_reported_without_them() {
    let project = project();
    let run = project.path().join("a");
    fs::remove_file(run.join("history.json")).unwrap();
    fs::write(run.join("confusion.svg"), "<svg ").unwrap();
    fs::write(run.join("quantization.json"), "[]").unwrap();
    fs::copy(project.path().join("b/evaluation.json"), run.join("evaluation.json")).unwrap();
    let assert = project.run(&["report", "a", "--json"]).stderr(
        contains("warning: ")
            .count(4)
            .and(contains("a/history.json is missing"))
            .and(contains("a/evaluation.json is damaged")),
    );
    let report = json(assert);
    assert_eq!(report["missing"].as_array().map(Vec::len), Some(4), "{report}");
    for lost in report["missing"].as_array().unwrap() {
        let (file, remedy) = (lost["file"].as_str().unwrap(), lost["remedy"].as_str().unwrap());
        let is_evaluated = ["evaluation.json", "confusion.svg"].iter().any(|name| file.ends_with(name));
        let expected = if is_evaluated { "host-trainer evaluate a/model.bin" } else { "host-trainer train " };
        assert!(remedy.contains(expected), "{lost}");
    }
    // The suggested commands restore the files.
    project.run(&["evaluate", "a/model.bin", "--data", "data"]).success();
    let report = json(project.run(&["report", "a", "--out", "other.html", "--json"]));
    assert_eq!(report["missing"].as_array().map(Vec::len), Some(2), "{report}");
    let page = page(&project, "a/report.html");
    for part in
        ["a/history.json", "a/confusion.svg", "a/quantization.json", "host-trainer train", "Test accuracy, float"]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn folders_without_a_run_and_outputs_over_inputs_are_refused() {
    let project = project();
    fs::create_dir(project.path().join("empty")).unwrap();
    fs::write(project.path().join("a/parity-loopback.json"), "{}").unwrap();
    let before = [names(project.path()), names(&project.path().join("a"))];
    let cases: [(&[&str], i32, &[&str]); 10] = [
        (&["empty"], 1, &["empty", "not the folder of a run", "config.json", "host-trainer train --run"]),
        (&["a", "empty"], 1, &["empty", "not the folder of a run"]),
        (&["absent"], 1, &["absent", "cannot report on this run"]),
        (&["data/nothing"], 1, &["data/nothing"]),
        (&["a", "b", "./a/"], 2, &["./a/", "named twice"]),
        (&[], 2, &["<RUN>"]),
        (&["a", "--out", "a/result.json"], 2, &["--out", "would overwrite", "a/result.json"]),
        (&["a", "b", "--out", "a/parity-loopback.json"], 2, &["--out", "would overwrite"]),
        (&["a", "--out", "absent/x.html"], 1, &["absent/x.html", "does not exist"]),
        (&["a", "--out", "b"], 1, &["cannot write b", "not a file"]),
    ];
    for (arguments, code, parts) in cases {
        failure(project.command(&["report"]).args(arguments).assert(), code, parts);
        assert_eq!([names(project.path()), names(&project.path().join("a"))], before, "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_unicode_is_reported() {
    use std::os::unix::ffi::OsStrExt as _;
    let project = Project::new();
    let odd = std::ffi::OsStr::from_bytes(b"bad\xff");
    let report =
        |arguments: &[&str], option: &str| json(project.command(arguments).args(["--json", option]).arg(odd).assert());
    let train = ["train", "--data", "data", "--hidden", "8", "--epochs", "1"];
    assert_eq!(report(&train, "--run")["run"], "bad\u{fffd}");
    let written = json(project.command(&["evaluate", "--data", "data", "--json"]).arg(odd).assert())["written"].clone();
    assert_eq!(written[0], "bad\u{fffd}/evaluation.json");
    fs::rename(project.path().join(odd), project.path().join("run")).unwrap();
    let reorder = ["reorder", "run", "--weight-order", "vectors"];
    assert_eq!(report(&reorder, "--export")["model"], "bad\u{fffd}");
    fs::remove_file(project.path().join(odd)).unwrap();
    fs::rename(project.path().join("data"), project.path().join(odd)).unwrap();
    assert_eq!(report(&["data"], "--data")["folder"], "bad\u{fffd}");
}

#[test]
fn a_folder_of_runs_is_not_taken_for_a_run() {
    let project = Project::new();
    for seed in ["1", "2"] {
        project.train(&["--epochs", "1", "--seed", seed, "--run", &format!("runs/{seed}")]).success();
    }
    failure(project.run(&["report", "runs"]), 1, &["runs contains runs", "name one or several", "runs/1 runs/2"]);
    for command in ["inspect", "evaluate"] {
        failure(project.run(&[command, "runs"]), 1, &["runs contains runs", "for example runs/1"]);
    }
}
