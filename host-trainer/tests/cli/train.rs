//! `train`: the files it writes, and the arguments it refuses.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::files::{FILES, SIDE, bars, gzip, host_trainer, idx, names, write_data, write_split};
use crate::project::{Project, failure, json};

#[test]
fn training_writes_a_model_and_a_run() {
    let project = Project::new();
    let options = "--seed 7 --run deep/run --export model.bin --validation 30 --json";
    let report = json(project.train(&options.split(' ').collect::<Vec<_>>()));
    let keys = "run model backend seed epochs train_accuracy_float test_accuracy_float test_accuracy_fixed \
                predictions_changed model_bytes model_id seconds estimates operations";
    assert!(keys.split(' ').all(|key| report.get(key).is_some()), "{report}");
    assert_eq!((report["seed"].as_u64(), report["backend"].as_str()), (Some(7), Some("flex")));
    assert_eq!(report["test_accuracy_fixed"], 1.0, "bars are easy");
    assert_eq!(report["model_bytes"].as_u64(), Some(fs::metadata(project.model()).unwrap().len()));

    assert_eq!(report["estimated_for"], "mean of 60 test images");

    let run = project.path().join("deep/run");
    let recorded = "config.json confusion.svg evaluation.json history.json history.svg mistakes.svg model.bin \
                    quantization.json result.json weights.safetensors";
    assert_eq!(names(&run).join(" "), recorded);
    assert!(fs::read(run.join("model.bin")).unwrap() == fs::read(project.model()).unwrap());
    let history: Value = serde_json::from_slice(&fs::read(run.join("history.json")).unwrap()).unwrap();
    assert_eq!(history.as_array().unwrap().len(), 8);
    for (key, epoch) in ["epoch", "loss", "accuracy", "validation_accuracy", "seconds"]
        .iter()
        .zip(history.as_array().unwrap().iter().cycle())
    {
        assert!(epoch[key].is_number(), "{key}: {epoch}");
    }
    let image = |name| fs::read_to_string(run.join(name)).unwrap();
    assert!(image("history.svg").contains("Training of 36-8-3, seed 7"));
    assert!(image("history.svg").contains("validation: accuracy 1.0000"), "{}", image("history.svg"));
    assert!(image("confusion.svg").contains("100.00 % of 60 test images"));
    assert!(image("mistakes.svg").contains("No mistakes: all 60 test images"));
    let config: Value = serde_json::from_slice(&fs::read(run.join("config.json")).unwrap()).unwrap();
    let train = &config["train"];
    assert_eq!((&train["seed"], &config["validation"], &train["hidden"][0]), (&7.into(), &30.into(), &8.into()));
    assert_eq!(names(project.path()), ["data", "deep", "model.bin"]);
}

#[test]
fn without_a_name_a_run_gets_its_own_folder() {
    let project = Project::new();
    project.train(&["--backend", "ndarray"]).success().stdout(contains("test, fixed point"));
    let folders = |project: &Project| names(&project.path().join("runs"));
    let [first] = &folders(&project)[..] else { panic!("{:?}", folders(&project)) };
    let (start, end) = ("8-8-epochs-learning-rate-0.01-data-", "-ndarray-seed-1");
    assert!(first.starts_with(start) && first.ends_with(end), "{first}");
    assert_eq!(names(&project.path().join("runs").join(first)).len(), 10);
    // Whatever differs, the older run stays.
    let options: [&[&str]; 8] = [
        &["--seed", "2"],
        &["--stop-at-train-accuracy", "0.9"],
        &["--learning-rate", "0.02"],
        &["--batch-size", "16"],
        &["--validation", "30"],
        &["--validation", "30", "--patience", "2"],
        &["--average", "1"],
        &["--weight-bits", "4", "--qat", "1", "--qat-learning-rate", "0.01"],
    ];
    for (index, option) in options.iter().enumerate() {
        project.train(&[&["--epochs", "1", "--backend", "ndarray"], *option].concat()).success();
        assert_eq!(folders(&project).len(), index + 2, "{option:?}: {:?}", folders(&project));
    }
    // The test images differ.
    let labels = project.path().join("data").join(format!("{}.gz", FILES[3]));
    fs::write(&labels, gzip(&idx(&[60], &bars(60).1.into_iter().rev().collect::<Vec<_>>()))).unwrap();
    project.train(&["--backend", "ndarray"]).success();
    assert_eq!(folders(&project).len(), 10);
}

