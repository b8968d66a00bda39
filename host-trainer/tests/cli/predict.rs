//! `predict`: one image from the data set, or from a file of any size and colours.

use std::fs;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{GrayImage, ImageBuffer, ImageFormat, Luma, Rgba, RgbaImage};
use predicates::prelude::*;
use predicates::str::contains;
use prenda::AnswersHeader;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::files::{FILES, SIDE, bars, noise, write_split};
use crate::project::{Project, failure, json};

/// Returns the first test images, one of each class.
fn images() -> [GrayImage; 3] {
    let size = (SIDE * SIDE) as usize;
    [0, 1, 2].map(|class| GrayImage::from_raw(SIDE, SIDE, bars(3).0[class * size..][..size].to_vec()).unwrap())
}

/// Enlarges an image 40 times and adds a margin of grey level `around`.
fn photo(image: &GrayImage, around: u8) -> GrayImage {
    let large = imageops::resize(image, 40 * SIDE, 40 * SIDE, FilterType::Nearest);
    let mut photo = GrayImage::from_pixel(500, 300, Luma([around]));
    imageops::replace(&mut photo, &large, 200, 30);
    photo
}

/// Returns the weights of a run without the model's id, as older versions wrote them.
fn unmarked(project: &Project, run: &str) -> Vec<u8> {
    let bytes = fs::read(project.path().join(run).join("weights.safetensors")).unwrap();
    safetensors::serialize(SafeTensors::deserialize(&bytes).unwrap().tensors(), None).unwrap()
}

fn predict(project: &Project, arguments: &[&str]) -> Value {
    json(project.command(&["predict", "model.bin", "--json"]).args(arguments).assert())
}

#[test]
fn a_photo_is_classified_like_the_image_it_shows() {
    let project = Project::with_model();
    for (class, image) in images().iter().enumerate() {
        let mut inverted = image.clone();
        imageops::invert(&mut inverted);
        inverted.save(project.path().join("inverted.png")).unwrap();
        photo(&inverted, 255).save(project.path().join("photo.png")).unwrap();
        photo(&inverted, 255).save(project.path().join("photo.jpg")).unwrap();

        let own = predict(&project, &["--index", &class.to_string(), "--data", "data"]);
        assert_eq!((&own["class"], &own["conversion"]), (&class.into(), &Value::Null));
        image.save(project.path().join("exact.png")).unwrap();
        let exact = predict(&project, &["--image", "exact.png"]);
        assert_eq!((&exact["logits"], &exact["conversion"]), (&own["logits"], &"taken as it is".into()));
        let exact = predict(&project, &["--image", "inverted.png", "--polarity", "dark-on-light"]);
        assert_eq!((&exact["logits"], &exact["conversion"]), (&own["logits"], &"inverted".into()));
        for name in ["photo.png", "photo.jpg"] {
            let photo = predict(&project, &["--image", name]);
            assert_eq!((&photo["class"], &photo["polarity"]), (&class.into(), &"dark-on-light".into()), "{name}");
            let conversion = "inverted, cropped to 240 rows and 240 columns, scaled to 6 and 6, centred";
            assert_eq!(photo["conversion"], conversion, "{name}");
        }
    }
}

#[test]
fn colours_and_transparency_become_grey_on_black() {
    let project = Project::with_model();
    for (class, image) in images().iter().enumerate() {
        let grey = photo(image, 0);
        let colours = RgbaImage::from_fn(500, 300, |x, y| match grey[(x, y)].0[0] {
            0 => Rgba([255, 255, 255, 0]),
            grey => Rgba([grey, grey, grey / 2, 255]),
        });
        colours.save(project.path().join("photo.png")).unwrap();
        let arguments = ["--image", "photo.png", "--polarity", "light-on-dark", "--picture", "seen.png"];
        let seen = predict(&project, &arguments);
        assert_eq!((&seen["class"], &seen["polarity"]), (&class.into(), &"light-on-dark".into()), "{seen}");
        // The converted image is a valid input.
        assert_eq!(image::image_dimensions(project.path().join("seen.png")).unwrap(), (SIDE, SIDE));
        let again = predict(&project, &["--image", "seen.png"]);
        assert_eq!((&again["logits"], &again["conversion"]), (&seen["logits"], &"taken as it is".into()));
    }
}

