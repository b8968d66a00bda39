//! `config.json`: what was asked for, on which data, with which versions.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};

use serde::{Deserialize, Serialize};

use super::folder::Record;
use crate::data::{Dataset, hex};
use crate::train::TrainConfig;

/// The dependencies whose versions are recorded: what computes, and what writes the model.
const RECORDED: [&str; 6] = ["burn", "burn-autodiff", "burn-flex", "burn-ndarray", "gemm", "postcard"];

/// Those that compute only in builds which have them; the lock file lists them in any case.
const OPTIONAL: [(&str, bool); 2] = [("burn-cuda", cfg!(feature = "cuda")), ("burn-wgpu", cfg!(feature = "wgpu"))];

/// What was asked for, on which data, with which versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// How to train.
    pub train: TrainConfig,
    /// Training images, the last ones, that were held out of training.
    pub validation: usize,
    /// Rows of a image.
    pub rows: u16,
    /// Columns of a image.
    pub columns: u16,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// SHA-256 of the training images and labels.
    pub data_sha256: String,
    /// SHA-256 of the test images and labels.
    pub test_sha256: String,
    /// Name and version of everything that has a part in the result.
    pub versions: BTreeMap<String, String>,
}

impl Configuration {
    /// The configuration of a run with this program.
    pub fn new(train: &TrainConfig, validation: usize, data: &Dataset) -> Self {
        Self {
            train: train.clone(),
            validation,
            rows: data.rows,
            columns: data.columns,
            classes: data.class_names.clone(),
            data_sha256: hex(&data.train_hash),
            test_sha256: hex(&data.test_hash),
            versions: versions(),
        }
    }

    /// Whether the run was trained and tested on just `data`.
    pub fn is_of(&self, data: &Dataset) -> bool {
        (self.data_sha256.as_str(), self.test_sha256.as_str()) == (&hex(&data.train_hash), &hex(&data.test_hash))
    }
}

impl Record for Configuration {
    fn outside(&self) -> Option<&'static str> {
        self.train.outside()
    }
}

/// Name and version of this program, the compiler, the system and the dependencies that compute.
pub fn versions() -> BTreeMap<String, String> {
    let is_recorded = |name: &str| RECORDED.contains(&name) || OPTIONAL.contains(&(name, true));
    let dependencies = built_information::DEPENDENCIES.iter().filter(|(name, _)| is_recorded(name));
    let own = [
        ("prenda", built_information::PKG_VERSION.to_owned()),
        ("rustc", built_information::RUSTC_VERSION.trim_start_matches("rustc ").to_owned()),
        ("system", format!("{OS} {ARCH}")),
    ];
    let all = dependencies.map(|(name, version)| (*name, (*version).to_owned())).chain(own);
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for (name, version) in all {
        // Two versions of one dependency are both said.
        versions.entry(name.to_owned()).and_modify(|all| *all += &format!(", {version}")).or_insert(version);
    }
    versions
}

/// Written by `build.rs`.
mod built_information {
    include!(concat!(env!("OUT_DIR"), "/built.rs"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known() {
        let versions = versions();
        for name in ["prenda", "rustc", "burn", "burn-flex", "burn-ndarray", "postcard"] {
            assert!(versions[name].starts_with(|first: char| first.is_ascii_digit()), "{name}: {versions:?}");
        }
        assert_eq!(versions.contains_key("burn-wgpu"), cfg!(feature = "wgpu"));
    }
}
