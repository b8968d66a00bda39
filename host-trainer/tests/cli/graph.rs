//! `import` of files that name their operators.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::files::{FILES, write_split};
use crate::project::{Project, failure, json};

pub const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/import");

/// Copies the file `name` of the fixtures to `project`, and writes a data set of its images, whose
/// labels are the classes that the program which trained `network` gave.
pub fn prepare(project: &Project, name: &str, record: &str, network: &str) {
    let fixtures = Path::new(FIXTURES);
    fs::copy(fixtures.join(name), project.path().join(name)).unwrap();
    let record: Value = serde_json::from_slice(&fs::read(fixtures.join(record)).unwrap()).unwrap();
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let pixels: Vec<u8> =
        record["images"].as_array().unwrap().iter().flat_map(numbers).map(|pixel| pixel as u8).collect();
    let outputs = record["outputs"][network].as_array().unwrap();
    let class = |row: Vec<f64>| (0..row.len()).max_by(|one, two| row[*one].total_cmp(&row[*two])).unwrap() as u8;
    let labels: Vec<u8> = outputs.iter().map(numbers).map(class).collect();
    for names in [&FILES[..2], &FILES[2..]] {
        write_split(&project.path().join("images"), names, [12, 11], &pixels, &labels);
    }
}

impl Project {
    fn import_graph(&self, name: &str, arguments: &[&str]) -> assert_cmd::assert::Assert {
        self.command(&["import", name, "--data", "images", "--export", "model.bin"]).args(arguments).assert()
    }
}

#[test]
fn an_onnx_file_gives_the_classes_of_its_framework() {
    let project = Project::new();
    prepare(&project, "tf2onnx.onnx", "keras_files.json", "convolutions");
    let report = json(project.import_graph("tf2onnx.onnx", &["--json", "--run", "run"]));
    assert_eq!(report["test_accuracy_float"], 1.0);
    let first = &report["layers"][0];
    assert_eq!((&first["inputs"], &first["outputs"], &first["bias"]), (&6.into(), &4.into(), &Value::Null));
    assert!(first["weight"].as_str().unwrap().starts_with("operator 1 Conv__37, Conv"), "{first}");
    let config: Value = serde_json::from_slice(&fs::read(project.path().join("run/config.json")).unwrap()).unwrap();
    let words = "conv 4 3x2 stride 2; depthwise 3x3; maxpool 2x2; conv 6 1x2 valid; dense 5; dense 3";
    assert_eq!(config["train"]["network"], words);
    // The extension does not matter.
    fs::rename(project.path().join("tf2onnx.onnx"), project.path().join("network")).unwrap();
    let text = project.import_graph("network", &[]).success().get_output().stdout.clone();
    assert!(String::from_utf8(text).unwrap().contains("layer 0"));
}

#[test]
fn options_of_tensors_are_refused_for_operators() {
    let project = Project::new();
    prepare(&project, "tf2onnx.onnx", "keras_files.json", "convolutions");
    for option in [&["--fold"][..], &["--network", "dense 3"], &["--layer", "a"], &["--ignore", "a"]] {
        let parts = [option[0], "tf2onnx.onnx is an ONNX file, which has all layers of its network"];
        failure(project.import_graph("tf2onnx.onnx", option), 2, &parts);
    }
    let other = ["import", "tf2onnx.onnx", "--data", "data", "--export", "model.bin"];
    let parts = ["cannot import tf2onnx.onnx", "[12, 11, 1]", "expected images of 6x6 pixels", "--data"];
    failure(project.run(&other), 1, &parts);
    failure(
        project.import_graph("tf2onnx.onnx", &["--mean", "0.5"]),
        2,
        &["--mean 0.5: operator 1 Conv__37, Conv", "pads"],
    );
    let cut = fs::read(project.path().join("tf2onnx.onnx")).unwrap();
    fs::write(project.path().join("tf2onnx.onnx"), &cut[..3000]).unwrap();
    failure(project.import_graph("tf2onnx.onnx", &[]), 1, &["not an ONNX file, or a damaged one"]);
    assert!(!project.model().exists());
}

