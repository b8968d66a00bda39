//! `data`: what it finds, and which files it refuses.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;

use crate::files::{FILES, SIDE, bars, gzip, idx, write_dots};
use crate::project::{Project, failure, json};

#[test]
fn a_named_data_set_is_checked_and_described() {
    let project = Project::new();
    let found = json(project.run(&["data", "--data", "data", "--json"]));
    assert_eq!(
        (&found["fashion_mnist"], &found["origin"], &found["rows"]),
        (&false.into(), &"given".into(), &SIDE.into())
    );
    project.run(&["data", "--data", "data"]).success().stdout(contains("not Fashion-MNIST, but consistent"));
    // Without `--data` it must be Fashion-MNIST.
    let data = project.path().join("data");
    let assert = project.command(&["data"]).env("FASHION_MNIST_DIR", &data).assert();
    failure(assert, 1, &["train-images-idx3-ubyte", "is not Fashion-MNIST's", "SHA-256", "--data"]);
    failure(project.run(&["data"]), 1, &["no-data-here", "named by FASHION_MNIST_DIR"]);
    let assert = project.run(&["data", "--data", "elsewhere"]);
    failure(assert, 1, &["elsewhere", "named by --data", "train-images-idx3-ubyte"]);
}

#[test]
fn errors_name_the_invalid_data_file() {
    let (pixels, labels) = bars(240);
    let images = idx(&[240, SIDE, SIDE], &pixels);
    let zipped = gzip(&images);
    let mut damaged = zipped.clone();
    damaged[zipped.len() / 2] ^= 0xff;
    let mut gap = labels.clone();
    gap[17] = 9;
    let cases: [(&str, Vec<u8>, &[&str]); 11] = [
        (FILES[0], Vec::new(), &["train-images", "cut off", "0 bytes"]),
        (FILES[0], images[..1000].to_vec(), &["train-images", "cut off", "1000 bytes of the 8656"]),
        (FILES[0], [&images[..], &[0]].concat(), &["train-images", "bytes after"]),
        (FILES[0], zipped[..500].to_vec(), &["train-images", "cut off"]),
        (FILES[0], damaged, &["train-images", "damaged"]),
        (FILES[0], idx(&[240], &labels), &["train-images", "mixed up"]),
        (FILES[0], idx(&[u32::MAX, 28, 28], &[]), &["train-images", "number of images"]),
        (FILES[0], idx(&[240, SIDE, SIDE + 1], &[0; 240 * 42]), &["training images of 6 x 7", "test images of 6 x 6"]),
        (FILES[0], b"<html>404</html>".to_vec(), &["train-images", "does not begin like", "it is an HTML page"]),
        (FILES[2], idx(&[59, SIDE, SIDE], &bars(59).0), &["59 images but 60 labels", "test split"]),
        (FILES[1], idx(&[240], &gap), &["go up to 9", "no image has label 3"]),
    ];
    for (name, content, parts) in cases {
        let project = Project::new();
        let data = project.path().join("data");
        let _ = fs::remove_file(data.join(format!("{name}.gz")));
        fs::write(data.join(name), content).unwrap();
        failure(project.train(&["--export", "model.bin"]), 1, parts);
        assert!(!project.model().exists());
    }
}

#[test]
fn images_of_any_size_and_any_number_of_classes_work() {
    for (rows, columns, classes) in [(5, 9, 2), (12, 17, 200)] {
        let project = Project::new();
        let data = project.path().join("dots");
        write_dots(&data, rows, columns, classes, 4 * classes);
        let names: Vec<String> = (0..classes).map(|class| format!("Nummer {class} \u{96f6}")).collect();
        fs::write(data.join("class-names.txt"), format!("\u{feff}{}", names.join("\r\n"))).unwrap();
        let arguments = ["--hidden", "150", "--epochs", "40", "--learning-rate", "0.003", "--batch-size", "16"];
        project.command(&["train", "--data", "dots", "--export", "model.bin"]).args(arguments).assert().success();

        let evaluated = json(project.run(&["evaluate", "model.bin", "--data", "dots", "--json"]));
        assert!(evaluated["accuracy"].as_f64().unwrap() > 0.9, "dots are easy: {evaluated}");
        let inspected = json(project.run(&["inspect", "model.bin", "--json"]));
        assert_eq!((&inspected["rows"], &inspected["columns"]), (&rows.into(), &columns.into()));
        assert_eq!(inspected["classes"], serde_json::json!(names));
        let predicted = json(project.run(&["predict", "model.bin", "--index", "1", "--data", "dots", "--json"]));
        assert_eq!((&predicted["label_name"], &predicted["label"]), (&names[1].as_str().into(), &1.into()));
        assert_eq!(predicted["probabilities"].as_array().unwrap().len(), names.len());
        project.run(&["predict", "model.bin", "--index", "1", "--data", "dots"]).success().stdout(contains(&names[1]));

        let found = json(project.run(&["data", "--data", "dots", "--json"]));
        let last = found["train_pictures_by_class"].as_array().unwrap().last();
        assert_eq!((&found["classes"], last), (&inspected["classes"], Some(&4.into())));
        // `--class-names` has priority over the file in the folder.
        fs::write(project.path().join("names"), names.join("\n").replace("Nummer", "No.")).unwrap();
        project.run(&["data", "--data", "dots", "--class-names", "names"]).success().stdout(
            contains("named by names").and(contains("No. 1 \u{96f6}")).and(contains("4 for training, 1 for testing")),
        );
    }
}

