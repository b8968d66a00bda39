//! Data sets of images in a folder for each class.

use std::fs;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};
use predicates::prelude::*;
use predicates::str::contains;

use crate::files::{FILES, SIDE, bars, noise};
use crate::project::{Project, failure, json};

/// Names of the classes of the bars, in their order.
const CLASSES: [&str; 3] = ["left", "middle", "right"];

const FORMATS: [(ImageFormat, &str); 3] =
    [(ImageFormat::Png, "png"), (ImageFormat::Bmp, "bmp"), (ImageFormat::WebP, "webp")];

/// Writes `count` bars as grey PNG files to `folder`, in a folder for each class.
fn write_bars(folder: &Path, count: u32) {
    let (pixels, labels) = bars(count);
    for (index, (image, label)) in pixels.chunks_exact((SIDE * SIDE) as usize).zip(labels).enumerate() {
        let class = folder.join(CLASSES[usize::from(label)]);
        fs::create_dir_all(&class).unwrap();
        GrayImage::from_raw(SIDE, SIDE, image.to_vec()).unwrap().save(class.join(format!("{index:04}.png"))).unwrap();
    }
}

/// Writes 40 photos of each of three colours to `folder`, in several formats, of `rows` by
/// `columns` pixels.
fn write_colours(folder: &Path, rows: u32, columns: u32) {
    let mut noise = noise(77);
    for (class, name) in ["blue", "green", "red"].into_iter().enumerate() {
        fs::create_dir_all(folder.join(name)).unwrap();
        for index in 0..40 {
            let (format, end) = FORMATS[index % FORMATS.len()];
            let image = RgbImage::from_fn(columns, rows, |_, _| {
                let mut pixel = [0, 1, 2].map(|_| (noise() >> 26) as u8 + 20);
                pixel[2 - class] += 120;
                Rgb(pixel)
            });
            image.save_with_format(folder.join(name).join(format!("{index}.{end}")), format).unwrap();
        }
    }
}

#[test]
fn folders_of_images_are_the_same_data_set_as_their_idx_files() {
    let project = Project::new();
    for (split, count) in [("train", 240), ("test", 60)] {
        write_bars(&project.path().join("photos").join(split), count);
    }
    // Entries that systems add are ignored.
    fs::write(project.path().join("photos/train/.DS_Store"), "x").unwrap();
    fs::write(project.path().join("photos/train/left/Thumbs.db"), "x").unwrap();
    let expected = json(project.run(&["data", "--data", "data", "--json"]));
    let found = json(project.run(&["data", "photos", "--export", "idx", "--json"]));
    assert_eq!(found["train_sha256"], expected["train_sha256"]);
    assert_eq!((&found["classes"], &found["channels"]), (&serde_json::json!(CLASSES), &1.into()));
    for file in FILES {
        let both = ["idx", "data"].map(|folder| fs::read(project.path().join(folder).join(file)));
        if let [Ok(found), Ok(expected)] = both {
            assert_eq!(found, expected, "{file}");
        }
    }
    let exported = json(project.run(&["data", "--data", "idx", "--json"]));
    assert_eq!((&exported["train_sha256"], &exported["classes"]), (&found["train_sha256"], &found["classes"]));

    // A run on the folder also takes the exported files, and the other way round.
    let train = ["train", "--data", "photos", "--epochs", "2", "--hidden", "8", "--run", "run", "--json"];
    json(project.run(&train));
    let accuracy = |arguments: &[&str]| json(project.run(arguments))["accuracy"].clone();
    let expected = accuracy(&["evaluate", "run", "--json"]);
    assert_eq!(accuracy(&["evaluate", "run", "--data", "idx", "--json"]), expected);
    let image = "photos/test/right/0002.png";
    let predicted = json(project.run(&["predict", "run", "--image", image, "--json"]));
    let by_index = json(project.run(&["predict", "run", "--index", "2", "--json"]));
    assert_eq!((&predicted["logits"], &predicted["conversion"]), (&by_index["logits"], &"taken as it is".into()));
    let assert = project.run(&["predict", "run", "--image", image, "--polarity", "dark-on-light"]);
    failure(assert, 2, &["--polarity does not apply"]);
    // Inputs are not overwritten, other data sets neither.
    failure(project.run(&["evaluate", "run", "--answers", image]), 2, &["--answers", "would overwrite", image]);
    write_colours(&project.path().join("colours"), 6, 6);
    let assert = project.run(&["data", "colours", "--test-share", "0.2", "--export", "idx"]);
    failure(assert, 2, &["--export idx has another data set", "train-images-idx3-ubyte"]);
}

