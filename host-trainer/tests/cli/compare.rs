//! `compare`: the lecture's five networks, and lists of one's own.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;

use crate::files::{FILES, bars, gzip, idx, names};
use crate::project::{Project, failure, json};

#[test]
fn five_networks_are_compared_and_finished_runs_are_kept() {
    let project = Project::new();
    let compare = ["compare", "--data", "data", "--seeds", "2", "--run", "runs", "--json"];
    let report = json(project.run(&compare));
    assert_eq!((&report["seeds"], &report["runs_kept"]), (&2.into(), &0.into()));
    let networks = report["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 5);
    for network in networks {
        let runs = network["runs"].as_array().unwrap();
        let accuracies: Vec<f64> = runs.iter().map(|run| run["test_accuracy_float"].as_f64().unwrap()).collect();
        let mean = network["test_accuracy_float"]["mean"].as_f64().unwrap();
        assert!((mean - (accuracies[0] + accuracies[1]) / 2.0).abs() < 1e-12, "{network}");
        assert!(network["test_accuracy_float"]["standard_deviation"].is_number());
        // These are not the lecture's images.
        assert!(network["lecture"].is_null());
    }
    let stopped = &networks[4]["runs"][0];
    assert!(stopped["stop"]["train-accuracy"]["accuracy"].as_f64() > Some(0.9), "{stopped}");
    let folder = project.path().join("runs");
    assert!(fs::read_to_string(folder.join("compare.svg")).unwrap().contains("512 + 256"));

    // Simulate an interruption: one run is incomplete, one has another configuration, one has no
    // epochs.
    fs::remove_file(folder.join("1024-5-epochs-flex-seed-1/result.json")).unwrap();
    let config = folder.join("128-5-epochs-flex-seed-2/config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"batch_size\": 32", "\"batch_size\": 64")).unwrap();
    fs::write(folder.join("512-256-5-epochs-flex-seed-1/history.json"), "[]").unwrap();
    // Another one has an impossible accuracy.
    let result = folder.join("128-5-epochs-flex-seed-1/result.json");
    let mut outcome: serde_json::Value = serde_json::from_slice(&fs::read(&result).unwrap()).unwrap();
    outcome["test_accuracy_fixed"] = 1e308.into();
    fs::write(&result, outcome.to_string()).unwrap();
    failure(project.run(&compare), 2, &["128-5-epochs-flex-seed-2 contains another run (batch_size 64, not 32)"]);
    let compare = [&compare[..], &["--overwrite"]].concat();
    let again = json(project.run(&compare));
    assert_eq!(again["runs_kept"], 6);
    for (network, before) in again["networks"].as_array().unwrap().iter().zip(networks) {
        assert_eq!(network["test_accuracy_fixed"], before["test_accuracy_fixed"]);
    }

    // Other test images are other data.
    let labels = project.path().join("data").join(format!("{}.gz", FILES[3]));
    let whole = fs::read(&labels).unwrap();
    fs::write(&labels, gzip(&idx(&[60], &bars(60).1.into_iter().rev().collect::<Vec<_>>()))).unwrap();
    let one_seed = ["compare", "--data", "data", "--run", "runs"];
    failure(project.run(&one_seed), 2, &["runs/128-5-epochs-flex-seed-1 contains another run", "test_sha256"]);
    fs::write(&labels, whole).unwrap();
    assert_eq!(json(project.run(&compare))["runs_kept"], 10);

    // A comparison of fewer seeds or of other networks does not replace the record.
    let record = || ["compare.json", "compare.svg"].map(|name| fs::read(folder.join(name)).unwrap());
    let before = record();
    let kept = project.run(&one_seed).success();
    kept.stdout(contains("512 + 256, 5 epochs").and(contains("One seed each"))).stderr(
        contains("5 of 5 runs are in runs already, and kept")
            .and(contains("runs/compare.svg show 5 networks with seeds 1..=2 on flex and are not replaced")),
    );
    fs::write(project.path().join("own.toml"), "[[network]]\nname = 'a'\nhidden = [8]\nepochs = 1\n").unwrap();
    let own = project.run(&[&one_seed[..], &["--networks", "own.toml", "--seeds", "3"]].concat()).success();
    own.stderr(contains("are not replaced"));
    assert!(record() == before);
    project.run(&[&one_seed[..], &["--overwrite"]].concat()).success().stderr(contains("not replaced").not());
    assert!(record() != before);
}

#[test]
fn jobs_train_one_network_or_a_shard_and_the_last_call_compares() {
    let project = Project::new();
    let list = project.run(&["compare", "--list"]).success().get_output().stdout.clone();
    let list = String::from_utf8(list).unwrap();
    let expected = ["128-5-epochs", "128-50-epochs", "1024-5-epochs", "512-256-5-epochs", "128-stop-above-90"];
    assert_eq!(list.lines().collect::<Vec<_>>(), expected);

    let own =
        "[[network]]\nname = 'a'\nhidden = [8]\n\n[[network]]\nname = 'b'\ntitle = 'B'\nhidden = [9]\nepochs = 1\n";
    fs::write(project.path().join("own.toml"), own).unwrap();
    let compare = ["compare", "--data", "data", "--run", "runs", "--networks", "own.toml", "--json"];
    let one = json(project.run(&[&compare[..], &["--one", "b"]].concat()));
    assert_eq!((&one["networks"][0]["name"], one["networks"].as_array().unwrap().len()), (&"B".into(), 1));
    json(project.run(&[&compare[..], &["--shard", "1/2"]].concat()));
    assert_eq!(names(&project.path().join("runs")), ["a-flex-seed-1", "b-flex-seed-1"]);
    let all = json(project.run(&compare));
    assert_eq!((&all["runs_kept"], &all["networks"][0]["name"]), (&2.into(), &"a".into()));
    assert!(project.path().join("runs/compare.json").is_file());
}

#[test]
fn an_unusable_list_is_refused_before_training() {
    let project = Project::new();
    let compare = ["compare", "--data", "data", "--run", "runs"];
    failure(project.run(&[&compare[..], &["--one", "c"]].concat()), 2, &["--one c", "128-5-epochs"]);
    failure(project.run(&[&compare[..], &["--networks", "own.toml"]].concat()), 1, &["own.toml"]);
    for (text, parts) in [
        ("name = 'a'\nhidden = [8]\nepoch = 1", &["own.toml", "network a", "epoch"][..]),
        ("name = 'a'\nhidden = [8]\n[[network]]\nname = 'a'\nhidden = [9]", &["own.toml", "two rows are named a"]),
        ("name = 'a'\nhidden = 'wide'", &["own.toml", "network a", "invalid type"]),
        ("name = 'a'\nhidden = [8]\nteacher_share = 0.5", &["network a", "host-trainer frontier --teacher"]),
    ] {
        fs::write(project.path().join("own.toml"), format!("[[network]]\n{text}\n")).unwrap();
        failure(project.run(&[&compare[..], &["--networks", "own.toml"]].concat()), 1, parts);
    }
    assert!(!project.path().join("runs").exists());
}

#[test]
fn a_comparison_needs_a_folder_and_at_least_one_seed() {
    let project = Project::new();
    failure(project.run(&["compare", "--data", "data", "--seeds", "0"]), 2, &["--seeds"]);
    fs::write(project.path().join("file"), "").unwrap();
    let assert = project.run(&["compare", "--data", "data", "--run", "file"]);
    failure(assert, 1, &["cannot create folder file", "name another place"]);
}
