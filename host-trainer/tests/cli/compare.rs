//! The lecture's five networks side by side.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;

use crate::desk::{Desk, failure, json};
use crate::files::{FILES, bars, gzip, idx};

#[test]
fn five_networks_are_compared_and_finished_runs_are_kept() {
    let desk = Desk::new();
    let compare = ["compare", "--data", "data", "--seeds", "2", "--run", "runs", "--json"];
    let report = json(desk.run(&compare));
    assert_eq!((&report["seeds"], &report["runs_kept"]), (&2.into(), &0.into()));
    let networks = report["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 5);
    for network in networks {
        let runs = network["runs"].as_array().unwrap();
        let accuracies: Vec<f64> = runs.iter().map(|run| run["test_accuracy_float"].as_f64().unwrap()).collect();
        let mean = network["test_accuracy_float"]["mean"].as_f64().unwrap();
        assert!((mean - (accuracies[0] + accuracies[1]) / 2.0).abs() < 1e-12, "{network}");
        assert!(network["test_accuracy_float"]["standard_deviation"].is_number());
        // These are not the pictures of the lecture.
        assert!(network["lecture"].is_null());
    }
    let stopped = &networks[4]["runs"][0];
    assert!(stopped["stop"]["train-accuracy"]["accuracy"].as_f64() > Some(0.9), "{stopped}");
    let folder = desk.path().join("runs");
    assert!(fs::read_to_string(folder.join("compare.svg")).unwrap().contains("512 + 256"));

    // As after an interruption: one run is not whole, one is of another configuration, one has lost its epochs.
    fs::remove_file(folder.join("1024-5-epochs-flex-seed-1/result.json")).unwrap();
    let config = folder.join("128-5-epochs-flex-seed-2/config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"batch_size\": 32", "\"batch_size\": 64")).unwrap();
    fs::write(folder.join("512-256-5-epochs-flex-seed-1/history.json"), "[]").unwrap();
    // And one says what cannot be.
    let result = folder.join("128-5-epochs-flex-seed-1/result.json");
    let mut outcome: serde_json::Value = serde_json::from_slice(&fs::read(&result).unwrap()).unwrap();
    outcome["test_accuracy_fixed"] = 1e308.into();
    fs::write(&result, outcome.to_string()).unwrap();
    let again = json(desk.run(&compare));
    assert_eq!(again["runs_kept"], 6);
    for (network, before) in again["networks"].as_array().unwrap().iter().zip(networks) {
        assert_eq!(network["test_accuracy_fixed"], before["test_accuracy_fixed"]);
    }

    // Other test pictures are other data.
    let labels = desk.path().join("data").join(format!("{}.gz", FILES[3]));
    let whole = fs::read(&labels).unwrap();
    fs::write(&labels, gzip(&idx(&[60], &bars(60).1.into_iter().rev().collect::<Vec<_>>()))).unwrap();
    let other = json(desk.run(&["compare", "--data", "data", "--run", "runs", "--json"]));
    assert_eq!(other["runs_kept"], 0);
    fs::write(&labels, whole).unwrap();
    json(desk.run(&compare));

    let kept = desk.run(&["compare", "--data", "data", "--run", "runs"]).success();
    kept.stdout(contains("512 + 256, 5 epochs").and(contains("One seed each")))
        .stderr(contains("kept as it is").count(5));
}

#[test]
fn a_comparison_needs_a_place_and_a_number_of_seeds() {
    let desk = Desk::new();
    failure(desk.run(&["compare", "--data", "data", "--seeds", "0"]), 2, &["--seeds"]);
    fs::write(desk.path().join("file"), "").unwrap();
    failure(
        desk.run(&["compare", "--data", "data", "--run", "file"]),
        1,
        &["cannot create folder file", "name another place"],
    );
}
