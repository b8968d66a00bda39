//! `cascade`: the model that it writes, what other commands print of it, and its errors.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::files::{write_data, write_dots};
use crate::project::{Project, failure, json};

/// The layers of the large network.
const LARGE: &str = "conv 4 3x3; maxpool 2x2; dense 3";

/// Returns a project with two runs that hold out some of the same images.
fn project_with_runs() -> Project {
    let project = Project::new();
    project.train(&["--hidden", "none", "--epochs", "2", "--validation", "90", "--run", "small"]).success();
    let large =
        ["train", "--data", "data", "--network", LARGE, "--epochs", "4", "--validation", "60", "--run", "large"];
    project.run(&large).success();
    project
}

fn cascade(project: &Project, defer: &str) -> Value {
    let arguments = ["cascade", "small", "large", "--data", "data", "--export", "cascade.bin", "--json", "--defer"];
    json(project.command(&arguments).arg(defer).assert())
}

#[test]
fn a_cascade_defers_the_share_that_was_asked_for() {
    let project = project_with_runs();
    let made = cascade(&project, "0.25");
    assert_eq!((&made["chosen_on"], &made["chosen_on_pictures"]), (&"held-out".into(), &60.into()));
    let networks = made["networks"].as_array().unwrap();
    assert_eq!(networks[0]["deferred_chosen_on"], 0.25);
    assert!(networks[0]["margin"].as_f64().unwrap() > 0.0 && networks[1]["margin"].is_null(), "{made}");
    let deferred = networks[0]["deferred_test"].as_f64().unwrap();
    assert!((0.05..=0.6).contains(&deferred), "{made}");
    let number = |value: &Value| value.as_f64().unwrap();
    assert!((number(&networks[1]["share"]) - deferred).abs() < 1e-12, "{made}");
    // 36 pixels, 3 classes.
    let [small, large] = [36.0 * 3.0, 36.0 * 4.0 * 9.0 + 9.0 * 4.0 * 3.0];
    assert_eq!(made["multiplications_max"], small + large);
    assert!((number(&made["multiplications_mean"]) - small - deferred * large).abs() < 1e-9, "{made}");

    let evaluated =
        json(project.run(&["evaluate", "cascade.bin", "--data", "data", "--answers", "answers.bin", "--json"]));
    assert_eq!((&evaluated["model_id"], &evaluated["accuracy"]), (&made["model_id"], &made["test_accuracy_fixed"]));
    assert_eq!(evaluated["networks"][1]["share"], networks[1]["share"]);
    let answers = fs::read(project.path().join("answers.bin")).unwrap();
    let (header, records) = prenda::AnswersHeader::parse(&answers).unwrap();
    let records: Vec<_> = records.collect();
    assert_eq!((header.networks, records.len()), (2, 60));
    let second = records.iter().filter(|record| record.network == 1).count();
    assert_eq!(evaluated["networks"][1]["pictures"], second);
    project.run(&["evaluate", "cascade.bin", "--data", "data"]).success().stdout(
        contains("network 1               answers").and(contains("multiplications")).and(contains("on average")),
    );

    for network in [0_u8, 1] {
        let index = records.iter().position(|record| record.network == network).unwrap().to_string();
        let predict = ["predict", "cascade.bin", "--data", "data", "--index", &index];
        assert_eq!(json(project.command(&predict).arg("--json").assert())["network"], network);
        project.run(&predict).success().stdout(contains(format!("answered by             network {network}")));
    }
    let inspected = json(project.run(&["inspect", "cascade.bin", "--json"]));
    assert_eq!((&inspected["format"], &inspected["networks"][0]["network"]), (&2.into(), &"dense 3".into()));
    assert_eq!(inspected["networks"][1]["network"], LARGE);
    assert_eq!(inspected["networks"][0]["margin"], networks[0]["margin"]);
    let of_layers: Vec<_> = inspected["layers"].as_array().unwrap().iter().map(|layer| &layer["network"]).collect();
    assert_eq!(of_layers, [0, 1, 1, 1]);
    assert_eq!(inspected["golden_vectors"], 2);
    assert!(inspected["provenance"]["test_accuracy_float"].is_null(), "{inspected}");
    assert_eq!(inspected["provenance"]["test_accuracy_fixed"], made["test_accuracy_fixed"]);
    project
        .run(&["inspect", "cascade.bin"])
        .success()
        .stdout(contains("made as                 cascade of ").and(contains("answers if its best logit exceeds")));

    // Without --export, the model is in the folder.
    let in_folder = ["cascade", "small", "large", "--data", "data", "--run", "folder", "--defer", "0.25", "--json"];
    let again = json(project.run(&in_folder));
    assert_eq!((&again["run"], &again["model"]), (&"folder".into(), &"folder/model.bin".into()));
    assert_eq!((&again["model_id"], &made["run"]), (&made["model_id"], &Value::Null));
    let record: Value = serde_json::from_slice(&fs::read(project.path().join("folder/cascade.json")).unwrap()).unwrap();
    assert_eq!((&record["networks"], &record["networks"][0]["defer"]), (&again["networks"], &0.25.into()));
    let evaluated = json(project.run(&["evaluate", "folder", "--data", "data", "--json"]));
    assert_eq!(evaluated["written"][0], "folder/evaluation.json");
    let report = json(project.run(&["report", "folder", "--json"]));
    assert_eq!(report["missing"], serde_json::json!([]));
    let page = fs::read_to_string(project.path().join("folder/report.html")).unwrap();
    let texts =
        ["A cascade of 2 networks", "conv 4 3x3", "maxpool 2x2", "all images that reach it", "60 held-out images"];
    for text in texts {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("id=\"history\"") && page.contains("id=\"evaluation\""));
    project.run(&["report", "small", "folder"]).success().stderr(contains("warning").not());
    let page = fs::read_to_string(project.path().join("report.html")).unwrap();
    assert!(page.contains("id=\"history\"") && page.contains("dense 3"));

    // Each network, with its margin, survives another order of the weights.
    let reorder = ["reorder", "cascade.bin", "--weight-order", "vectors", "--export", "vectors.bin"];
    project.run(&reorder).success().stdout(contains("3 of 4 layers changed"));
    project.run(&["evaluate", "vectors.bin", "--data", "data", "--answers", "vectors.answers"]).success();
    // Without the id in the header.
    assert_eq!(fs::read(project.path().join("vectors.answers")).unwrap()[12..], answers[12..]);
}

