//! The commands of docs/data.md and docs/import.md, on files like those they name, and the logits
//! of docs/story.svg.

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};
use prenda::AnswersHeader;

use crate::files::noise;
use crate::graph::{FIXTURES, prepare, write_check};
use crate::project::Project;

const DATA: &str = include_str!("../../../docs/data.md");
const NETWORKS: &str = include_str!("../../../docs/import.md");

/// Writes 40 photos of each of three colours, as PNG files of 24 by 32 pixels.
fn write_photos(project: &Project) {
    let mut noise = noise(3);
    for (class, name) in ["red", "green", "blue"].into_iter().enumerate() {
        let folder = project.path().join("photos").join(name);
        fs::create_dir_all(&folder).unwrap();
        for index in 0..40 {
            let image = RgbImage::from_fn(32, 24, |_, _| {
                let mut pixel = [(); 3].map(|()| (noise() >> 26) as u8 + 20);
                pixel[class] += 120;
                Rgb(pixel)
            });
            image.save(folder.join(format!("{index}.png"))).unwrap();
        }
    }
}

/// Writes 200 images of 8 by 8 pixels, whose brightest row is their class, with the label last.
fn write_digits(project: &Project) {
    let mut noise = noise(5);
    let mut text = String::new();
    for label in (0..8).cycle().take(200) {
        for pixel in 0..64 {
            text += &format!("{},", (noise() >> 28) + if pixel / 8 == label { 150 } else { 0 });
        }
        text += &format!("{label}\n");
    }
    fs::write(project.path().join("digits.csv"), text).unwrap();
}

/// Copies the table of the example `iris` to the place that the page names.
fn write_iris(project: &Project) {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/iris/iris.csv");
    let folder = project.path().join("examples/iris");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(table, folder.join("iris.csv")).unwrap();
}

/// Runs the commands of `page` that `is_run` chooses with `more` arguments, and returns how many.
/// Runs that `parity` takes have to exist.
fn run_commands(project: &Project, page: &str, more: &[&str], is_run: impl Fn(&str) -> bool) -> usize {
    let mut count = 0;
    for line in page.lines().filter_map(|line| line.strip_prefix("$ ")).filter(|line| is_run(line)) {
        if let Some(run) = line.strip_prefix("cargo xtask parity --model ") {
            for file in ["model.bin", "config.json", "evaluation.json"] {
                assert!(project.path().join(run).join(file).is_file(), "{line}: {file}");
            }
            continue;
        }
        let arguments = line.strip_prefix("host-trainer ").unwrap_or_else(|| panic!("{line} is not tested"));
        // Quotes are around the layers of a network only.
        let parts = arguments.split('\'').enumerate();
        let arguments = parts.flat_map(|(index, part)| match index % 2 {
            1 => vec![part],
            _ => part.split_whitespace().collect(),
        });
        project.command(&[]).args(arguments).args(more).assert().success();
        count += 1;
    }
    count
}

#[test]
fn every_command_for_data_works() {
    let project = Project::new();
    write_photos(&project);
    write_digits(&project);
    write_iris(&project);
    let count = run_commands(&project, DATA, &[], |_| true);
    assert!(count >= 11, "{count}");
}

/// `tests/fixtures/import/page` has what the scripts of the page write for the fixtures' images, as
/// FOLDER.
#[test]
fn every_command_for_networks_works() {
    for (file, fixture, network, is_page) in [
        ("pytorch.pt", "page/pytorch.pt", "dense", true),
        ("network.keras", "page/network.keras", "dense", true),
        ("network.onnx", "tf2onnx.onnx", "convolutions", false),
        ("network.tflite", "convolutions-int8.tflite", "convolutions", false),
    ] {
        let project = Project::new();
        prepare(&project, "tf2onnx.onnx", "keras_files.json", network);
        let fixtures = Path::new(FIXTURES);
        fs::copy(fixtures.join(fixture), project.path().join(file)).unwrap();
        if is_page {
            let check = fixtures.join(fixture).with_extension("npz");
            fs::copy(check, project.path().join("check.npz")).unwrap();
        } else {
            write_check(&project, "keras_files.json", network, &[12, 11, 1]);
        }
        let stem = file.split_once('.').map_or("", |(stem, end)| if stem == "network" { end } else { stem });
        let run = format!(" runs/{stem}");
        let data = ["--data", "images"];
        assert_eq!(run_commands(&project, NETWORKS, &data, |line| line.ends_with(&run)), 1, "{file}");
    }
    // Nothing else is on the page but an example of names, and the scripts.
    let others = NETWORKS.lines().filter(|line| line.starts_with("$ ") && !line.contains(" runs/"));
    let others: Vec<&str> = others.filter(|line| !line.contains("pip install")).collect();
    assert_eq!(others.len(), 3, "{others:?}");
    assert!(others[0].ends_with("train_pytorch.py") && others[1].ends_with("train_keras.py"), "{others:?}");
    assert!(others[2].contains(" weights.safetensors --export model.bin --layer "), "{others:?}");
}

/// Both columns of the drawing are the fixture's first answer, with its class in bold.
#[test]
fn the_logits_of_the_story_are_those_of_the_fixture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let story = fs::read_to_string(root.join("docs/story.svg")).unwrap();
    let file = fs::read(root.join("tests/fixtures/answers.bin")).unwrap();
    let record = AnswersHeader::parse(&file).unwrap().1.next().unwrap();
    let logits = record.logits.as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes));
    for (class, logit) in logits.enumerate() {
        let style = if class == usize::from(record.class) { "number best" } else { "number" };
        let cells = story.split("<text ").filter(|cell| cell.contains(&format!(">{logit}</text>")));
        let cells = cells.filter(|cell| cell.starts_with(&format!("class=\"{style}\"")));
        assert_eq!(cells.count(), 2, "{logit}");
    }
}
