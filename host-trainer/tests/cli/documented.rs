//! The commands of docs/data.md, on data like those they name.

use std::fs;

use image::{Rgb, RgbImage};

use crate::files::noise;
use crate::project::Project;

const PAGE: &str = include_str!("../../../docs/data.md");

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

#[test]
fn every_command_of_the_page_works() {
    let project = Project::new();
    write_photos(&project);
    write_digits(&project);
    let mut count = 0;
    for line in PAGE.lines().filter_map(|line| line.strip_prefix("$ host-trainer ")) {
        // Quotes are around the layers of a network only.
        let parts = line.split('\'').enumerate();
        let arguments = parts.flat_map(|(index, part)| match index % 2 {
            1 => vec![part],
            _ => part.split_whitespace().collect(),
        });
        project.command(&[]).args(arguments).assert().success();
        count += 1;
    }
    assert!(count >= 8, "{count}");
}