#[test]
fn integers_of_a_tensorflow_lite_file_are_kept() {
    let project = Project::new();
    prepare(&project, "convolutions-int8.tflite", "keras_files.json", "convolutions");
    let report = json(project.import_graph("convolutions-int8.tflite", &["--json"]));
    let source = &report["source"];
    let count = |key: &str| source[key].as_u64().unwrap();
    assert_eq!((count("images"), count("logits"), count("same_class")), (24, 72, 24), "{source}");
    // Only roundings differ.
    assert!(count("equal") >= 65 && count("largest_difference") <= 1, "{source}");
    let text = project.import_graph("convolutions-int8.tflite", &[]).success();
    let text = text.stderr(contains("the integers of the file are kept"));
    text.stdout(contains("logits are the file's integers").and(contains("same class for 24 of 24 images")));

    // Raw pixels are another input than the file's.
    let again = project.import_graph("convolutions-int8.tflite", &["--pixel-scale", "1"]).success();
    again.stderr(contains("quantized again: its input has steps of 0.0039")).stdout(contains("source").not());
}

#[test]
fn damaged_tensorflow_lite_files_are_refused() {
    let project = Project::new();
    prepare(&project, "dense-float.tflite", "keras_files.json", "dense");
    let file = fs::read(project.path().join("dense-float.tflite")).unwrap();
    for length in [8, 20, 100, 1000] {
        fs::write(project.path().join("cut"), &file[..length]).unwrap();
        failure(project.import_graph("cut", &[]), 1, &["cannot import cut"]);
    }
    assert!(!project.model().exists());
}

#[test]
fn files_of_keras_give_its_classes() {
    for (file, network, arguments) in [
        ("convolutions.keras", "convolutions", &[][..]),
        ("means.h5", "means", &[]),
        ("dense.keras", "dense", &["--pixel-scale", "1"]),
        // Weights alone, whose layers are found like those of any tensors.
        ("dense.weights.h5", "dense", &["--pixel-scale", "1"]),
    ] {
        let project = Project::new();
        prepare(&project, file, "keras_files.json", network);
        let report = json(project.import_graph(file, &[&["--json"], arguments].concat()));
        assert_eq!(report["test_accuracy_float"], 1.0, "{file}");
        let first = report["layers"][0]["weight"].as_str().unwrap();
        let expected = if file.contains("weights") { "layers/dense/vars/0" } else { "layer " };
        assert!(first.starts_with(expected), "{first}");
    }
}

#[test]
fn states_of_pytorch_give_its_classes() {
    let project = Project::new();
    prepare(&project, "conv.pt", "onnx.json", "scaled-11.onnx");
    let words = "conv 4 3x3 stride 2 pad 1; depthwise 3x3 pad 1; maxpool 2x2; conv 6 1x2 valid; dense 5; dense 3";
    let report = json(project.import_graph("conv.pt", &["--json", "--fold", "--network", words]));
    assert_eq!(report["layers"][0]["weight"], "0.weight");
    // The same network as an ONNX file.
    fs::copy(project.model(), project.path().join("state.bin")).unwrap();
    fs::copy(Path::new(FIXTURES).join("conv-11.onnx"), project.path().join("conv-11.onnx")).unwrap();
    let other = json(project.import_graph("conv-11.onnx", &["--json"]));
    let accuracy = |report: &Value| report["test_accuracy_float"].as_f64().unwrap();
    assert_eq!(accuracy(&report), accuracy(&other));
    // A checkpoint: the optimizer's state is not used.
    fs::copy(Path::new(FIXTURES).join("mean.pt"), project.path().join("mean.pt")).unwrap();
    let words = "conv 4 3x2 valid; avgpool 2x2; conv 6 3x3; avgpool global; dense 3";
    let parts = ["state_dict.3.weight", "[6, 2, 3, 3]", "expected [6, 4, 3, 3] (PyTorch)"];
    failure(project.import_graph("mean.pt", &["--network", words]), 1, &parts);
}

