//! Model files: commands that read one, and files that are refused.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use prenda::Model;

use crate::files::{FILES, SIDE, bars, write_checksum, write_split};
use crate::project::{Project, failure, json};

#[test]
fn a_model_works_without_its_run() {
    let project = Project::with_model();
    let evaluated =
        json(project.run(&["evaluate", "model.bin", "--data", "data", "--answers", "answers.bin", "--json"]));
    assert_eq!((&evaluated["pictures"], &evaluated["accuracy"]), (&60.into(), &1.0.into()));
    let answers = fs::read(project.path().join("answers.bin")).unwrap();
    let (header, records) = prenda::AnswersHeader::parse(&answers).unwrap();
    assert_eq!(evaluated["model_id"], header.model.to_string());
    assert!(records.enumerate().all(|(index, record)| index % 3 == usize::from(record.class)));

    let inspected = json(project.run(&["inspect", "model.bin", "--json"]));
    assert_eq!((&inspected["model_id"], &inspected["golden_vectors"]), (&evaluated["model_id"], &1.into()));
    assert_eq!(inspected["provenance"]["test_accuracy_fixed"], evaluated["accuracy"]);
    project
        .run(&["inspect", "model.bin"])
        .success()
        .stdout(contains("36 inputs, 8 outputs").and(contains("golden vector")));

    let predicted = json(project.run(&["predict", "model.bin", "--index", "2", "--data", "data", "--json"]));
    assert_eq!(
        (&predicted["class"], &predicted["class_name"], &predicted["label"]),
        (&2.into(), &"2".into(), &2.into())
    );
    let probabilities = predicted["probabilities"].as_array().unwrap();
    assert_eq!(probabilities.iter().map(|value| value.as_f64().unwrap()).sum::<f64>(), 1.0);

    // The same image from a file, without a data set.
    let image = bars(3).0[2 * (SIDE * SIDE) as usize..].to_vec();
    let image = image::GrayImage::from_raw(SIDE, SIDE, image).unwrap();
    image.save(project.path().join("image.png")).unwrap();
    let from_file = json(project.run(&["predict", "model.bin", "--image", "image.png", "--json"]));
    assert_eq!(from_file["logits"], predicted["logits"]);
}

#[test]
fn estimates_have_an_error_and_say_how_they_are_made() {
    let project = Project::new();
    let trained = project.train(&["--run", "run", "--export", "model.bin"]);
    trained.success().stdout(contains("fitted estimate, mean of 60 test images").and(contains("nrf52840-dk")));
    let of = |model: &str| json(project.run(&["inspect", model, "--json"]));
    let (alone, run) = (of("model.bin"), of("run"));
    assert_eq!(alone["estimated_for"], "mean of 1 golden vector");
    assert_eq!(run["estimated_for"], "mean of 60 test images");
    for report in [&alone, &run] {
        let boards = report["estimates"].as_array().unwrap();
        let board = boards.iter().find(|board| board["board"] == "nrf52840-dk").unwrap();
        let number = |key: &str| board[key].as_f64().unwrap();
        assert!(number("milliseconds") > 0.0 && number("microjoules") > 0.0 && number("error_percent") > 15.0);
        assert_eq!((&board["fits"], &board["method"]), (&true.into(), &"fitted".into()));
        assert!((number("milliseconds") - number("cycles") / 64e3).abs() < 1e-9);
        assert_eq!(report["operations"]["inference"], 1.0);
    }
    let evaluated = json(project.run(&["evaluate", "model.bin", "--data", "data", "--json"]));
    assert_eq!(evaluated["operations"], run["operations"]);
    project.run(&["inspect", "run"]).success().stdout(contains("\u{b5}J \u{b1} 30 %"));
    project.run(&["report", "run"]).success();
    let page = fs::read_to_string(project.path().join("run/report.html")).unwrap();
    assert!(page.contains("Time per image") && page.contains("on an nrf52840-dk at 64 MHz, fitted estimate"));
    assert!(page.contains("Estimated cost of an inference on boards"));

    let reorder = ["reorder", "model.bin", "--weight-order", "vectors", "--export", "vectors.bin"];
    project.run(&reorder).success();
    assert!(of("vectors.bin").get("estimates").is_none());
}