#[test]
fn a_folder_keeps_its_cascade() {
    let project = project_with_runs();
    let cascade = |arguments: &[&str]| {
        project.run(&[&["cascade", "small", "large", "--data", "data", "--run", "folder"], arguments].concat())
    };
    cascade(&["--defer", "0.25", "--export", "cascade.bin"]).success();
    let model = || fs::read(project.path().join("folder/model.bin")).unwrap();
    let first = model();
    assert!(first == fs::read(project.path().join("cascade.bin")).unwrap());
    cascade(&["--defer", "0.25"]).success();
    let other = "folder contains another cascade (defer [0.25], not [0.75]); add --overwrite";
    failure(cascade(&["--defer", "0.75"]), 2, &[other, "--run"]);
    assert!(model() == first);
    cascade(&["--defer", "0.75", "--overwrite"]).success().stdout(contains("run                     folder"));
    assert!(model() != first);
    fs::write(project.path().join("folder/cascade.json"), "{}").unwrap();
    failure(cascade(&["--defer", "0.75"]), 2, &["folder contains a damaged cascade.json"]);
    let other = ["cascade", "small", "large", "--data", "data", "--defer", "0.1", "--overwrite", "--run"];
    project.train(&["--run", "third"]).success();
    for (run, parts) in [
        ("third", &["third contains config.json, a file of a training"][..]),
        ("small", &["--run small would overwrite small/model.bin"]),
    ] {
        failure(project.command(&other).arg(run).assert(), 2, parts);
    }
    failure(project.run(&["cascade", "small", "large", "--defer", "0.1"]), 2, &["<--export <FILE>|--run <DIR>>"]);
    // It has neither a training to start from nor a float network.
    let from = ["train", "--data", "data", "--from", "folder"];
    failure(project.run(&from), 1, &["folder is the folder of a cascade", "one of its networks, which cascade.json"]);
    let predicted = project.run(&["predict", "folder", "--data", "data", "--index", "0"]).success();
    predicted.stdout(contains("folder/model.bin is a cascade, expected one network; name the run of one of"));
    // Training does not replace a cascade, and its files are not outputs of other commands.
    failure(project.train(&["--run", "folder"]), 2, &["folder contains"]);
    let evaluate = ["evaluate", "small", "--data", "data", "--pictures", "folder"];
    failure(project.run(&evaluate), 2, &["--pictures folder is the folder of a run"]);
    let export = ["reorder", "small", "--weight-order", "vectors", "--export", "folder/model.bin"];
    failure(project.run(&export), 2, &["--export folder/model.bin would overwrite"]);
    let report = json(project.run(&["report", "folder", "--json"]));
    assert_eq!(report["missing"].as_array().unwrap().len(), 1, "{report}");
    let page = fs::read_to_string(project.path().join("folder/report.html")).unwrap();
    assert!(page.contains("A cascade has no settings of its own"), "{page}");
    fs::remove_file(project.path().join("folder/model.bin")).unwrap();
    let report = json(project.run(&["report", "folder", "--json"]));
    assert_eq!(report["missing"].as_array().unwrap().len(), 2, "{report}");
    assert!(report["missing"][0]["remedy"].as_str().unwrap().starts_with("host-trainer cascade"), "{report}");
}