#[test]
fn no_code_of_a_pickle_is_run() {
    let project = Project::new();
    prepare(&project, "conv.pt", "onnx.json", "scaled-11.onnx");
    // Calls os.system when Python reads it.
    let call = b"\x80\x02cos\nsystem\nU\x0ctouch pickled\x85R.";
    fs::write(project.path().join("plain"), call).unwrap();
    failure(project.import_graph("plain", &[]), 1, &["a Python pickle"]);
    let members = [("a/data.pkl", call.to_vec()), ("a/version", b"3\n".to_vec()), ("a/byteorder", b"little".to_vec())];
    project.write_archive("changed.pt", &members);
    failure(project.import_graph("changed.pt", &[]), 1, &["cannot import changed.pt: "]);
    // A list that has itself twice, and so on: 2^60 items.
    let bomb = [&b"\x80\x02]q\0"[..], &b"(h\0h\0lq\0".repeat(60), b"."].concat();
    project.write_archive("bomb.pt", &[("a/data.pkl", bomb), ("a/version", b"3\n".to_vec())]);
    failure(project.import_graph("bomb.pt", &[]), 1, &["cannot import bomb.pt: ", "bomb"]);
    let archive = fs::read(project.path().join("conv.pt")).unwrap();
    for length in [100, 1000, archive.len() - 1] {
        fs::write(project.path().join("cut.pt"), &archive[..length]).unwrap();
        failure(project.import_graph("cut.pt", &[]), 1, &["cannot import cut.pt"]);
    }
    assert!(!project.path().join("pickled").exists() && !project.model().exists());
}

#[test]
fn an_archive_is_read_in_bounds_and_nothing_is_unpacked() {
    let project = Project::new();
    prepare(&project, "dense.keras", "keras_files.json", "dense");
    let write = |members: &[(&str, &[u8])]| {
        let members: Vec<_> = members.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect();
        project.write_archive("odd.keras", &members);
    };
    // 16 MiB of blanks in a few kilobytes.
    let bomb = vec![b' '; 16 << 20];
    write(&[("config.json", &bomb), ("model.weights.h5", b"")]);
    assert!(fs::metadata(project.path().join("odd.keras")).unwrap().len() < 100_000);
    failure(project.import_graph("odd.keras", &[]), 1, &["config.json has more than 8388608 bytes"]);
    write(&[("../config.json", b"{}"), ("model.weights.h5", b"")]);
    failure(project.import_graph("odd.keras", &[]), 1, &["not a Keras file, or a damaged one: no config.json"]);
    assert!(!project.path().parent().unwrap().join("config.json").exists());
    write(&[("config.json", b"{}"), ("model.weights.h5", b"not HDF5")]);
    failure(project.import_graph("odd.keras", &[]), 1, &["not a Keras file, or a damaged one"]);
}

/// Returns an array of NumPy.
fn npy(kind: &str, sizes: &[usize], items: Vec<u8>) -> Vec<u8> {
    let sizes: String = sizes.iter().map(|size| format!("{size}, ")).collect();
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes})}}\n");
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &items].concat()
}

fn npy_floats(sizes: &[usize], numbers: &[f64]) -> Vec<u8> {
    npy("<f4", sizes, numbers.iter().flat_map(|number| (*number as f32).to_le_bytes()).collect())
}

impl Project {
    fn write_archive(&self, name: &str, members: &[(&str, Vec<u8>)]) {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes).unwrap();
        }
        fs::write(self.path().join(name), archive.finish().unwrap().into_inner()).unwrap();
    }
}

/// Returns the images of a record of the fixtures, and the outputs of `network`.
fn record(record: &str, network: &str) -> [Vec<f64>; 2] {
    let record: Value = serde_json::from_slice(&fs::read(Path::new(FIXTURES).join(record)).unwrap()).unwrap();
    [&record["images"], &record["outputs"][network]].map(|rows| {
        let rows = rows.as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
        rows.map(|number| number.as_f64().unwrap()).collect()
    })
}