#[test]
fn a_reordered_model_gives_the_same_answers() {
    let project = Project::with_model();
    let reorder = ["reorder", "model.bin", "--weight-order", "vectors", "--export", "vectors.bin", "--json"];
    let reordered = json(project.run(&reorder));
    assert_eq!((&reordered["weight_order"], &reordered["model"]), (&"vectors".into(), &"vectors.bin".into()));
    project.run(&["inspect", "vectors.bin"]).success().stdout(contains("bytes of weights in vectors"));
    for (model, answers) in [("model.bin", "pairs.answers"), ("vectors.bin", "vectors.answers")] {
        project.run(&["evaluate", model, "--data", "data", "--answers", answers]).success();
    }
    // Without the header, which contains the model's id.
    let answers = |name: &str| fs::read(project.path().join(name)).unwrap().split_off(12);
    assert_eq!(answers("pairs.answers"), answers("vectors.answers"));

    project.run(&["reorder", "vectors.bin", "--weight-order", "pairs", "--export", "pairs.bin"]).success();
    let bytes = |name: &str| fs::read(project.path().join(name)).unwrap();
    assert_eq!(bytes("pairs.bin"), bytes("model.bin"));
    let assert = project.run(&["reorder", "model.bin", "--weight-order", "vectors", "--export", "model.bin"]);
    failure(assert, 2, &["--export"]);
    failure(project.run(&["reorder", "model.bin", "--weight-order", "rows", "--export", "x"]), 2, &["vectors"]);
    let assert = project.run(&["reorder", "pairs.answers", "--weight-order", "pairs", "--export", "x"]);
    failure(assert, 1, &["pairs.answers"]);
}

#[test]
fn a_file_that_is_not_a_model_is_not_replaced_by_one() {
    let project = Project::with_model();
    fs::write(project.path().join("notes.bin"), "notes").unwrap();
    let reorder = ["reorder", "model.bin", "--weight-order", "vectors", "--export", "notes.bin"];
    failure(project.run(&reorder), 2, &["--export notes.bin exists and is not a model"]);
    assert_eq!(fs::read(project.path().join("notes.bin")).unwrap(), b"notes");
}

#[test]
fn reorder_reports_the_count_of_changed_layers() {
    let project = Project::with_model();
    project.train(&["--sparsity", "0.5", "--run", "pruned"]).success();
    let reorder = |model: &str, order: &str| {
        project.run(&["reorder", model, "--weight-order", order, "--export", "out.bin"]).success()
    };
    reorder("model.bin", "vectors").stdout(contains("in vectors, 2 of 2 layers changed"));
    reorder("model.bin", "pairs").stdout(contains("unchanged in all layers"));
    let inspected = json(project.run(&["inspect", "pruned", "--json"]));
    let layers = inspected["layers"].as_array().unwrap();
    let dense = layers.iter().filter(|layer| layer["weight_order"] == "pairs").count();
    assert!(dense < layers.len(), "{inspected}");
    let reorder = ["reorder", "pruned", "--weight-order", "vectors", "--export", "out.bin", "--json"];
    assert_eq!(json(project.run(&reorder))["layers_changed"], dense);
}

#[test]
fn a_model_that_fails_its_self_test_is_not_used() {
    let project = Project::with_model();
    let mut bytes = fs::read(project.model()).unwrap();
    let logits = Model::parse(&bytes).unwrap().golden().next().unwrap().logits;
    let offset = logits.as_ptr() as usize - bytes.as_ptr() as usize;
    bytes[offset] ^= 1;
    write_checksum(&mut bytes);
    fs::write(project.path().join("other.bin"), &bytes).unwrap();
    for arguments in [
        &["inspect", "other.bin"][..],
        &["evaluate", "other.bin", "--data", "data", "--answers", "answers.bin"],
        &["predict", "other.bin", "--index", "0", "--data", "data"],
        &["reorder", "other.bin", "--weight-order", "vectors", "--export", "answers.bin"],
        &["export", "other.bin", "--c", "source"],
    ] {
        failure(
            project.run(arguments),
            1,
            &["other.bin: the model fails its self-test: golden vector 0", "other logits"],
        );
    }
    assert!(!project.path().join("answers.bin").exists());
}

#[test]
fn an_accuracy_without_images_or_out_of_range_is_none() {
    let project = Project::with_model();
    let text = |name: &str| {
        let output = project.run(&["inspect", name]).success().get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text("model.bin").contains("self-test               passed: 1 golden vector"), "{}", text("model.bin"));
    let bytes = fs::read(project.model()).unwrap();
    let view = Model::parse(&bytes).unwrap();
    let provenance = view.provenance();
    // Varints at the end: counts of 60 test images, and of those classified correctly.
    let (fields, _) = bytes.split_last_chunk::<4>().unwrap();
    assert!(fields.ends_with(&[60, 60, 60]), "{provenance:?}");
    for end in [[0, 0, 0], [1, 60, 60]] {
        let mut changed = bytes.clone();
        let place = changed.len() - 7;
        changed[place..place + 3].copy_from_slice(&end);
        write_checksum(&mut changed);
        fs::write(project.path().join("changed.bin"), &changed).unwrap();
        let text = text("changed.bin");
        assert!(text.contains("test, float             none"), "{text}");
        assert!(text.contains("test, fixed point       none"), "{text}");
        let inspected = json(project.run(&["inspect", "changed.bin", "--json"]));
        assert!(inspected["provenance"]["test_accuracy_fixed"].is_null(), "{inspected}");
    }
}