#[test]
fn colours_are_trained_evaluated_and_predicted() {
    let project = Project::new();
    write_colours(&project.path().join("colours"), 9, 12);
    let data = ["--data", "colours", "--test-share", "0.25", "--image-size", "8x8"];
    let network = ["--network", "conv 4 3x3 stride 2; dense 3", "--epochs", "12", "--augment", "0.5"];
    let train =
        ["train", "--run", "run", "--export", "model.bin", "--learning-rate", "0.01", "--batch-size", "8", "--json"];
    json(project.command(&train).args(data).args(network).assert());
    // The run records how the images were read.
    let evaluated = json(project.run(&["evaluate", "run", "--answers", "answers.bin", "--json"]));
    assert!(evaluated["accuracy"].as_f64().unwrap() > 0.9, "colours are easy: {evaluated}");
    assert_eq!(evaluated["pictures"], 30);
    let inspected = json(project.run(&["inspect", "run", "--json"]));
    assert_eq!((&inspected["channels"], &inspected["format"]), (&3.into(), &2.into()));
    let predict = ["predict", "run", "--image", "colours/red/0.png", "--picture", "seen.png", "--json"];
    let predicted = json(project.run(&predict));
    assert_eq!(predicted["class_name"], "red");
    assert_eq!(predicted["conversion"], "middle 9 rows and 9 columns, scaled to 8 and 8");
    let seen = image::open(project.path().join("seen.png")).unwrap();
    assert_eq!((seen.width(), seen.height(), seen.color().has_color()), (8, 8, true));
    json(project.run(&["report", "run", "--json"]));
    let mut show = project.command(&["show", "--index", "0", "--out", "one.png", "--json"]);
    assert_eq!(json(show.args(data).assert())["pixels"][0].as_array().unwrap().len(), 24);
    project.command(&["show"]).args(data).assert().success().stdout(contains("8 rows, 8 columns, 3 channels"));

    // Exported as IDX, it is the same data set; grey, it is another.
    let exported = json(project.command(&["data", "--export", "idx", "--json"]).args(data).assert());
    let again = json(project.run(&["data", "idx", "--json"]));
    assert_eq!((&again["train_sha256"], &again["channels"]), (&exported["train_sha256"], &3.into()));
    assert_eq!(json(project.run(&["evaluate", "run", "--data", "idx", "--json"]))["accuracy"], evaluated["accuracy"]);
    let grey = json(project.run(&["data", "idx", "--grey", "--json"]));
    assert_eq!((&grey["channels"], &grey["train_pictures"]), (&1.into(), &90.into()));
    let assert = project.run(&["evaluate", "model.bin", "--data", "idx", "--grey"]);
    failure(assert, 1, &["8 x 8 pixels", "expects 8 x 8 x 3"]);
    // The choice of test images depends on its seed alone.
    let seed = json(project.command(&["data", "--test-seed", "7", "--json"]).args(data).assert());
    assert_ne!(seed["train_sha256"], exported["train_sha256"]);
    assert_eq!(seed["test_pictures_by_class"], serde_json::json!([10, 10, 10]));
}

#[test]
fn a_teacher_takes_colours() {
    let project = Project::new();
    write_colours(&project.path().join("colours"), 8, 8);
    let data = ["--data", "colours", "--test-share", "0.25"];
    let teach = ["teach", "--epochs", "1", "--channels", "8", "--validation", "9", "--export", "teacher.safetensors"];
    project.command(&teach).args(data).assert().success();
}