#[test]
fn a_margin_that_never_or_always_defers_is_a_warning() {
    let project = project_with_runs();
    let arguments = ["cascade", "small", "large", "--data", "data", "--export", "cascade.bin", "--defer"];
    for (defer, words) in [("0", "network 0 never defers (0.00 %"), ("1", "network 0 always defers (100.00 %")] {
        let assert = project.command(&arguments).arg(defer).assert().success();
        assert.stderr(contains("warning: ").and(contains(words))).stdout(contains("margins chosen on"));
    }
    // The large network is less accurate, and the runs of this test hold few images out.
    let assert = project.command(&arguments).arg("0.5").assert().success();
    assert.stderr(contains("network 0 alone").and(contains("held-out images only")));
    // A model without its run does not say which images it was trained on.
    fs::copy(project.path().join("small/model.bin"), project.path().join("alone.bin")).unwrap();
    let alone = ["cascade", "alone.bin", "large", "--data", "data", "--export", "cascade.bin", "--defer", "0.2"];
    let assert = project.run(&alone).success();
    let unknown = "the images that alone.bin held out are unknown, so the margins are chosen on the training images";
    assert.stderr(contains(unknown)).stdout(contains("240 training images"));
}

#[test]
fn margins_on_other_data_need_no_held_out_images() {
    let project = project_with_runs();
    write_dots(&project.path().join("dots"), 6, 6, 3, 30);
    let first = ["cascade", "--data", "dots", "--other-data", "--export", "cascade.bin", "--defer", "0.2", "--json"];
    for name in ["small", "large"] {
        fs::copy(project.path().join(name).join("model.bin"), project.path().join(format!("{name}.bin"))).unwrap();
    }
    for models in [["small", "large"], ["small.bin", "large.bin"]] {
        let assert = project.command(&first).args(models).assert().stderr(contains("held out").not());
        let made = json(assert);
        assert_eq!((&made["chosen_on"], &made["chosen_on_pictures"]), (&"unseen".into(), &30.into()));
    }
}