#[test]
fn another_run_is_replaced_only_with_overwrite() {
    let project = Project::new();
    project.train(&["--activation-penalty", "0", "--run", "zero"]).success();
    project.train(&["--activation-penalty=-0", "--run", "zero"]).success();
    let run = project.path().join("run");
    let id = || fs::read(run.join("result.json")).unwrap();
    project.train(&["--run", "run"]).success();
    for (option, part) in [
        (&["--seed", "2"][..], "seed 1, not 2"),
        (&["--validation", "9"], "validation 0, not 9"),
        (&["--hidden", "9"], "hidden [8], not [9]"),
    ] {
        let before = id();
        let train = [&["--run", "run"], option].concat();
        let parts = ["run contains another run (", part, "add --overwrite", "--run"];
        failure(project.train(&train).stderr(contains("epoch 1").not()), 2, &parts);
        assert!(id() == before);
    }
    project.train(&["--run", "run", "--seed", "2", "--overwrite"]).success();
    project.train(&["--run", "run", "--seed", "2"]).success();
    // Files of another program.
    fs::create_dir(project.path().join("mine")).unwrap();
    for (name, part) in [("weights.safetensors", "weights.safetensors, but no config.json"), ("config.json", "damaged")]
    {
        fs::write(project.path().join("mine").join(name), "mine").unwrap();
        failure(project.train(&["--run", "mine"]), 2, &["mine contains", part, "--overwrite"]);
    }
    assert_eq!(fs::read(project.path().join("mine/weights.safetensors")).unwrap(), b"mine");
}

/// Starts a training that would take long, and sends it `signal` after the second epoch, and again
/// if it is `twice`. Returns exit code, standard output and standard error.
#[cfg(unix)]
fn interrupted(folder: &Path, options: &[&str], signal: &str, twice: bool) -> (Option<i32>, String, String) {
    let first = ["train", "--data", "data", "--hidden", "8", "--epochs", "100000", "--json"];
    signaled(folder, &[&first[..], options].concat(), "epoch 2/", signal, twice)
}

