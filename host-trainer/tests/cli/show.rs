//! `show`: samples, single images and statistics.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;

use crate::files::{FILES, SIDE, bars, names, write_split};
use crate::project::{Project, failure, json};

#[test]
fn all_classes_are_shown_and_counted() {
    let project = Project::new();
    let shown = json(project.run(&["show", "--data", "data", "--json"]));
    assert_eq!((&shown["rows"], &shown["file"]), (&SIDE.into(), &"samples.svg".into()));
    assert_eq!(shown["classes"][2], serde_json::json!({"name": "2", "train": 80, "test": 20}));
    let pixels = bars(240).0;
    let zeros = pixels.iter().filter(|pixel| **pixel == 0).count() as f64 / pixels.len() as f64;
    let mean = pixels.iter().map(|&pixel| f64::from(pixel) / 255.0).sum::<f64>() / pixels.len() as f64;
    let close = |key: &str, expected: f64| (shown["train"][key].as_f64().unwrap() - expected).abs() < 1e-12;
    assert!(close("zero_share", zeros) && close("mean", mean), "{shown}");
    assert_eq!((&shown["train"]["least"], &shown["train"]["largest"]), (&0.into(), &213.into()));

    let svg = fs::read_to_string(project.path().join("samples.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<image ").count(), 3);
    let text = project.run(&["show", "--data", "data", "--out", "other.svg"]).success();
    text.stdout(contains("standard deviation").and(contains("\u{2588}")).and(contains("other.svg")));
    assert_eq!(names(project.path()), ["data", "other.svg", "samples.svg"]);
}

#[test]
fn one_image_is_shown_with_its_raw_values() {
    let project = Project::new();
    let (pixels, _) = bars(60);
    let own = &pixels[(4 * SIDE * SIDE) as usize..(5 * SIDE * SIDE) as usize];
    let shown = json(project.run(&["show", "--data", "data", "--index", "4", "--split", "test", "--json"]));
    assert_eq!((&shown["split"], &shown["label"], &shown["label_name"]), (&"test".into(), &1.into(), &"1".into()));
    let rows: Vec<Vec<u8>> = serde_json::from_value(shown["pixels"].clone()).unwrap();
    assert_eq!((rows.len(), rows.concat().as_slice()), (SIDE as usize, own));
    let file = image::open(project.path().join("test-4.png")).unwrap().into_luma8();
    assert_eq!(file.dimensions(), (46 * SIDE, 46 * SIDE));
    assert!((0..SIDE * SIDE).all(|at| file[(at % SIDE * 46 + 45, at / SIDE * 46)].0[0] == own[at as usize]));

    let line: Vec<String> = own[..SIDE as usize].iter().map(|pixel| format!("{pixel:>3}")).collect();
    let text = project.command(&["show", "--data", "data", "--index", "4", "--split", "test"]).assert().success();
    text.stdout(contains(line.join(" ") + "\n").and(contains("test image 4")).and(contains("##")));
    let text =
        project.command(&["show", "--data", "data", "--index", "0"]).env("CLICOLOR_FORCE", "1").assert().success();
    text.stdout(contains("training image 0").and(contains("\u{2580}")).and(contains("train-0.png")));
    // NO_COLOR wins, unless it is empty.
    for (value, is_plain) in [("1", true), ("", false)] {
        let mut show = project.command(&["show", "--data", "data", "--index", "0"]);
        let text = show.env("CLICOLOR_FORCE", "1").env("NO_COLOR", value).assert().success();
        let text = String::from_utf8(text.get_output().stdout.clone()).unwrap();
        assert_eq!(text.contains('\u{1b}'), !is_plain, "{value:?}");
    }
}

#[test]
fn a_data_set_of_other_shape_is_shown() {
    let project = Project::new();
    let data = project.path().join("data");
    // Five images of four classes; the test split has no image of class 3.
    for (labels, names) in [(vec![0, 1, 2, 3, 0], &FILES[..2]), (vec![0, 1], &FILES[2..])] {
        write_split(&data, names, [2, 50], &vec![9; labels.len() * 100], &labels);
    }
    let shown = json(project.run(&["show", "--data", "data", "--json"]));
    assert_eq!(shown["classes"][3], serde_json::json!({"name": "3", "train": 1, "test": 0}));
    let text = project.run(&["show", "--data", "data", "--index", "1"]).success();
    let text = String::from_utf8(text.get_output().stdout.clone()).unwrap();
    assert!(text.contains(&("columns 17 to 33\n".to_owned() + &"  9 ".repeat(16) + "  9\n")), "{text}");
    let mut pixels = text.lines().filter(|line| line.starts_with("  9"));
    assert!(pixels.all(|line| line.len() <= 80), "{text}");
    let file = image::image_dimensions(project.path().join("train-1.png")).unwrap();
    assert_eq!(file, (250, 10));
}

#[test]
fn arguments_of_show_are_checked() {
    let project = Project::new();
    let show = |arguments: &[&str]| project.command(&["show", "--data", "data"]).args(arguments).assert();
    failure(show(&["--index", "240"]), 2, &["--index is 240, expected 0..=239", "240 training images"]);
    failure(show(&["--index", "60", "--split", "test"]), 2, &["--index is 60, expected 0..=59", "60 test images"]);
    failure(show(&["--split", "test"]), 2, &["--index"]);
    failure(show(&["--out", "samples.png"]), 2, &["--out samples.png", ".svg"]);
    failure(show(&["--index", "0", "--out", "image"]), 2, &["--out image", ".png"]);
    failure(show(&["--out", "absent/samples.svg"]), 1, &["folder absent does not exist"]);
    assert_eq!(names(project.path()), ["data"]);
}