#[test]
fn one_image_is_written_with_its_answers() {
    let project = Project::with_model();
    let path = |name| project.path().join(name);
    let [image, ..] = images();
    image.save(path("image.png")).unwrap();
    let found = predict(&project, &["--image", "image.png", "--answers", "one.bin", "--picture", "seen.png"]);
    assert!(path("seen.png").is_file());
    let file = fs::read(path("one.bin")).unwrap();
    let (header, mut records) = AnswersHeader::parse(&file).unwrap();
    let record = records.next().unwrap();
    assert_eq!((header.images, header.model.to_string().into()), (1, found["model_id"].clone()));
    assert_eq!((record.pixels, u64::from(record.class)), (&image.as_raw()[..], found["class"].as_u64().unwrap()));
    // An image of a file has no label.
    assert_eq!(u16::from(record.label), record.class);
    let logit = f64::from(i32::from_le_bytes(record.logits[..4].try_into().unwrap())) / 65_536.0;
    assert_eq!(found["logits"][0].as_f64(), Some(logit));
    // The same as the first record of an evaluation.
    project.run(&["predict", "model.bin", "--index", "0", "--data", "data", "--answers", "index.bin"]).success();
    project.run(&["evaluate", "model.bin", "--data", "data", "--first", "1", "--answers", "all.bin"]).success();
    assert_eq!(fs::read(path("index.bin")).unwrap(), fs::read(path("all.bin")).unwrap());

    let refused = |options: &[&str], parts: &[&str]| {
        let assert = project.command(&["predict", "model.bin", "--image", "image.png"]).args(options).assert();
        failure(assert, 2, parts);
    };
    refused(&["--answers", "image.png"], &["--answers image.png would overwrite image.png"]);
    refused(&["--answers", "model.bin"], &["--answers model.bin would overwrite model.bin"]);
    refused(&["--answers", "new.png", "--picture", "new.png"], &["--answers new.png would overwrite new.png"]);
}

/// The fixture that devices are asked about.
#[test]
fn the_committed_answer_is_that_of_the_committed_model() {
    let project = Project::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = project.command(&["predict", "--answers", "photo.bin", "--image"]);
    command.arg(root.join("docs/trousers.jpg")).arg(root.join("tests/fixtures/model.bin")).assert().success();
    let committed = fs::read(root.join("tests/fixtures/photo-answers.bin")).unwrap();
    assert_eq!(fs::read(project.path().join("photo.bin")).unwrap(), committed);
}

