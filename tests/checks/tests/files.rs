//! Files of data and of networks from the fuzzer's corpus, also damaged: each is read, or refused
//! with a reason.

use std::fs;
use std::path::Path;

use networks::{keras, onnx, pytorch, tflite};
use proptest::prelude::*;
use proptest::sample::Index;
use readers::{cifar, npz, table};

/// A reader's name, the number of prefixes of each file that it reads, and its check.
type Reader = (&'static str, usize, fn(&[u8]));

/// The readers of networks are slower.
const READERS: [Reader; 7] = [
    ("cifar", 500, cifar::check),
    ("csv", 500, table::check),
    ("npz", 500, npz::check),
    ("keras", 100, keras::check),
    ("onnx", 100, onnx::check),
    ("pytorch", 100, check_pytorch),
    ("tflite", 100, tflite::check),
];

fn check_pytorch(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    pytorch::check(file.path());
}

/// Returns the files of a reader's corpus.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

#[test]
fn the_corpus_is_read_or_refused() {
    for (name, _, check) in READERS {
        corpus(name).iter().for_each(|file| check(file));
    }
}

#[test]
fn every_prefix_is_read_or_refused() {
    for (name, prefixes, check) in READERS {
        for file in corpus(name) {
            (0..file.len()).step_by(file.len().div_ceil(prefixes)).for_each(|length| check(&file[..length]));
        }
    }
}

proptest! {
    #[test]
    fn damaged_copies_are_read_or_refused(
        file in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        for (name, _, check) in READERS {
            let files = corpus(name);
            let mut bytes = files[file.index(files.len())].clone();
            for (place, value) in &changes {
                let place = place.index(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = *value;
                }
            }
            check(&bytes);
        }
    }
}