#[test]
fn runs_with_damaged_records_choose_no_margins() {
    let project = project_with_runs();
    let arguments = ["cascade", "small", "large", "--data", "data", "--export", "cascade.bin", "--defer", "0.2"];
    let path = project.path().join("large/config.json");
    let whole = fs::read_to_string(&path).unwrap();
    let changed = |sound: &str, damaged: &str| {
        assert!(whole.contains(sound), "{whole}");
        fs::write(&path, whole.replace(sound, damaged)).unwrap();
        project.run(&arguments)
    };
    let parts = ["large/config.json is damaged", "validation is 240, expected less than 240, the training images"];
    failure(changed("\"validation\": 60", "\"validation\": 240"), 1, &parts);
    // Falls back to a model without a run, with a warning.
    let digits = whole.split("\"data_sha256\": \"").nth(1).unwrap().get(..8).unwrap();
    let is_named = || contains("large/config.json is damaged").and(contains("data_sha256 is 00000000"));
    let is_unknown = || contains("the images that large/model.bin held out are unknown");
    let unknown = changed(digits, "00000000").success();
    unknown.stderr(is_named().and(is_unknown()).and(contains("test images and labels").not()));
    project.run(&["evaluate", "large", "--data", "data"]).success().stderr(is_named());
    fs::write(&path, &whole).unwrap();
    project.train(&["--run", "third"]).success();
    fs::copy(project.path().join("third/model.bin"), project.path().join("large/model.bin")).unwrap();
    let replaced = contains("large/model.bin is damaged").and(contains("but result.json names model"));
    project.run(&arguments).success().stderr(replaced.and(is_unknown()));
}

#[test]
fn models_that_do_not_fit_together_are_named() {
    let project = project_with_runs();
    cascade(&project, "0.25");
    let path = |name: &str| project.path().join(name);
    write_dots(&path("dots"), 4, 5, 3, 30);
    write_data(&path("named"));
    fs::write(path("named/class-names.txt"), "left\nmiddle\nright\n").unwrap();
    write_dots(&path("many"), 6, 6, 4, 40);
    for data in ["dots", "named", "many"] {
        let run = format!("{data}-run");
        project.train(&["--data", data, "--epochs", "1", "--run", &run]).success();
    }
    fs::copy(path("small/model.bin"), path("copy.bin")).unwrap();
    let cases: [(&[&str], i32, &[&str]); 12] = [
        (&["small", "large", "small"], 1, &["small/model.bin is the same model as small/model.bin"]),
        (&["small", "copy.bin"], 1, &["copy.bin is the same model as small/model.bin", "name each model once"]),
        (&["small", "dots-run"], 1, &["dots-run/model.bin: found images of 4 x 5 pixels", "as in small/model.bin"]),
        (&["small", "many-run"], 1, &["many-run/model.bin: found 4 classes, expected 3"]),
        (&["small", "named-run"], 1, &["named-run/model.bin: found class 0 named \"left\", expected \"0\""]),
        (&["cascade.bin", "large"], 1, &["cascade.bin is a cascade of 2 networks"]),
        (&["small", "large", "cascade.bin"], 1, &["cascade.bin is a cascade of 2 networks"]),
        (&["small"], 2, &["models: found 1, expected 2 to 4"]),
        (&["small", "large", "large", "large", "large"], 2, &["models: found 5, expected 2 to 4"]),
        (&["small", "large", "--defer", "1.5"], 2, &["expected 0..=1"]),
        (
            &["small", "large", "--defer", "0.5,0.5"],
            2,
            &["--defer: found 3 shares, expected one for all networks, or 1: one"],
        ),
        (&["small", "large", "--export", "large/model.bin"], 2, &["--export"]),
    ];
    for (arguments, code, parts) in cases {
        let first = ["cascade", "--data", "data", "--defer", "0.1", "--export", "other.bin"];
        let mut command = project.command(&first);
        let assert = command.args(arguments).assert();
        failure(assert, code, parts);
        assert!(!path("other.bin").exists(), "{arguments:?}");
    }
    // The runs of another data set.
    project.train(&["--data", "dots", "--epochs", "1", "--seed", "2", "--run", "dots-2"]).success();
    let other = ["cascade", "dots-run", "dots-2", "--data", "data", "--defer", "0.1", "--export", "other.bin"];
    failure(project.run(&other), 1, &["name a data set that fits"]);
}