#[test]
fn unsuitable_class_names_are_refused_by_file_and_line() {
    let project = Project::new();
    let file = project.path().join("data/class-names.txt");
    let long = format!("a\nb\n{}\n", "x".repeat(1025));
    let cases: [(&[u8], &str); 8] = [
        (b"a\nb\n", "2 names for 3 classes"),
        (b"a\nb\nc\nd\n", "4 names for 3 classes"),
        (b"", "0 names for 3 classes"),
        (b"a\n\nc\n", "line 2: it is empty"),
        (b"a\nb\na\n", "line 3: the same name as in line 1"),
        (b"a\nb\x1b[31m\nc\n", "line 2: it has the control character \\u{1b}"),
        (b"a\nb\n\xc3\n", "line 3: not UTF-8"),
        (long.as_bytes(), "line 3: a name of 1025 bytes"),
    ];
    for (content, part) in cases {
        fs::write(&file, content).unwrap();
        failure(project.train(&["--export", "model.bin"]), 1, &["data/class-names.txt", part]);
        assert!(!project.model().exists());
    }
    let assert = project.run(&["data", "--data", "data", "--class-names", "absent"]);
    failure(assert, 1, &["cannot read class names absent"]);
    // The file cannot be overwritten either.
    fs::write(&file, "a\nb\nc").unwrap();
    let assert = project.train(&["--export", "data/class-names.txt"]);
    failure(assert, 2, &["--export", "would overwrite"]);
}

#[test]
fn files_with_a_dot_in_their_names_are_found() {
    let project = Project::new();
    let data = project.path().join("data");
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        fs::rename(&path, path.to_str().unwrap().replace("-idx", ".idx")).unwrap();
    }
    assert_eq!(json(project.run(&["data", "--data", "data", "--json"]))["train_pictures"], 240);
}

#[test]
fn files_of_other_types_sizes_and_names_are_read_or_named() {
    let project = Project::new();
    let data = project.path().join("data");
    let (pixels, labels) = bars(240);
    let (images, path) = (idx(&[240, SIDE, SIDE], &pixels), data.join(FILES[0]));
    let expected = json(project.run(&["data", "--data", "data", "--json"]));
    let label_path = data.join(format!("{}.gz", FILES[1]));
    // QMNIST has eight 32-bit integers for each label.
    let wide = labels.iter().flat_map(|label| [u32::from(*label), 9, 9, 9, 9, 9, 9, 9]).flat_map(u32::to_be_bytes);
    let qmnist: Vec<u8> = [0x0c02_u32, 240, 8].into_iter().flat_map(u32::to_be_bytes).chain(wide).collect();
    // Like gunzip, also with padding after the file.
    for (path, content) in [
        (&path, idx(&[240, SIDE, SIDE, 1], &pixels)),
        (&path, idx(&[240, SIDE * SIDE], &pixels)),
        (&path, [gzip(&images), vec![0; 512]].concat()),
        (&label_path, gzip(&qmnist)),
    ] {
        let before = fs::read(path).unwrap();
        fs::write(path, content).unwrap();
        assert_eq!(json(project.run(&["data", "--data", "data", "--json"])), expected);
        fs::write(path, before).unwrap();
    }
    let assert = project.run(&["data", "--data", &format!("data/{}", FILES[0])]);
    failure(assert, 1, &["named by --data", "is a file", "name the folder"]);
    fs::rename(&path, data.join("whole")).unwrap();
    fs::create_dir(&path).unwrap();
    failure(project.run(&["data", "--data", "data"]), 1, &["train-images-idx3-ubyte is a folder, expected a file"]);
    fs::remove_dir(&path).unwrap();
    fs::rename(data.join("whole"), &path).unwrap();
    for file in FILES {
        for end in ["", ".gz"] {
            let (from, to) = (format!("{file}{end}"), format!("emnist-letters-{file}{end}").replace("t10k", "test"));
            let _ = fs::rename(data.join(from), data.join(to));
        }
    }
    assert_eq!(json(project.run(&["data", "--data", "data", "--json"])), expected);
}