#[test]
fn the_first_images_can_be_evaluated_alone() {
    let project = Project::with_model();
    let evaluate = ["evaluate", "model.bin", "--data", "data", "--answers", "answers.bin", "--json", "--first"];
    for count in ["1", "17", "60"] {
        let evaluated = json(project.command(&evaluate).arg(count).assert());
        assert_eq!(evaluated["pictures"].to_string(), count);
        let answers = fs::read(project.path().join("answers.bin")).unwrap();
        let (header, records) = prenda::AnswersHeader::parse(&answers).unwrap();
        assert_eq!((header.images.to_string(), records.count().to_string()), (count.to_owned(), count.to_owned()));
    }
    failure(project.command(&evaluate).arg("61").assert(), 2, &["--first is 61", "1..=60"]);
    failure(project.command(&evaluate).arg("0").assert(), 2, &["--first"]);
    project.run(&["evaluate", "--help"]).success().stdout(contains("--first <N>").and(contains("N records")));
}

#[test]
fn answers_do_not_overwrite_their_inputs() {
    let project = Project::with_model();
    let model = fs::read(project.model()).unwrap();
    let data = format!("data/{}", FILES[2]);
    for (answers, other) in [("model.bin", "model.bin"), ("data/../model.bin", "model.bin"), (&data, &data)] {
        let assert = project.run(&["evaluate", "model.bin", "--data", "data", "--answers", answers]);
        failure(assert, 2, &["--answers", answers, "would overwrite", other]);
    }
    assert!(fs::read(project.model()).unwrap() == model);
}

#[test]
fn files_that_are_not_models_are_refused() {
    let project = Project::with_model();
    let good = fs::read(project.model()).unwrap();
    let mut version = good.clone();
    version[8] = 4;
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let cases: [(&[u8], &str); 6] = [
        (&[], "found 0 bytes, expected at least 13"),
        (&good[..good.len() - 1], "model length: found"),
        (&good[..5], "found 5 bytes"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x02\x00\x00\x01\x00\x01", "not a model"),
        (&version, "model format: found version 4"),
        (&flipped, "damaged model"),
    ];
    for (bytes, part) in cases {
        fs::write(project.path().join("bad.bin"), bytes).unwrap();
        for arguments in [
            &["inspect", "bad.bin"][..],
            &["evaluate", "bad.bin", "--data", "data"],
            &["predict", "bad.bin", "--index", "0"],
            &["export", "bad.bin", "--c", "source"],
        ] {
            failure(project.run(arguments), 1, &["bad.bin", part, "name a file that train or import wrote"]);
        }
    }
    failure(project.run(&["inspect", "absent.bin"]), 1, &["cannot read model absent.bin"]);
    failure(project.run(&["inspect", "data"]), 1, &["cannot read model data/model.bin"]);
}

#[test]
fn control_characters_in_file_names_are_escaped() {
    let project = Project::with_model();
    let inspect = ["inspect", "x\x1b[31m\u{9b}y\u{202e}"];
    failure(project.run(&inspect), 1, &["cannot read model x\\u{1b}[31m\\u{9b}y\\u{202e}: "]);
    // Our own messages keep their line breaks, and warnings are escaped, too.
    let evaluate = project.run(&["evaluate", "model.bin", "--data", "data", "--first", "61"]);
    failure(evaluate, 2, &["60 test images\n\nFor more information"]);
    project.train(&["--run", "x\x1b[31m"]).success();
    failure(project.train(&["--run", "x\x1b[31m", "--seed", "2"]), 2, &["x\\u{1b}[31m contains another run"]);
}

#[test]
fn a_model_for_other_images_is_refused() {
    let project = Project::with_model();
    let data = project.path().join("data");
    let (pixels, labels) = bars(30);
    for names in [&FILES[..2], &FILES[2..]] {
        write_split(&data, names, [4, 9], &pixels, &labels);
    }
    let parts = ["4 x 9 pixels, the model expects 6 x 6", "--data"];
    failure(project.run(&["evaluate", "model.bin", "--data", "data"]), 1, &parts);
}