/// Starts the program, and sends it `signal` after it has logged `line`, and again if it is
/// `twice`. Returns exit code, standard output and standard error.
#[cfg(unix)]
fn signaled(folder: &Path, arguments: &[&str], line: &str, signal: &str, twice: bool) -> (Option<i32>, String, String) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let mut child = Command::new(env!("CARGO_BIN_EXE_host-trainer"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut log = String::new();
    while !log.contains(line) {
        assert!(stderr.read_line(&mut log).unwrap() > 0, "{log}");
    }
    let send = || Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(send().success());
    if twice {
        // Two signals that arrive together count as one.
        while !log.contains("interrupted: ") {
            assert!(stderr.read_line(&mut log).unwrap() > 0, "{log}");
        }
        let _ = send();
    }
    let mut stdout = String::new();
    stderr.read_to_string(&mut log).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    (child.wait().unwrap().code(), stdout, log)
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_keeps_the_network() {
    let project = Project::new();
    let options = ["--run", "run", "--export", "model.bin", "--qat", "1"];
    let (code, stdout, log) = interrupted(project.path(), &options, "-INT", false);
    assert_eq!(code, Some(130), "{log}");
    assert!(log.contains("interrupted: ending after this batch"), "{log}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert!(report["stop"]["interrupted"]["images"].is_number(), "{report}");
    let run = project.path().join("run");
    assert_eq!(names(&run).len(), 10);
    let history: Value = serde_json::from_slice(&fs::read(run.join("history.json")).unwrap()).unwrap();
    assert_eq!(history.as_array().unwrap().len() as u64, report["epochs"].as_u64().unwrap());
    assert!(fs::read(run.join("model.bin")).unwrap() == fs::read(project.model()).unwrap());
    project.run(&["inspect", "model.bin"]).success().stdout(contains("backend flex, interrupted"));
    project.run(&["evaluate", "run", "--data", "data"]).success();
    let result: Value = serde_json::from_slice(&fs::read(run.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["stop"], report["stop"]);
    // It ended before the weights were rounded.
    project.run(&["train", "--data", "data", "--from", "run", "--qat", "1", "--run", "tuned"]).success();
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_replaces_no_finished_run() {
    let project = Project::new();
    project.train(&["--run", "run", "--export", "model.bin"]).success();
    let files = || ["run/model.bin", "run/history.json", "model.bin"].map(|name| fs::read(project.path().join(name)));
    let before = files().map(Result::unwrap);
    let options = ["--run", "run", "--export", "model.bin", "--overwrite"];
    let (code, stdout, log) = interrupted(project.path(), &options, "-TERM", false);
    assert_eq!(code, Some(143), "{log}");
    assert!(log.contains("warning: model.bin is not replaced"), "{log}");
    assert_eq!(files().map(Result::unwrap), before);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&report["run"], &report["model"]),
        (&"run-interrupted-1".into(), &"run-interrupted-1/model.bin".into())
    );
    assert_eq!(names(&project.path().join("run-interrupted-1")).len(), 10);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_in_the_current_folder_goes_next_to_it() {
    let project = Project::new();
    let folder = project.path().join("run");
    write_data(&folder.join("data"));
    let train = ["train", "--data", "data", "--hidden", "8", "--epochs", "2", "--run", "."];
    host_trainer(&folder).args(train).assert().success();
    let (code, _, log) = interrupted(&folder, &["--run", ".", "--overwrite"], "-INT", false);
    assert_eq!(code, Some(130), "{log}");
    assert_eq!(names(&project.path().join("run-interrupted-1")).len(), 10);
    // The data set is found from there, too.
    project.run(&["evaluate", "run-interrupted-1"]).success();
}

#[cfg(unix)]
#[test]
fn a_teacher_whose_last_epoch_is_done_is_finished() {
    let project = Project::new();
    let teach = ["teach", "--data", "data", "--channels", "16", "--epochs", "1", "--validation", "30"];
    let arguments = [&teach[..], &["--export", "teacher.safetensors"]].concat();
    let (_, _, log) = signaled(project.path(), &arguments, "epoch 1/", "-INT", false);
    assert_eq!(names(project.path()), ["data", "teacher.safetensors"], "{log}");
}

#[test]
fn the_current_folder_is_found_again_as_a_data_set() {
    let project = Project::new();
    let data = project.path().join("data");
    let train = ["train", "--data", ".", "--hidden", "8", "--epochs", "2", "--run", "../run"];
    host_trainer(&data).args(train).assert().success();
    host_trainer(&data).args(["evaluate", "../run"]).assert().success();
}

#[cfg(unix)]
#[test]
fn a_second_interruption_ends_the_program_at_once() {
    let project = Project::new();
    // The second signal arrives before the batch ends and the network is evaluated.
    let wide = ["--hidden", "2048,1024", "--run", "run", "--batch-size", "65536"];
    let (code, stdout, log) = interrupted(project.path(), &wide, "-INT", true);
    assert_eq!((code, stdout.as_str()), (Some(130), ""), "{log}");
    // Killed, it leaves its progress; `watch` names its end.
    assert_eq!(names(&project.path().join("run")), ["progress.jsonl"]);
    let progress = fs::read_to_string(project.path().join("run/progress.jsonl")).unwrap();
    assert!(progress.lines().nth(1).unwrap().contains("\"loss\":"), "{progress}");
    failure(project.run(&["watch", "run"]), 1, &["no process trains run", "ended without a result after epoch"]);
}

#[test]
fn plots_are_also_written_as_png_and_those_of_an_earlier_run_are_named() {
    let project = Project::new();
    let train = |options: &[&str]| project.train(&[&["--run", "run", "--overwrite"], options].concat());
    let assert = train(&["--png"]);
    if String::from_utf8_lossy(&assert.get_output().stderr).contains("needs a font") {
        // Before training.
        failure(assert, 1, &["fonts-dejavu-core"]);
        return;
    }
    assert.success().stderr(contains("an earlier run").not());
    let folder = project.path().join("run");
    for plot in ["history", "confusion", "mistakes"] {
        let png = image::open(folder.join(plot).with_extension("png")).unwrap();
        let svg = fs::read_to_string(folder.join(plot).with_extension("svg")).unwrap();
        assert!(svg.contains(&format!("width=\"{}\" height=\"{}\"", png.width() / 2, png.height() / 2)), "{plot}");
    }
    fs::write(folder.join("report.html"), "").unwrap();
    train(&["--png"]).success().stderr(contains("run/report.html show an earlier run"));
    train(&["--seed", "2"]).success().stderr(contains("run/report.html, run/history.png, run/confusion.png, "));
}

#[test]
fn the_seed_determines_the_bytes() {
    let project = Project::new();
    for backend in ["flex", "ndarray"] {
        let model = |name: &str, seed: &str| {
            let backend = ["--backend", backend, "--batch-size", "7", "--hidden", "9,5"];
            project.train(&[&backend[..], &["--seed", seed, "--export", name]].concat()).success();
            fs::read(project.path().join(name)).unwrap()
        };
        let first = model("first", "1");
        assert!(first == model("second", "1"), "{backend}: the same seed gave other bytes");
        assert!(first != model("third", "2"), "{backend}: another seed gave the same bytes");
    }
}

#[test]
fn arguments_out_of_range_are_refused() {
    let project = Project::new();
    let sixteen = ["8"; 16].join(",");
    let cases: [(&[&str], &[&str]); 20] = [
        (&["--epochs", "0"], &["--epochs", "1..=100000"]),
        (&["--epochs", "-1"], &["-1"]),
        (&["--hidden", "0"], &["--hidden", "1..=16384"]),
        (&["--hidden", "100000000"], &["--hidden", "1..=16384"]),
        (&["--hidden", "128,,4"], &["--hidden"]),
        (&["--hidden", ""], &["--hidden"]),
        (&["--hidden", &sixteen], &["--hidden", "16 layers", "0..=15"]),
        (
            &["--hidden", "16384,16384,16384", "--data", "data"],
            &["--hidden 16384,16384,16384", "537509888 weights", "at most 67108864 bytes"],
        ),
        (&["--backend", "abacus"], &["abacus", "flex", "ndarray", "wgpu", "cuda", "list"]),
        (&["--learning-rate", "0"], &["--learning-rate", "above 0"]),
        (&["--learning-rate", "-0.1"], &["--learning-rate", "above 0"]),
        (&["--learning-rate", "NaN"], &["--learning-rate", "above 0"]),
        (&["--learning-rate", "fast"], &["--learning-rate"]),
        (&["--batch-size", "0"], &["--batch-size", "1..=65536"]),
        (&["--seed", "-1"], &["-1"]),
        (&["--seed", "18446744073709551616"], &["--seed"]),
        (&["--validation", "240", "--data", "data"], &["--validation is 240", "0..=239"]),
        (&["--validation", "9999999999999", "--data", "data"], &["--validation", "0..=239"]),
        (&["--frobnicate"], &["--frobnicate"]),
        (&["surplus"], &["surplus"]),
    ];
    for (arguments, parts) in cases {
        failure(project.command(&["train", "--export", "model.bin"]).args(arguments).assert(), 2, parts);
        assert_eq!(names(project.path()), ["data"], "{arguments:?}");
    }
}

#[test]
fn an_unwritable_path_is_refused_before_training() {
    let project = Project::new();
    fs::write(project.path().join("file"), []).unwrap();
    fs::create_dir(project.path().join("folder")).unwrap();
    for (arguments, parts) in [
        (["--export", "absent/model.bin"], &["absent/model.bin", "does not exist"][..]),
        (["--export", "file/model.bin"], &["file/model.bin", "does not exist"]),
        (["--export", "folder"], &["folder", "not a file"]),
        (["--export", "new/"], &["new/", "name of a folder"]),
        (["--export", "new/."], &["new/.", "name of a folder"]),
        (["--run", "file"], &["cannot create folder file"]),
        (["--export", &"x".repeat(256)], &["xxx", "File name too long"]),
        (["--export", "-"], &["cannot write -", "./-"]),
        (["--run", "-"], &["cannot write -", "./-"]),
    ] {
        let assert = project.train(&arguments).stderr(contains("epoch").not());
        failure(assert, 1, parts);
        assert_eq!(names(project.path()), ["data", "file", "folder"], "{arguments:?}");
    }
    let file = project.path().join("file");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    let assert = project.train(&["--export", "file"]).stderr(contains("epoch").not());
    failure(assert, 1, &["cannot replace file: it is write-protected"]);
    assert_eq!(names(project.path()), ["data", "file", "folder"]);
    failure(project.run(&["train", "--data", "elsewhere"]), 1, &["elsewhere"]);
    assert_eq!(names(project.path()), ["data", "file", "folder"]);
    let project = Project::with_model();
    let assert = project.run(&["evaluate", "model.bin", "--data", "data", "--answers", "absent/x"]);
    failure(assert, 1, &["absent/x", "does not exist"]);
}

#[test]
fn a_model_that_would_overwrite_another_file_is_refused() {
    let project = Project::new();
    let data = format!("data/{}", FILES[0]);
    for (export, other) in [
        ("run/config.json", "run/config.json"),
        ("./run/history.json", "run/history.json"),
        ("data/../run/weights.safetensors", "run/weights.safetensors"),
        ("run", "run"),
        (&data, &data),
    ] {
        let assert = project.train(&["--run", "run", "--export", export]);
        failure(assert, 2, &["--export", export, "would overwrite", other]);
        assert_eq!(names(project.path()), ["data"]);
    }
    // A folder that the run creates may also hold the model.
    project.train(&["--run", "deep/run", "--export", "./deep/model.bin"]).success();
    assert_eq!(names(&project.path().join("deep")), ["model.bin", "run"]);
}

#[test]
fn training_succeeds_with_a_closed_standard_error() {
    let project = Project::new();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_host-trainer"))
        .args(["train", "--data", "data", "--epochs", "1", "--export", "model.bin"])
        .current_dir(project.path())
        .stdout(Stdio::null())
        .stderr(writer)
        .status();
    assert!(status.unwrap().success() && project.model().exists());
}

/// Ignores SIGHUP, as `nohup` does, and sends it; then sends SIGTERM.
#[cfg(target_os = "linux")]
#[test]
fn signals_ignored_at_the_start_stay_ignored() {
    let project = Project::new();
    let script = "trap '' HUP
        \"$0\" train --data data --hidden 8 --epochs 100000 --run run 2>log & id=$!
        until grep -q 'training images' log; do kill -0 $id || exit 1; sleep 0.01; done
        kill -HUP $id; kill -TERM $id; wait $id";
    let status = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_host-trainer")])
        .current_dir(project.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(128 + 15), "{}", fs::read_to_string(project.path().join("log")).unwrap());
    assert_eq!(names(&project.path().join("run")).len(), 10);
}

#[cfg(unix)]
#[test]
fn a_device_is_not_replaced_by_a_file() {
    let project = Project::new();
    failure(project.train(&["--export", "/dev/null"]), 1, &["/dev/null", "not a file"]);
}

#[test]
fn training_that_diverges_is_an_error() {
    let project = Project::new();
    let data = project.path().join("data");
    // Labels unrelated to the images and the largest learning rate make the weights diverge.
    let labels: Vec<u8> = (0..240_u32).map(|index| (index * index / 7 % 3) as u8).collect();
    fs::remove_file(data.join(format!("{}.gz", FILES[1]))).unwrap();
    fs::write(data.join(FILES[1]), idx(&[240], &labels)).unwrap();
    let hidden = ["64"; 15].join(",");
    let options = ["--epochs", "1", "--learning-rate", "1", "--hidden", &hidden, "--export", "model.bin"];
    let assert = project.train(&[&options[..], &["--run", "run"]].concat());
    let log = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    failure(assert, 1, &["--learning-rate", "the trained network and its history are kept in"]);
    assert!(!project.model().exists());
    let kept = project.path().join(log.trim_end().rsplit(' ').next().unwrap());
    assert_eq!(names(&kept), ["history.json", "weights.safetensors"]);
    let history: Value = serde_json::from_slice(&fs::read(kept.join("history.json")).unwrap()).unwrap();
    assert!(history[0]["loss"].is_number());
}

#[test]
fn help_shows_defaults_and_ranges() {
    let project = Project::new();
    project.run(&["train", "--help"]).success().stdout(
        contains("[default: flex]")
            .and(contains("1..=16384"))
            .and(contains("faster"))
            .and(contains("FASHION_MNIST_DIR")),
    );
    project.run(&["--version"]).success().stdout(contains(env!("CARGO_PKG_VERSION")));
    failure(project.run(&["frobnicate"]), 2, &["frobnicate"]);
}

#[cfg(unix)]
#[test]
fn a_run_that_another_process_writes_is_refused() {
    let project = Project::new();
    let run = project.path().join("run");
    fs::create_dir(&run).unwrap();
    let other = fs::File::open(&run).unwrap();
    other.lock().unwrap();
    failure(project.train(&["--run", "run"]), 1, &["another host-trainer writes to run", "choose another --run"]);
    assert!(names(&run).is_empty());
    drop(other);
    project.train(&["--run", "run"]).success();
}

#[test]
fn held_out_images_are_of_all_classes() {
    let project = Project::new();
    // Sorted by class, as folders of images become.
    let (pixels, labels) = bars(240);
    let mut order: Vec<usize> = (0..240).collect();
    order.sort_by_key(|index| labels[*index]);
    let width = (SIDE * SIDE) as usize;
    let sorted: Vec<u8> = order.iter().flat_map(|index| &pixels[index * width..][..width]).copied().collect();
    let labels: Vec<u8> = order.iter().map(|index| labels[*index]).collect();
    let data = project.path().join("data");
    write_split(&data, &FILES[..2], [SIDE; 2], &sorted, &labels);
    let train = |options: &[&str]| {
        project.train(&[&["--validation", "80", "--run", "run", "--overwrite"], options].concat()).success()
    };
    let config = || fs::read_to_string(project.path().join("run/config.json")).unwrap();
    let history = || fs::read_to_string(project.path().join("run/history.json")).unwrap();
    let evaluated = |options: &[&str]| {
        let model = || fs::read(project.path().join("run/model.bin")).unwrap();
        let assert = train(options);
        let first = model();
        train(options);
        assert!(first == model(), "the same seed held out other images");
        (assert, json(project.run(&["evaluate", "run", "--json"]))["accuracy"].as_f64().unwrap())
    };
    let (assert, accuracy) = evaluated(&[]);
    assert.stderr(contains("the training images are sorted by class").and(contains("leaves no training image").not()));
    assert_eq!(accuracy, 1.0);
    assert!(config().contains(r#""validation_order": "class""#), "{}", config());
    assert!(history().contains(r#""validation_accuracy": 1.0"#), "{}", history());
    // Like earlier versions.
    let (assert, accuracy) = evaluated(&["--validation-order", "last"]);
    assert.stderr(contains("warning: --validation 80 leaves no training image of 2; use --validation-order class"));
    assert!(accuracy < 0.7 && config().contains(r#""validation_order": "last""#), "{accuracy}");
}

#[test]
fn a_network_without_hidden_layers_is_trained() {
    let project = Project::new();
    let trained = json(project.train(&["--hidden", "none", "--json"]));
    assert_eq!(trained["parameters"], 36 * 3 + 3);
    assert!(trained["test_accuracy_fixed"].as_f64() > Some(0.9), "{trained}");
    assert!(trained["run"].as_str().unwrap().starts_with("runs/none-"), "{trained}");
    let layers = json(project.run(&["inspect", trained["run"].as_str().unwrap(), "--json"]))["layers"].clone();
    assert_eq!(layers.as_array().unwrap().len(), 1, "{layers}");
    for option in [["--sparsity", "0.5"], ["--weight-bits", "4"]] {
        failure(project.train(&[&["--hidden", "none"], &option[..]].concat()), 2, &[option[0], "--hidden names none"]);
    }
}

#[test]
fn cost_and_boards_are_printed() {
    let project = Project::new();
    let trained = json(project.train(&["--run", "run", "--json"]));
    let inspected = json(project.run(&["inspect", "run", "--json"]));
    for (key, value) in [("parameters", 36 * 8 + 8 + 8 * 3 + 3), ("multiplications", 36 * 8 + 8 * 3)] {
        assert_eq!((&trained[key], &inspected[key]), (&value.into(), &value.into()), "{key}");
    }
    let model = fs::read(project.path().join("run/model.bin")).unwrap();
    assert_eq!(trained["flash_bytes"], model.len());
    assert_eq!(trained["boards"], inspected["boards"]);
    assert!(trained["boards"].as_array().unwrap().iter().all(|board| board["fits"] == true), "{trained}");
    for command in [project.train(&["--run", "run"]), project.run(&["inspect", "run"])] {
        let names = ["parameters ", "multiplications ", "flash ", "RAM ", "fits ", "does not fit            no board"];
        let text = command.success();
        names.iter().fold(text, |text, name| text.stdout(contains(format!("\n{name}"))));
    }
    let wide = json(project.train(&["--hidden", "1220", "--epochs", "1", "--run", "wide", "--json"]));
    assert_eq!(wide["boards"][0]["board"], "microbit");
    assert_eq!(wide["boards"][0]["reason"], "6,284 bytes of RAM for layers, at most 6,152");
}

#[test]
fn overfitting_is_judged_by_held_out_images_only() {
    let project = Project::new();
    let without = project.train(&["--run", "run"]).success();
    without.stdout(contains("overfitting             not judged").and(contains("training\n")));
    assert!(json(project.train(&["--run", "run", "--json"]))["overfitting"].is_null());
    let with = json(project.train(&["--run", "with", "--validation", "30", "--json"]));
    assert_eq!(with["overfitting"], false, "{with}");
    // Interrupted, usually in the first epoch.
    #[cfg(unix)]
    {
        let train = ["train", "--data", "data", "--hidden", "4096", "--batch-size", "1", "--validation", "30"];
        let (code, stdout, log) = signaled(project.path(), &train, "training images from", "-INT", false);
        assert_eq!(code, Some(130), "{log}");
        // Nothing is reported if the signal arrives before the first update.
        assert!(stdout.is_empty() || stdout.contains("\noverfitting "), "{stdout}");
        assert!(!stdout.contains("no images were held out"), "{stdout}");
    }
}
