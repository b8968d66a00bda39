//! `frontier`: many networks, on a data set too small for meaningful accuracies.

use std::fs;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::{Value, json};

use crate::files::names;
use crate::project::{Project, failure, json};

const REDUCED: [&str; 5] = ["frontier", "--data", "data", "--reduced", "--json"];

fn read(project: &Project, file: &str) -> Value {
    serde_json::from_slice(&fs::read(project.path().join(file)).unwrap()).unwrap()
}

#[test]
fn networks_are_trained_once_and_become_rows() {
    let project = Project::new();
    let report = json(project.run(&REDUCED));
    assert_eq!((&report["runs_trained"], &report["runs_kept"]), (&6.into(), &0.into()));
    assert_eq!(report["missing"], json!([]));
    let rows = report["rows"].as_array().unwrap();
    let bits: Vec<_> = rows.iter().map(|row| row["weight_bits"].as_u64().unwrap()).collect();
    assert_eq!(bits, [8, 32, 8, 4, 2, 2, 8]);
    assert_eq!(rows[1]["model_bytes"], 4 * (36 * 128 + 128 + 128 * 3 + 3));
    assert_eq!((&rows[3]["network"], &rows[3]["recipe"]), (&"36-128-3".into(), &"best, QAT".into()));
    assert_eq!((&rows[6]["sparsity"], &rows[6]["instructions_m4"]), (&0.9.into(), &Value::Null));
    // Each row except the float one has a model.
    assert_eq!(report["models"].as_array().unwrap().len(), 6);

    // Simulate an interruption: one run is incomplete.
    let runs = project.path().join("runs/frontier/reduced");
    fs::remove_file(runs.join("128-taught-qat-4-seed-1/model.bin")).unwrap();
    fs::write(
        project.path().join("page.md"),
        "a\n<!-- begin: written by `cargo xtask frontier` -->\n<!-- end -->\nb\n",
    )
    .unwrap();
    let id = report["models"][0]["id"].as_str().unwrap();
    let measured = json!({id: {"instructions_m4": 12_345, "instructions_m0": null, "ram_bytes": 678, "firmware": "x"}});
    fs::write(project.path().join("measured.json"), measured.to_string()).unwrap();
    let draw = [&REDUCED[..], &["--draw-only", "--measured", "measured.json"]].concat();
    let files = ["--export", "rows.json", "--chart", "chart.svg", "--table", "page.md"];
    let drawn = json(project.run(&[&draw[..], &files].concat()));
    assert_eq!((&drawn["runs_trained"], &drawn["missing"]), (&0.into(), &json!(["128-taught-qat-4-seed-1"])));
    assert_eq!(drawn["needs_teacher"], true);
    assert_eq!(drawn["rows"].as_array().unwrap().len(), 6);
    assert_eq!((&drawn["rows"][0]["instructions_m4"], &drawn["rows"][0]["ram_bytes"]), (&12_345.into(), &678.into()));
    // It must not look like the full export.
    assert_eq!(read(&project, "rows.json"), json!({"reduced": true, "rows": drawn["rows"]}));
    let chart = fs::read_to_string(project.path().join("chart.svg")).unwrap();
    // Other projects' figures are for Fashion-MNIST.
    assert!(chart.contains("bytes of the model") && !chart.contains("CMSIS"), "{chart}");
    assert!(chart.contains("these figures are meaningless"), "{chart}");
    let page = fs::read_to_string(project.path().join("page.md")).unwrap();
    assert!(page.starts_with("a\n") && page.ends_with("b\n") && page.contains("| 12,345 |"), "{page}");

    let again = json(project.run(&REDUCED));
    assert_eq!((&again["runs_trained"], &again["runs_kept"]), (&1.into(), &5.into()));
    assert_eq!(again["rows"], report["rows"]);
    // With a network, its derived rows are trained again.
    let config = runs.join("128-taught-seed-1/config.json");
    fs::write(&config, fs::read_to_string(&config).unwrap().replace("\"epochs\": 4", "\"epochs\": 5")).unwrap();
    let plain = ["frontier", "--data", "data", "--reduced"];
    failure(project.run(&plain), 2, &["128-taught-seed-1 contains another run (epochs 5, not 4)", "--overwrite"]);
    let text = project.run(&[&plain[..], &["--overwrite"]].concat()).success();
    text.stdout(contains("36-128-3").and(contains("Reduced"))).stderr(contains("2 of 6 runs are in"));
}

