//! `search`: networks within budgets, on a data set too small for meaningful accuracies.

use std::fs;

use predicates::str::contains;
use serde_json::Value;

use crate::files::names;
use crate::project::{Project, failure, json};

const SEARCH: [&str; 9] = ["search", "--data", "data", "--validation", "12", "--candidates", "4", "--epochs", "2"];

fn search(project: &Project, options: &[&str]) -> Value {
    json(project.run(&[&SEARCH[..], options, &["--json"]].concat()))
}

#[test]
fn a_search_ends_with_a_model_within_the_budgets_and_continues() {
    let project = Project::new();
    let budgets = ["--budget-bytes", "8000", "--budget-instructions", "20000"];
    let report = search(&project, &budgets);
    let rounds = report["rounds"].as_array().unwrap();
    let sizes: Vec<_> = rounds
        .iter()
        .map(|round| (round["epochs"].as_u64().unwrap(), round["candidates"].as_array().unwrap().len()))
        .collect();
    assert_eq!(sizes[0], (1, 4));
    assert!(sizes.len() == 2 && sizes[1].0 == 2 && sizes[1].1 <= 2, "{sizes:?}");
    let best = &rounds[1]["candidates"][0];
    assert_eq!((&best["is_within_budgets"], &best["folder"]), (&true.into(), &report["best"]["run"]));
    let bytes = fs::metadata(project.path().join(report["best"]["model"].as_str().unwrap())).unwrap().len();
    assert!(bytes <= 8000 && best["bytes"] == bytes, "{best}");
    assert!(best["instructions"].as_u64().unwrap() <= 20_000, "{best}");
    let command = report["best"]["train"].as_str().unwrap();
    assert!(command.contains(best["network"].as_str().unwrap()), "{command}");

    // An interrupted search continues with the runs that are finished.
    let runs = project.path().join("runs/search");
    let all = names(&runs);
    fs::remove_file(runs.join(&all[0]).join("model.bin")).unwrap();
    let again = search(&project, &budgets);
    assert_eq!((&again, names(&runs)), (&report, all));
    let text = project.run(&[&SEARCH[..], &budgets].concat()).success();
    text.stdout(contains("held out, %")).stdout(contains("host-trainer train --recipe best --network"));
}

#[test]
fn budgets_that_nothing_meets_name_the_nearest_network() {
    let project = Project::new();
    let run = |options: &[&str]| project.run(&[&SEARCH[..], options].concat());
    failure(
        run(&["--budget-bytes", "100"]),
        2,
        &["no network of the search is within the budgets", "the nearest one needs"],
    );
    failure(run(&["--budget-instructions", "1"]), 2, &["no network of the search is within the budgets"]);
    failure(run(&[]), 2, &["--budget-bytes"]);
    failure(run(&["--budget-bytes", "0"]), 2, &["--budget-bytes"]);
    failure(run(&["--budget-bytes", "9000", "--validation", "100000"]), 2, &["--validation is 100000"]);
    assert!(!project.path().join("runs/search").exists() || names(&project.path().join("runs/search")).is_empty());
}