#[test]
fn a_model_in_its_run_is_compared_with_the_float_network() {
    let project = Project::new();
    project.train(&["--run", "run", "--export", "model.bin"]).success();
    let index = ["--index", "1", "--data", "data"];
    let run = json(project.command(&["predict", "run", "--json"]).args(index).assert());
    let shares =
        |key: &str| -> Vec<f64> { run[key].as_array().unwrap().iter().map(|share| share.as_f64().unwrap()).collect() };
    let (fixed, float) = (shares("probabilities"), shares("probabilities_float"));
    assert!((float.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(fixed.iter().zip(&float).all(|(fixed, float)| (fixed - float).abs() < 0.1), "{fixed:?} {float:?}");
    assert!(fixed != float);
    let text = project.command(&["predict", "run/model.bin"]).args(index).assert().success();
    text.stdout(contains("float").and(contains("1 (label)")).and(contains("1: correct")).and(contains("\u{2588}")));

    let alone = predict(&project, &index);
    assert_eq!((&alone["logits"], &alone["probabilities_float"]), (&run["logits"], &Value::Null));
    let text = project.command(&["predict", "model.bin"]).args(index).assert().success();
    text.stdout(contains("no float network").and(contains("model.bin is not in the folder of its run")));

    let weights = project.path().join("run/weights.safetensors");
    project.train(&["--hidden", "4", "--run", "other"]).success();
    fs::write(&weights, unmarked(&project, "other")).unwrap();
    let reports = |part: &str| {
        let text = project.command(&["predict", "run"]).args(index).assert().success();
        text.stdout(contains("no float network").and(contains(part)).and(contains("fixed point")));
    };
    reports("has layers of 36-4, 4-3 neurons, expected 36-8, 8-3");
    fs::write(&weights, "x").unwrap();
    reports("weights.safetensors is damaged");
    fs::remove_file(&weights).unwrap();
    reports("weights.safetensors is missing");
    fs::write(project.path().join("run/result.json"), "{}").unwrap();
    reports("result.json is damaged, or from another version");
}

#[test]
fn weights_of_another_run_are_refused() {
    let project = Project::new();
    project.train(&["--run", "run"]).success();
    project.train(&["--run", "other", "--seed", "2"]).success();
    let weights = project.path().join("run/weights.safetensors");
    let whole = fs::read(&weights).unwrap();
    fs::copy(project.path().join("other/weights.safetensors"), &weights).unwrap();
    let parts = ["run/weights.safetensors is damaged", "it belongs to model", "result.json names model", "train again"];
    let predict = ["predict", "run", "--index", "1", "--data", "data", "--json"];
    let predicted = json(project.run(&predict));
    assert!(parts.iter().all(|part| predicted["float_missing"].as_str().unwrap().contains(part)), "{predicted}");
    let from = ["train", "--data", "data", "--from", "run", "--run", "new"];
    failure(project.run(&from), 1, &parts);
    let missing = json(project.run(&["report", "run", "--json"]))["missing"].clone();
    assert!(missing[0]["problem"].as_str().unwrap().contains("it belongs to model"), "{missing}");
    // Older versions did not store the model's id.
    fs::write(&weights, whole).unwrap();
    fs::write(&weights, unmarked(&project, "run")).unwrap();
    assert!(json(project.run(&predict))["probabilities_float"].is_array());
    project.run(&from).success();
}

#[test]
fn empty_images_and_other_files_are_refused() {
    let project = Project::with_model();
    let path = |name| project.path().join(name);
    GrayImage::new(28, 28).save(path("black.png")).unwrap();
    GrayImage::from_pixel(SIDE, SIDE, Luma([200])).save(path("grey.png")).unwrap();
    GrayImage::new(20_000, 1).save_with_format(path("wide.jpg"), ImageFormat::Png).unwrap();
    photo(&images()[0], 0).save(path("light.png")).unwrap();
    fs::write(path("text.png"), "text").unwrap();
    let image = |name| project.run(&["predict", "model.bin", "--image", name]);
    failure(image("black.png"), 1, &["black.png shows nothing", "no pixel is clearly lighter or darker"]);
    failure(image("grey.png"), 1, &["grey.png shows nothing"]);
    failure(image("wide.jpg"), 1, &["wide.jpg is too large", "16384 pixels a side"]);
    failure(image("text.png"), 1, &["text.png", "PNG, JPEG, BMP or WebP"]);
    for (start, name) in [(&b"\0\0\0\x18ftypheic"[..], "a HEIC image"), (b"GIF89a", "a GIF image")] {
        fs::write(path("phone.jpg"), start).unwrap();
        failure(image("phone.jpg"), 1, &["phone.jpg is", name, "convert it", "PNG, JPEG, BMP or WebP"]);
    }
    failure(image("absent.png"), 1, &["cannot read image absent.png"]);
    let polarity = |name| project.command(&["predict", "model.bin", "--polarity", name]);
    let assert = polarity("dark-on-light").args(["--image", "light.png"]).assert();
    failure(assert, 1, &["light.png shows nothing", "clearly darker", "--polarity auto"]);
    failure(polarity("bright").args(["--image", "light.png"]).assert(), 2, &["--polarity", "dark-on-light"]);
    failure(polarity("auto").args(["--index", "1"]).assert(), 2, &["cannot be used with", "--index"]);
}

#[test]
fn arguments_of_predict_are_checked() {
    let project = Project::with_model();
    images()[0].save(project.path().join("image.png")).unwrap();
    let assert = project.run(&["predict", "model.bin", "--index", "60", "--data", "data"]);
    failure(assert, 2, &["--index is 60", "0..=59", "60 test images"]);
    failure(project.run(&["predict", "model.bin", "--index", "-1"]), 2, &["-1"]);
    failure(project.run(&["predict", "model.bin", "--index", "first"]), 2, &["expected a whole number, 0 or more"]);
    failure(project.run(&["predict", "model.bin"]), 2, &["--index", "--image"]);
    failure(project.run(&["predict", "model.bin", "--index", "1", "--image", "x.png"]), 2, &["cannot be used with"]);
    failure(project.run(&["predict", "data", "--index", "1"]), 1, &["cannot read model data", "model.bin"]);
    let write = |name| project.run(&["predict", "model.bin", "--image", "image.png", "--picture", name]);
    failure(write("image.png"), 2, &["--picture image.png would overwrite image.png"]);
    failure(write("model.bin"), 2, &["--picture model.bin", ".png"]);
    failure(write("absent/seen.png"), 1, &["absent", "does not exist"]);
}

/// Draws digits of bars, 20 of 28 rows high like MNIST's, at slightly different places.
fn digits(count: u32) -> (Vec<u8>, Vec<u8>) {
    let mut noise = noise(7);
    let mut pixels = Vec::new();
    let labels: Vec<u8> = (0..count).map(|index| (index % 4) as u8).collect();
    for label in &labels {
        let (top, left, ink) = (3 + (noise() >> 30), 7 + (noise() >> 30), 190 + (noise() >> 26));
        // A bar at the left, at the right, both, or at the top.
        let is_ink = |row: u32, column: u32| match label {
            0 => column < 3,
            1 => column >= 9,
            2 => !(3..9).contains(&column),
            _ => row < 3,
        };
        pixels.extend((0..28 * 28).map(|index| {
            let (row, column) = ((index / 28_u32).wrapping_sub(top), (index % 28).wrapping_sub(left));
            if row < 20 && column < 12 && is_ink(row, column) { ink as u8 } else { 0 }
        }));
    }
    (pixels, labels)
}

#[test]
fn a_photo_is_framed_like_the_training_images_of_the_run() {
    let project = Project::new();
    let folder = project.path().join("digits");
    for (count, names) in [(400, &FILES[..2]), (40, &FILES[2..])] {
        let (pixels, labels) = digits(count);
        write_split(&folder, names, [28, 28], &pixels, &labels);
    }
    let options = ["train", "--data", "digits", "--hidden", "16", "--epochs", "10", "--run", "run"];
    project.run(&options).success();
    let (pixels, labels) = digits(40);
    let path = |name| project.path().join(name);
    let mut right = 0;
    for (image, label) in pixels.chunks(28 * 28).zip(&labels) {
        // On a page, enlarged; without a word on the data set, which the run knows.
        let mut page =
            imageops::resize(&GrayImage::from_raw(28, 28, image.to_vec()).unwrap(), 224, 224, FilterType::Nearest);
        imageops::invert(&mut page);
        page.save(path("page.png")).unwrap();
        let found = json(project.run(&["predict", "run", "--image", "page.png", "--json"]));
        right += usize::from(found["class"] == *label);
        assert_eq!((&found["polarity"], &found["doubt"]), (&"dark-on-light".into(), &Value::Null), "{found}");
    }
    assert!(right >= 38, "{right} of 40");
    // A model that left its run needs the data set's name.
    fs::copy(path("run/model.bin"), path("model.bin")).unwrap();
    let image = ["predict", "model.bin", "--image", "page.png"];
    project.run(&image).success().stderr(contains("no run records the form").and(contains("--data")));
    let named = project.command(&image).args(["--data", "digits", "--json"]).assert().stderr(contains("warning").not());
    assert!(json(named)["conversion"].as_str().unwrap().contains("framed like the training images"));
}

#[test]
fn doubts_about_an_image_are_reported() {
    let project = Project::with_model();
    let path = |name| project.path().join(name);
    // 12 bits of content in 16.
    let deep = images()[1].pixels().map(|pixel| u16::from(pixel.0[0]) * 16).collect();
    ImageBuffer::<Luma<u16>, Vec<u16>>::from_raw(SIDE, SIDE, deep).unwrap().save(path("deep.png")).unwrap();
    let assert = project.run(&["predict", "model.bin", "--image", "deep.png", "--json"]);
    let found = json(assert.stderr(contains("warning: deep.png: its values use only a part of their 16 bits")));
    assert_eq!((&found["class"], &found["conversion"]), (&1.into(), &"read as 12 of 16 bits, taken as it is".into()));
    // Half of the page is on a dark table.
    let mut page = photo(&images()[1], 250);
    page.enumerate_pixels_mut().filter(|(x, y, _)| *x > 380 && *y > 60).for_each(|(.., pixel)| *pixel = Luma([30]));
    page.save(path("table.png")).unwrap();
    let assert = project.run(&["predict", "model.bin", "--image", "table.png", "--json"]);
    let found = json(assert.stderr(contains("no uniform background").and(contains("--picture"))));
    assert!(found["doubt"].is_string());
}