#[test]
fn unsuitable_folders_of_images_are_refused_by_name() {
    let project = Project::new();
    let root = project.path().join("photos");
    write_bars(&root, 30);
    let run = |more: &[&str]| project.command(&["data", "photos"]).args(more).assert();
    let share = ["--test-share", "0.2"];
    failure(run(&[]), 2, &["photos", "no test images of its own", "add --test-share"]);
    failure(run(&["--test-share", "1"]), 2, &["above 0 and below 1"]);
    failure(run(&["--test-share", "0.001"]), 2, &["leaves a split without images"]);
    failure(run(&["--test-seed", "3"]), 2, &["--test-share"]);
    json(run(&["--test-share", "0.2", "--json"]));

    // Each case adds an entry and removes it again.
    let png = |image: DynamicImage| {
        let mut file = std::io::Cursor::new(Vec::new());
        image.write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    };
    let small = png(GrayImage::new(5, 6).into());
    let colour = png(RgbImage::new(SIDE, SIDE).into());
    let cut_off = small[..small.len() / 2].to_vec();
    let cases: [(&str, &[u8], &[&str]); 6] = [
        ("left/note.txt", b"a note", &["1 of 31 images cannot be read", "left/note.txt", "--skip-unreadable"]),
        ("middle/x.gif", b"GIF89a", &["middle/x.gif is a GIF image", "convert it"]),
        ("right/cut.png", &cut_off, &["1 of 31 images cannot be read", "right/cut.png"]),
        ("right/small.png", &small, &["right/small.png", "6 x 5 pixels, expected 6 x 6", "--image-size 6x6"]),
        ("right/colour.png", &colour, &["right/colour.png", "is in colour, expected grey", "--grey"]),
        ("stray.png", &small, &["stray.png", "expected a folder for each class"]),
    ];
    for (name, content, parts) in cases {
        let path = root.join(name);
        fs::write(&path, content).unwrap();
        failure(run(&share), 1, parts);
        fs::remove_file(path).unwrap();
    }
    fs::write(root.join("right/cut.png"), &cut_off).unwrap();
    let skipped =
        json(run(&["--test-share", "0.2", "--skip-unreadable", "--json"]).stderr(contains("left out: 1 of 31 images")));
    assert_eq!((&skipped["train_pictures"], &skipped["test_pictures"]), (&24.into(), &6.into()));
    fs::write(root.join("right/small.png"), &small).unwrap();
    fs::write(root.join("right/colour.png"), &colour).unwrap();
    json(run(&["--test-share", "0.2", "--skip-unreadable", "--image-size", "6x6", "--grey", "--json"]));
    fs::remove_file(root.join("right/small.png")).unwrap();
    fs::remove_file(root.join("right/colour.png")).unwrap();

    fs::create_dir(root.join("none")).unwrap();
    failure(run(&share), 1, &["photos/none", "the class has no images"]);
    fs::write(root.join("none/broken.png"), "broken").unwrap();
    failure(run(&["--test-share", "0.2", "--skip-unreadable"]), 1, &["no image of the class none can be read"]);
    fs::remove_file(root.join("none/broken.png")).unwrap();
    fs::create_dir(root.join("none/inner")).unwrap();
    failure(run(&share), 1, &["photos/none/inner", "found a folder in the folder of a class"]);
    fs::remove_dir_all(root.join("none")).unwrap();
    fs::create_dir(root.join("b\u{202e}d")).unwrap();
    failure(run(&share), 1, &["the class's name", "\\u{202e}"]);
    fs::remove_dir(root.join("b\u{202e}d")).unwrap();

    fs::create_dir(root.join("train")).unwrap();
    failure(run(&share), 1, &["has a folder train but no folder test"]);
    for folder in ["train", "test"] {
        write_bars(&root.join(folder), 6);
    }
    failure(run(&share), 2, &["has test images of its own", "leave out --test-share"]);
    fs::rename(root.join("test/left"), root.join("test/other")).unwrap();
    failure(run(&[]), 1, &["test has the class other, but train does not"]);
    let assert = project.run(&["data", "--data", "data", "--image-size", "3x3"]);
    failure(assert, 2, &["IDX files, to which --image-size does not apply"]);
}

#[test]
fn several_unreadable_images_are_counted_and_the_first_named() {
    let project = Project::new();
    let root = project.path().join("photos");
    write_bars(&root, 12);
    for index in 0..9 {
        fs::write(root.join(format!("left/bad-{index}.jpg")), "no image").unwrap();
    }
    let assert = project.run(&["data", "photos", "--test-share", "0.2"]);
    let named = contains("bad-").count(5).and(contains("9 of 21 images cannot be read")).and(contains("and 4 more"));
    failure(assert.stderr(named), 1, &["--skip-unreadable"]);
}