#[test]
fn shards_together_train_all_networks() {
    let project = Project::new();
    for shard in ["1/2", "2/2"] {
        json(project.run(&[&REDUCED[..], &["--shard", shard]].concat()));
    }
    let merged = json(project.run(&REDUCED));
    assert_eq!((&merged["runs_trained"], &merged["runs_kept"]), (&0.into(), &6.into()));
}

#[test]
fn processes_share_a_list_by_locking_runs() {
    let project = Project::new();
    let runs = project.path().join("runs/frontier/reduced");
    let hold = |run: &str| {
        fs::create_dir_all(runs.join(run)).unwrap();
        let folder = fs::File::open(runs.join(run)).unwrap();
        folder.lock().unwrap();
        folder
    };
    // Another process trains a network and, of another one, a row.
    let (network, row) = (hold("128-lecture-seed-1"), hold("128-taught-qat-4-seed-1"));
    let log = project.run(&REDUCED[..4]).success().get_output().stderr.clone();
    let log = String::from_utf8(log).unwrap();
    for part in ["another process trains 128-lecture-seed-1", "2 runs belong to other processes"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    let models =
        || ["128-lecture", "128-taught-qat-4"].map(|run| runs.join(format!("{run}-seed-1/model.bin")).exists());
    assert_eq!(models(), [false, false]);

    drop((network, row));
    let rest = json(project.run(&REDUCED));
    assert_eq!((&rest["runs_trained"], &rest["runs_kept"], models()), (&2.into(), &4.into(), [true, true]));
    // A process that was waited for has left nothing to do.
    let network = hold("128-lecture-seed-1");
    assert_eq!(json(project.run(&REDUCED))["runs_kept"], 6);
    drop(network);
}

#[test]
fn one_network_is_trained_with_its_rows() {
    let project = Project::new();
    let list = project.run(&["frontier", "--reduced", "--list"]).success().get_output().stdout.clone();
    assert_eq!(String::from_utf8(list).unwrap(), "128-lecture\n128-taught\n128-pruned-90\n");
    let one = json(project.run(&[&REDUCED[..], &["--one", "128-taught"]].concat()));
    assert_eq!((&one["runs_trained"], one["rows"].as_array().unwrap().len()), (&4.into(), 5));
    let own = "[[network]]\nname = 'tiny'\nhidden = [8]\nepochs = 1\nclass_only = true\n\
               rows = [{ weight_bits = 32 }, { weight_bits = 4 }]\n";
    fs::write(project.path().join("own.toml"), own).unwrap();
    let own = json(project.run(&["frontier", "--data", "data", "--networks", "own.toml", "--seeds", "1", "--json"]));
    assert_eq!((&own["runs_trained"], own["models"].as_array().unwrap().len()), (&2.into(), 1));
    // The float network runs on no device, so it has no row without softmax.
    let rows = own["rows"].as_array().unwrap();
    let kinds: Vec<_> = rows.iter().map(|row| (&row["weight_bits"], &row["class_only"])).collect();
    let [no, yes] = [false, true].map(Value::from);
    assert_eq!(kinds, [(&32.into(), &no), (&4.into(), &no), (&4.into(), &yes)]);
    assert_eq!(names(&project.path().join("runs/frontier")), ["reduced", "tiny-ptq-4-seed-1", "tiny-seed-1"]);
}

#[test]
fn a_row_is_the_mean_of_its_seeds() {
    let project = Project::new();
    let chosen = ["frontier", "--data", "data", "--only", "128-lecture", "--runs", "there", "--json"];
    let report = json(project.run(&[&chosen[..], &["--seeds", "2", "--export", "rows.json"]].concat()));
    let rows = read(&project, "rows.json");
    assert_eq!(rows, report["rows"]);
    let accuracy = |seed: u32| {
        read(&project, &format!("there/128-lecture-seed-{seed}/result.json"))["test_accuracy_fixed"].as_f64().unwrap()
    };
    let mean = (accuracy(1) + accuracy(2)) / 2.0;
    assert!((rows[0]["test_accuracy_mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{rows}");
    assert!(rows[0]["test_accuracy_sd"].is_number() && rows[0]["seeds"] == json!([1, 2]), "{rows}");
    assert_eq!(names(&project.path().join("there")), ["128-lecture-seed-1", "128-lecture-seed-2"]);
}

#[test]
fn a_teacher_affects_training_in_floating_point_and_in_integers() {
    let project = Project::new();
    let teach = ["teach", "--data", "data", "--channels", "2", "--epochs", "1", "--validation", "30"];
    project.run(&[&teach[..], &["--export", "teacher.safetensors"]].concat()).success();
    let taught = [&REDUCED[..], &["--teacher", "teacher.safetensors", "--only", "128-taught"]].concat();
    let report = json(project.run(&taught));
    let label = |row: usize| report["rows"][row]["recipe"].clone();
    assert_eq!((label(0), label(2)), ("taught, 4 epochs".into(), "taught, 4 epochs, QAT".into()));
    let teacher =
        |run: &str| read(&project, &format!("runs/frontier/reduced/{run}/config.json"))["train"]["teacher"].clone();
    assert_eq!(teacher("128-taught-seed-1")["share"], 0.7);
    assert_eq!(teacher("128-taught-qat-4-seed-1"), teacher("128-taught-seed-1"));
    assert_eq!(json(project.run(&taught))["runs_kept"], 4);
}

#[test]
fn a_convolutional_network_of_a_list_is_the_one_that_train_makes() {
    let project = Project::new();
    let teach = ["teach", "--data", "data", "--channels", "2", "--epochs", "1", "--validation", "30"];
    project.run(&[&teach[..], &["--validation-order", "last", "--export", "teacher.safetensors"]].concat()).success();
    let write = |network: &str, validation: u32| {
        let text = format!(
            "[[network]]\nname = 'conv'\nnetwork = '{network}'\nrecipe = 'best'\nepochs = 2\nbatch_size = 16\n\
             learning_rate = 0.01\nweight_decay = 0.02\nvalidation = {validation}\nvalidation_order = 'last'\n\
             teacher_share = 0.7\nrows = [{{ weight_bits = 8 }}, {{ weight_bits = 4, qat_epochs = 1 }}]\n"
        );
        fs::write(project.path().join("own.toml"), text).unwrap();
    };
    let frontier =
        ["frontier", "--data", "data", "--networks", "own.toml", "--seeds", "2", "--runs", "there", "--json"];
    let frontier = [&frontier[..], &["--teacher", "teacher.safetensors"]].concat();
    let network = "conv 4 3x3 stride 2; maxpool 2x2; dense 3";
    write(network, 20);
    let report = json(project.run(&frontier));
    assert_eq!((&report["runs_trained"], &report["rows"][1]["network"]), (&4.into(), &"conv".into()));
    assert_eq!(json(project.run(&frontier))["runs_kept"], 4);

    let train = ["train", "--data", "data", "--recipe", "best", "--epochs", "2", "--batch-size", "16", "--seed", "2"];
    let rates = ["--learning-rate", "0.01", "--weight-decay", "0.02", "--network", network];
    let taught = ["--teacher", "teacher.safetensors"];
    let validation = ["--validation", "20", "--validation-order", "last", "--run", "own"];
    project.run(&[&train[..], &rates, &taught, &validation].concat()).success();
    let from = ["train", "--data", "data", "--from", "own", "--weight-bits", "4", "--qat", "1", "--run", "narrow"];
    project.run(&[&from[..], &taught].concat()).success();
    for (listed, own) in [("conv-seed-2", "own"), ("conv-qat-4-seed-2", "narrow")] {
        let model = |run: String| fs::read(project.path().join(run).join("model.bin")).unwrap();
        assert!(model(format!("there/{listed}")) == model(own.to_owned()), "{own}");
    }
    assert_eq!(read(&project, "there/conv-seed-2/config.json")["validation"], 20);

    let cases: [(&str, u32, i32, &[&str]); 4] = [
        (network, 40, 1, &["network conv", "teacher.safetensors: the teacher was trained on images"]),
        (network, 240, 2, &["network conv: validation is 240, expected 0..=239"]),
        ("conv 4 9x9 valid; dense 3", 20, 1, &["network conv", "layer 0: found a window of 9x9"]),
        ("conv 4 3x3; dense 4", 20, 1, &["network conv", "layer 1: found \"dense 4\", expected \"dense 3\""]),
    ];
    for (network, validation, code, parts) in cases {
        write(network, validation);
        failure(project.run(&frontier), code, parts);
    }
}

#[test]
fn cascades_of_a_list_are_made_of_its_runs() {
    let project = Project::new();
    let write = |defer: &str| {
        let text = format!(
            "[[network]]\nname = 'small'\nhidden = []\nepochs = 2\nvalidation = 90\n\
             [[network]]\nname = 'conv'\nnetwork = 'conv 4 3x3; maxpool 2x2; dense 3'\nepochs = 3\nvalidation = 60\n\
             [[cascade]]\nname = 'both'\nnetworks = ['small', 'conv']\ndefer = {defer}\n"
        );
        fs::write(project.path().join("own.toml"), text).unwrap();
    };
    write("0.25");
    let frontier =
        ["frontier", "--data", "data", "--networks", "own.toml", "--seeds", "2", "--runs", "there", "--json"];
    let one = json(project.run(&[&frontier[..], &["--one", "small"]].concat()));
    assert_eq!((&one["missing"], one["rows"].as_array().unwrap().len()), (&json!([]), 1));
    let report = json(project.run(&frontier));
    assert_eq!((&report["runs_trained"], &report["missing"]), (&2.into(), &json!([])));
    let [small, conv, both] = report["rows"].as_array().unwrap().as_slice() else { panic!("{report}") };
    let kinds = [small, conv, both].map(|row| (row["layers"].as_str().unwrap(), row["cascade"].as_bool().unwrap()));
    assert_eq!(kinds, [("dense", false), ("conv", false), ("conv", true)]);
    assert_eq!((&both["network"], &both["recipe"]), (&"36-3, then conv".into(), &"defers 25 %".into()));
    assert!(both["test_accuracy_sd"].is_number() && both["seeds"] == json!([1, 2]), "{both}");
    // It is the cascade that the command makes of the same runs.
    let made = |seed: u32| {
        let [small, conv] = ["small", "conv"].map(|name| format!("there/{name}-seed-{seed}"));
        let cascade = ["cascade", &small, &conv, "--data", "data", "--defer", "0.25", "--export", "c.bin", "--json"];
        json(project.run(&cascade))
    };
    let [first, second] = [1, 2].map(made);
    assert_eq!((&first["chosen_on"], &first["model_id"]), (&"held-out".into(), &report["models"][2]["id"]));
    assert_eq!(second["model_id"], read(&project, "there/both-seed-2/cascade.json")["model_id"]);
    let accuracy = |made: &Value| made["test_accuracy_fixed"].as_f64().unwrap();
    let mean = (accuracy(&first) + accuracy(&second)) / 2.0;
    assert!((both["test_accuracy_mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{both}");
    assert_eq!(both["model_bytes"], first["model_bytes"]);

    // A damaged one is made again.
    fs::remove_file(project.path().join("there/both-seed-1/model.bin")).unwrap();
    let drawn = json(project.run(&[&frontier[..], &["--draw-only"]].concat()));
    assert_eq!((&drawn["missing"], &drawn["needs_teacher"]), (&json!(["both-seed-1"]), &false.into()));
    assert_eq!(drawn["rows"][2]["seeds"], json!([2]));
    assert_eq!(json(project.run(&frontier))["rows"], report["rows"]);
    // One of other shares or networks is kept without --overwrite, and nothing is trained.
    let other = "there/both-seed-1 contains another cascade (defer [0.25], not [0.5]); add --overwrite";
    write("0.5");
    fs::remove_file(project.path().join("there/small-seed-1/model.bin")).unwrap();
    failure(project.run(&frontier), 2, &[other, "--runs"]);
    assert!(!project.path().join("there/small-seed-1/model.bin").exists());
    let made = json(project.run(&[&frontier[..], &["--overwrite"]].concat()));
    assert_eq!((&made["runs_trained"], &made["rows"][2]["recipe"]), (&1.into(), &"defers 50 %".into()));
    let record = project.path().join("there/both-seed-1/cascade.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("there/small-seed-1", "there/tiny-seed-1")).unwrap();
    failure(project.run(&frontier), 2, &["there/both-seed-1 contains another cascade (of other networks)"]);
    fs::write(&record, text).unwrap();
    let list = project.run(&[&frontier[..4], &["own.toml", "--list"]].concat()).success();
    list.stdout("small\nconv\n").stderr(contains("cascade both, made of small, conv"));
    let only = json(project.run(&[&frontier[..], &["--only", "conv"]].concat()));
    assert_eq!(only["rows"].as_array().unwrap().len(), 1);
    json(project.run(&["report", "there/both-seed-1", "--json"]));

    fs::write(project.path().join("there/both-seed-1/config.json"), "{}").unwrap();
    fs::remove_file(project.path().join("there/both-seed-1/model.bin")).unwrap();
    failure(project.run(&frontier), 1, &["cascade both-seed-1", "contains config.json, a file of a training"]);
    write("1.5");
    failure(project.run(&frontier), 1, &["own.toml: cascade both: defer is 1.5, expected 0 to 1"]);
}

#[test]
fn invalid_arguments_are_refused_before_training() {
    let project = Project::new();
    fs::write(project.path().join("page.md"), "no place\n").unwrap();
    fs::write(project.path().join("measured.json"), "[]").unwrap();
    let cases: [(i32, &[&str], &[&str]); 20] = [
        (2, &["--shard", "0/3"], &["0/3", "1..=3"]),
        (2, &["--shard", "4/3"], &["4/3", "1..=3"]),
        (2, &["--shard", "0/0"], &["0/0"]),
        (2, &["--shard", "three"], &["three", "1/3"]),
        (2, &["--seeds", "0"], &["--seeds"]),
        (2, &["--seeds", "101"], &["--seeds"]),
        (2, &["--only", "128-lecture", "32-taught"], &["32-taught", "128-pruned-90"]),
        (2, &["--one", "32-taught"], &["--one 32-taught", "128-pruned-90"]),
        (2, &["--one", "128-lecture", "--only", "128-lecture"], &["--one", "--only"]),
        (2, &["--one", "128-lecture", "--table", "page.md"], &["--one", "--table"]),
        (2, &["--networks", "own.toml"], &["--networks", "--reduced"]),
        (2, &["--shard", "1/2", "--chart", "c.svg"], &["--shard", "--chart"]),
        (2, &["--chart", "c.png"], &["--chart", ".svg"]),
        (2, &["--export", "rows.txt"], &["--export", ".json"]),
        (2, &["--table", "page.html"], &["--table", ".md"]),
        (1, &["--table", "page.md"], &["page.md", "no place"]),
        (1, &["--table", "absent.md"], &["absent.md"]),
        (1, &["--export", "absent/rows.json"], &["absent"]),
        (1, &["--measured", "measured.json"], &["measured.json", "cargo xtask frontier"]),
        (1, &["--teacher", "absent.safetensors"], &["absent.safetensors", "teach"]),
    ];
    for (code, arguments, parts) in cases {
        let command = ["frontier", "--data", "data", "--reduced"];
        failure(project.run(&[&command[..], arguments].concat()), code, parts);
        assert_eq!(names(project.path()), ["data", "measured.json", "page.md"], "{arguments:?}");
    }
    failure(project.run(&["frontier", "--data", "data"]), 2, &["--teacher", "host-trainer teach"]);
    let own = "[[network]]\nname = 'a'\nhidden = [8]\nactivation_penalty = 11\n";
    fs::write(project.path().join("own.toml"), own).unwrap();
    let own = ["frontier", "--data", "data", "--networks", "own.toml"];
    failure(project.run(&own), 1, &["own.toml: network a: activation_penalty is 11.0, expected 0..=10"]);
}

#[test]
fn the_chart_is_drawn_again_from_exported_rows() {
    let project = Project::new();
    let rows = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/frontier.json");
    let page = "a\n<!-- begin: written by `cargo xtask frontier` -->\n<!-- end -->\nb\n";
    fs::write(project.path().join("page.md"), page).unwrap();
    let draw = ["frontier", "--rows", rows, "--chart", "chart.svg", "--table", "page.md", "--json"];
    let drawn = json(project.run(&draw));
    let rows_of_docs: Value = serde_json::from_str(include_str!("../../../docs/frontier.json")).unwrap();
    assert_eq!(drawn.as_array().unwrap().len(), rows_of_docs.as_array().unwrap().len());
    let chart = fs::read_to_string(project.path().join("chart.svg")).unwrap();
    for text in ["instructions per image", "bytes of the model", "bytes of RAM", "others, as published", "CMSIS-NN"] {
        assert!(chart.contains(text), "{text}");
    }
    assert!(chart == include_str!("../../../docs/frontier.svg"), "docs/frontier.svg is not that of docs/frontier.json");
    assert!(fs::read_to_string(project.path().join("page.md")).unwrap().contains("| 784-128-10 | 8 bits | lecture |"));
    fs::write(project.path().join("rows.json"), "{}").unwrap();
    failure(project.run(&["frontier", "--rows", "rows.json"]), 1, &["rows.json is not a list of rows", "--export"]);
    failure(project.run(&["frontier", "--rows", "rows.json", "--reduced"]), 2, &["--rows"]);
    failure(project.run(&["frontier", "--rows", rows, "--chart", rows]), 2, &["--chart"]);
}