/// Writes `check.npz` with the images of a record and the outputs of `network`.
pub fn write_check(project: &Project, name: &str, network: &str, sizes: &[usize]) {
    let [pixels, outputs] = record(name, network);
    let sizes = [&[outputs.len() / 3], sizes].concat();
    let scaled: Vec<f64> = pixels.iter().map(|pixel| pixel / 255.0).collect();
    let outputs = npy_floats(&[outputs.len() / 3, 3], &outputs);
    project.write_archive("check.npz", &[("inputs.npy", npy_floats(&sizes, &scaled)), ("outputs.npy", outputs)]);
}

/// Prints the accuracy of each file in the program that trained it and here: with `--nocapture`, a
/// table.
#[test]
fn accuracy_and_outputs_are_those_of_the_training() {
    let words = "conv 4 3x3 stride 2 pad 1; depthwise 3x3 pad 1; maxpool 2x2; conv 6 1x2 valid; dense 5; dense 3";
    let (state, raw) = (["--fold", "--network", words], ["--pixel-scale", "1"]);
    println!("file, images, correct there, correct here in floating point and in integers, relative difference");
    // Outputs of onnxruntime, Keras and TensorFlow Lite. Those of integers are not compared.
    for (file, name, network, sizes, options, form) in [
        ("conv-11.onnx", "onnx.json", "conv-11.onnx", &[1, 12, 11][..], &[][..], Some("logits")),
        ("conv-18.onnx", "onnx.json", "conv-18.onnx", &[1, 12, 11], &[], Some("logits")),
        ("mean-18.onnx", "onnx.json", "mean-18.onnx", &[1, 12, 11], &[], Some("logits")),
        ("scaled-11.onnx", "onnx.json", "scaled-11.onnx", &[12, 11], &[], Some("probabilities")),
        ("qdq.onnx", "onnx.json", "qdq.onnx", &[1, 12, 11], &[], None),
        ("qoperator.onnx", "onnx.json", "qoperator.onnx", &[1, 12, 11], &[], None),
        ("tf2onnx.onnx", "keras_files.json", "convolutions", &[12, 11, 1], &[], Some("logits")),
        ("convolutions-float.tflite", "keras_files.json", "convolutions", &[12, 11, 1], &[], Some("logits")),
        ("convolutions-int8.tflite", "keras_files.json", "convolutions-int8.tflite", &[12, 11, 1], &[], None),
        ("convolutions.keras", "keras_files.json", "convolutions", &[12, 11, 1], &[], Some("logits")),
        ("means.h5", "keras_files.json", "means", &[132], &[], Some("probabilities")),
        ("dense.keras", "keras_files.json", "dense", &[12, 11], &raw, Some("probabilities")),
        ("dense.weights.h5", "keras_files.json", "dense", &[12, 11], &raw, Some("probabilities")),
        ("conv.pt", "onnx.json", "conv-11.onnx", &[1, 12, 11], &state, Some("logits")),
    ] {
        let project = Project::new();
        prepare(&project, file, name, network);
        let [pixels, outputs] = record(name, network);
        let images = outputs.len() / 3;
        // Those of the training.
        let labels: Vec<u8> = (0..images).map(|image| (image % 3) as u8).collect();
        let bytes: Vec<u8> = pixels.iter().map(|pixel| *pixel as u8).collect();
        for names in [&FILES[..2], &FILES[2..]] {
            write_split(&project.path().join("images"), names, [12, 11], &bytes, &labels);
        }
        let scale = if options == raw { 1.0 } else { 255.0 };
        let scaled: Vec<f64> = pixels.iter().map(|pixel| pixel / scale).collect();
        let sizes = [&[images], sizes].concat();
        let compared: &[&str] = if form.is_some() { &["--json", "--check", "check.npz"] } else { &["--json"] };
        let mut difference = String::new();
        let mut report = Value::Null;
        for inputs in [npy_floats(&sizes, &scaled), npy("|u1", &sizes, bytes)] {
            let outputs = npy_floats(&[images, 3], &outputs);
            project.write_archive("check.npz", &[("inputs.npy", inputs), ("outputs.npy", outputs)]);
            report = json(project.import_graph(file, &[compared, options].concat()));
            let Some(form) = form else { continue };
            let check = &report["check"];
            assert_eq!((&check["images"], &check["same_class"]), (&images.into(), &images.into()), "{file}");
            let relative = check["relative_difference"].as_f64().unwrap();
            assert!(check["outputs"] == form && relative < 1e-4, "{file}: {check}");
            difference = format!("{relative:.0e}");
        }
        let rows = outputs.chunks(3).zip(&labels);
        // Integers may be equal.
        let is_right = |(row, label): &(&[f64], &u8)| row.iter().all(|output| *output <= row[usize::from(**label)]);
        let there = rows.filter(is_right).count();
        let here = |key: &str| (report[key].as_f64().unwrap() * images as f64).round() as usize;
        let (float, fixed) = (here("test_accuracy_float"), here("test_accuracy_fixed"));
        println!("{file}, {images}, {there}, {float}, {fixed}, {difference}");
        assert!(form.is_none() || float == there, "{file}: {float} of {images}, there {there}");
    }
    let project = Project::new();
    prepare(&project, "tf2onnx.onnx", "keras_files.json", "convolutions");
    write_check(&project, "keras_files.json", "convolutions", &[12, 11, 1]);
    let text = project.import_graph("tf2onnx.onnx", &["--check", "check.npz"]).success();
    text.stdout(contains("logits differ by at most").and(contains("same class for 24 of 24 images")));
}

