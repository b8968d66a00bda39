//! A small generated data set, and the program itself.

use std::fs;
use std::io::Write;
use std::path::Path;

use assert_cmd::Command;
use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

/// Names of a data set's files, without `.gz`: training images and labels, test images and labels.
pub const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Rows and columns of an image.
pub const SIDE: u32 = 6;

/// Returns the program, run in `folder`, without a default data set.
pub fn host_trainer(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("host-trainer").expect("the program is built");
    command.current_dir(folder).env("FASHION_MNIST_DIR", folder.join("no-data-here"));
    command
}

/// Builds an IDX file with dimensions `sizes` and one byte per item.
pub fn idx(sizes: &[u32], items: &[u8]) -> Vec<u8> {
    let magic = 0x0800 + sizes.len() as u32;
    let header = [magic].into_iter().chain(sizes.iter().copied()).flat_map(|word| word.to_be_bytes());
    header.chain(items.iter().copied()).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// Writes the right checksum into a model.
pub fn write_checksum(bytes: &mut [u8]) {
    let (fields, checksum) = bytes.split_last_chunk_mut::<4>().expect("a checksum");
    let mut crc = Crc::new();
    crc.update(fields);
    *checksum = crc.sum().to_le_bytes();
}

/// Returns a generator of pseudorandom numbers; their upper bits are the better ones.
pub fn noise(seed: u32) -> impl FnMut() -> u32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    }
}

/// Builds images of three classes, a bright bar at the left, middle or right in noise, and labels.
pub fn bars(count: u32) -> (Vec<u8>, Vec<u8>) {
    let mut noise = noise(12345);
    let mut pixels = Vec::new();
    let labels: Vec<u8> = (0..count).map(|index| (index % 3) as u8).collect();
    for label in &labels {
        for position in 0..SIDE * SIDE {
            let is_bar = position % SIDE / 2 == u32::from(*label);
            pixels.push((noise() >> 26) as u8 + if is_bar { 150 } else { 0 });
        }
    }
    (pixels, labels)
}

/// Writes images of `rows` by `columns` pixels and their labels, gzipped, to two files in `folder`.
pub fn write_split(folder: &Path, names: &[&str], [rows, columns]: [u32; 2], pixels: &[u8], labels: &[u8]) {
    let count = labels.len() as u32;
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join(names[0]), idx(&[count, rows, columns], pixels)).expect("a file");
    fs::write(folder.join(format!("{}.gz", names[1])), gzip(&idx(&[count], labels))).expect("a file");
}

/// Writes a data set of bars to `folder`: 240 training images, 60 test images.
pub fn write_data(folder: &Path) {
    for (count, names) in [(240, &FILES[..2]), (60, &FILES[2..])] {
        let (pixels, labels) = bars(count);
        write_split(folder, names, [SIDE; 2], &pixels, &labels);
    }
}

/// Writes a data set of `rows` by `columns` images to `folder`: `count` training images, their
/// `classes` in turn, and one test image of each class. The class is the index of the bright pixel.
pub fn write_dots(folder: &Path, rows: u32, columns: u32, classes: u32, count: u32) {
    for (count, names) in [(count, &FILES[..2]), (classes, &FILES[2..])] {
        let mut noise = noise(54321);
        let labels: Vec<u8> = (0..count).map(|index| (index % classes) as u8).collect();
        let mut pixels = Vec::new();
        for label in &labels {
            for position in 0..rows * columns {
                let dark = (noise() >> 27) as u8;
                pixels.push(if position == u32::from(*label) { 255 } else { dark });
            }
        }
        write_split(folder, names, [rows, columns], &pixels, &labels);
    }
}

/// Returns the names of the entries of `folder`, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}
