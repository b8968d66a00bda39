//! A short fuzz run without a fuzzer: the files of `tests/fuzz/corpus`, unchanged and with small
//! changes. It runs the code paths that `cargo xtask check fuzz` has found, and looks for no
//! others.

use std::fs;
use std::path::PathBuf;

use checks::{any_bytes, any_network, any_stream};

/// Changed copies of each file.
const CHANGES: usize = 20;

#[test]
fn blobs() {
    let verdicts: Vec<bool> = inputs("blob").iter().map(|bytes| any_bytes(bytes)).collect();
    assert!(verdicts.contains(&true) && verdicts.contains(&false), "some are models, some are not");
}

#[test]
fn networks() {
    let verdicts: Vec<bool> = inputs("network").iter().map(|bytes| any_network(bytes)).collect();
    let networks = verdicts.iter().filter(|is_network| **is_network).count();
    assert!(networks * 10 > verdicts.len() * 9, "found {networks} networks, expected nearly all {}", verdicts.len());
}

#[test]
fn streams() {
    inputs("stream").iter().for_each(|bytes| any_stream(bytes));
}

/// Returns all files of a target, each followed by changed copies.
fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus")).join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!paths.is_empty(), "{}", folder.display());
    // The same changes in every run.
    paths.sort();
    let mut random = Random(1);
    let mut all = Vec::new();
    for path in paths {
        let bytes = fs::read(path).unwrap();
        for count in 0..=CHANGES {
            let mut changed = bytes.clone();
            (0..count.min(3)).for_each(|_| random.change(&mut changed));
            all.push(changed);
        }
    }
    all
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize % end.max(1)
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let byte = [0, 1, 0x7F, 0x80, 0xFF, self.below(256) as u8][self.below(6)];
        let place = self.below(bytes.len());
        match (self.below(4), bytes.is_empty()) {
            (0, _) | (_, true) => bytes.insert(place, byte),
            (1, _) => _ = bytes.remove(place),
            _ => bytes[place] = byte,
        }
    }
}