#[test]
fn other_outputs_are_refused() {
    let project = Project::new();
    prepare(&project, "means.h5", "keras_files.json", "means");
    let [pixels, outputs] = record("keras_files.json", "means");
    let inputs = npy("|u1", &[24, 12, 11], pixels.iter().map(|pixel| *pixel as u8).collect());
    let (mut other, mut damaged) = (outputs.clone(), outputs.clone());
    other[7] += 0.01;
    damaged[7] = f64::NAN;
    let whole = npy_floats(&[24, 3], &outputs);
    let turned = npy("|u1", &[24, 11, 12], vec![7; 24 * 132]);
    for (inputs, outputs, parts) in [
        (
            inputs.clone(),
            npy_floats(&[24, 3], &other),
            &["differ by at most 1.0e-2", "same class for 24", "expected at most 1e-4"],
        ),
        (inputs.clone(), npy_floats(&[24, 3], &damaged), &["differ by at most inf", "--pixel-scale", "in integers"]),
        (
            inputs.clone(),
            npy_floats(&[12, 6], &outputs),
            &["outputs has the sizes 12 x 6", "expected 3 for each", "24"],
        ),
        (inputs.clone(), npy("|O", &[24, 3], vec![]), &["--check check.npz", "array outputs", "type |O"]),
        (turned, whole.clone(), &["inputs has the sizes 24 x 11 x 12", "expected images", "12x11 pixels with 1"]),
        (npy("|u1", &[0, 12, 11], vec![]), npy_floats(&[0, 3], &[]), &["at least one", "", ""]),
        (npy("|u1", &[], vec![7]), whole.clone(), &["inputs is one number", "", ""]),
    ] {
        project.write_archive("check.npz", &[("inputs.npy", inputs), ("outputs.npy", outputs)]);
        failure(project.import_graph("means.h5", &["--check", "check.npz"]), 1, parts);
    }
    project.write_archive("check.npz", &[("x.npy", inputs), ("outputs.npy", whole)]);
    failure(
        project.import_graph("means.h5", &["--check", "check.npz"]),
        1,
        &["it has the arrays outputs, x, expected inputs", "numpy.savez(FILE, inputs=.., outputs=..)"],
    );
    failure(project.import_graph("means.h5", &["--check", "means.h5"]), 1, &["--check means.h5"]);
    failure(project.import_graph("means.h5", &["--check", "absent"]), 1, &["--check absent"]);
    failure(project.import_graph("means.h5", &["--check", "model.bin"]), 2, &["--export", "would overwrite"]);
    assert!(!project.model().exists());
}
