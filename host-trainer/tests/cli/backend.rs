//! `--backend`: the list, and errors for absent backends.

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::files::names;
use crate::project::{Project, failure, json};

/// Returns the entry of `backend` in the output of `--backend list --json`.
fn entry(list: &Value, backend: &str) -> Value {
    let entries = list["backends"].as_array().unwrap();
    entries.iter().find(|entry| entry["backend"] == backend).cloned().unwrap()
}

#[test]
fn the_list_shows_all_backends_and_trains_nothing() {
    let project = Project::new();
    let list = json(project.train(&["--backend", "list", "--json"]));
    assert_eq!(list["backends"].as_array().unwrap().len(), 4);
    for (backend, is_default) in [("flex", true), ("ndarray", false)] {
        let entry = entry(&list, backend);
        assert_eq!((&entry["is_built"], &entry["is_default"]), (&true.into(), &is_default.into()));
        assert_eq!(entry["devices"][0]["name"], "processor");
    }
    assert_eq!(entry(&list, "wgpu")["is_built"], cfg!(feature = "wgpu"));
    assert_eq!(entry(&list, "cuda")["is_built"], cfg!(feature = "cuda"));

    let table = contains("flex").and(contains("yes, the default")).and(contains("processor"));
    project.train(&["--backend", "list"]).success().stdout(table);
    assert_eq!(names(project.path()), ["data"]);
}

#[test]
fn the_list_needs_no_data() {
    let project = Project::new();
    for command in ["train", "compare"] {
        project.run(&[command, "--data", "elsewhere", "--backend", "list"]).success().stdout(contains("flex"));
    }
    assert_eq!(names(project.path()), ["data"]);
}

#[test]
fn the_help_has_a_line_for_each_backend() {
    let lines = ["- flex: ", "- ndarray: ", "- wgpu: ", "- cuda: ", "- list: "];
    let assert = Project::new().run(&["train", "--help"]).success();
    lines.into_iter().fold(assert, |assert, line| assert.stdout(contains(line)));
}

#[test]
fn an_unavailable_backend_is_refused_before_training() {
    let project = Project::new();
    let list = json(project.run(&["train", "--backend", "list", "--json"]));
    for backend in ["wgpu", "cuda"] {
        let entry = entry(&list, backend);
        let line = format!("--features host-trainer/{backend}");
        if entry["is_built"] == false {
            failure(project.train(&["--backend", backend]), 2, &[backend, "build with", &line]);
        } else if entry["devices"].as_array().unwrap().is_empty() {
            failure(project.train(&["--backend", backend]), 1, &[backend, "no device", "--backend flex"]);
        }
        // tests/lecture.rs trains with available backends.
    }
    assert_eq!(names(project.path()), ["data"]);
}

/// Hides the Vulkan drivers from the loader, so that no machine has an adapter.
#[cfg(all(feature = "wgpu", target_os = "linux"))]
#[test]
fn a_machine_without_an_adapter_is_reported() {
    let project = Project::new();
    let command = |arguments: &[&str]| {
        let mut command = project.command(&["train", "--data", "data"]);
        command.args(arguments).env("VK_DRIVER_FILES", "/dev/null").env("VK_ICD_FILENAMES", "/dev/null");
        command.assert()
    };
    let list = json(command(&["--backend", "list", "--json"]));
    assert_eq!(entry(&list, "wgpu")["devices"], Value::Array(Vec::new()));
    failure(command(&["--backend", "wgpu"]), 1, &["wgpu has no device", "mesa-vulkan-drivers"]);
    assert_eq!(names(project.path()), ["data"]);
}
