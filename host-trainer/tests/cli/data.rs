//! Data sets: what is found, and which files are refused.

use std::fs;

use predicates::str::contains;

use crate::desk::{Desk, failure, json};
use crate::files::{FILES, SIDE, bars, gzip, idx};

#[test]
fn a_data_set_that_was_named_is_checked_and_described() {
    let desk = Desk::new();
    let found = json(desk.run(&["data", "--data", "data", "--json"]));
    assert_eq!(
        (&found["fashion_mnist"], &found["origin"], &found["rows"]),
        (&false.into(), &"given".into(), &SIDE.into())
    );
    desk.run(&["data", "--data", "data"]).success().stdout(contains("not Fashion-MNIST, but consistent"));
    // Anywhere else it has to be Fashion-MNIST.
    let data = desk.path().join("data");
    let assert = desk.command(&["data"]).env("FASHION_MNIST_DIR", &data).assert();
    failure(assert, 1, &["train-images-idx3-ubyte", "is not Fashion-MNIST's", "SHA-256", "--data"]);
    failure(desk.run(&["data"]), 1, &["no-data-here", "named by FASHION_MNIST_DIR"]);
    failure(
        desk.run(&["data", "--data", "elsewhere"]),
        1,
        &["elsewhere", "named by --data", "train-images-idx3-ubyte"],
    );
}

#[test]
fn data_files_that_are_wrong_are_named() {
    let (pixels, labels) = bars(240);
    let pictures = idx(&[240, SIDE, SIDE], &pixels);
    let zipped = gzip(&pictures);
    let mut damaged = zipped.clone();
    damaged[zipped.len() / 2] ^= 0xff;
    let mut gap = labels.clone();
    gap[17] = 9;
    let cases: [(&str, Vec<u8>, &[&str]); 11] = [
        (FILES[0], Vec::new(), &["train-images", "cut off", "0 bytes"]),
        (FILES[0], pictures[..1000].to_vec(), &["train-images", "cut off", "1000 bytes of the 8656"]),
        (FILES[0], [&pictures[..], &[0]].concat(), &["train-images", "bytes behind"]),
        (FILES[0], zipped[..500].to_vec(), &["train-images", "cut off"]),
        (FILES[0], damaged, &["train-images", "damaged"]),
        (FILES[0], idx(&[240], &labels), &["train-images", "mixed up"]),
        (FILES[0], idx(&[u32::MAX, 28, 28], &[]), &["train-images", "number of pictures"]),
        (
            FILES[0],
            idx(&[240, SIDE, SIDE + 1], &[0; 240 * 42]),
            &["training pictures of 6 x 7", "test pictures of 6 x 6"],
        ),
        (FILES[0], b"<html>404</html>".to_vec(), &["train-images", "does not begin like"]),
        (FILES[2], idx(&[59, SIDE, SIDE], &bars(59).0), &["59 pictures but 60 labels", "test split"]),
        (FILES[1], idx(&[240], &gap), &["go up to 9", "no picture has label 3"]),
    ];
    for (name, content, parts) in cases {
        let desk = Desk::new();
        let data = desk.path().join("data");
        let _ = fs::remove_file(data.join(format!("{name}.gz")));
        fs::write(data.join(name), content).unwrap();
        failure(desk.train(&["--export", "model.bin"]), 1, parts);
        assert!(!desk.model().exists());
    }
}
