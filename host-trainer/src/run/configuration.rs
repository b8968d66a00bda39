//! `config.json`: settings, data and versions of a run.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};

use serde::{Deserialize, Serialize};

use super::folder::Record;
use crate::data::{Dataset, hex};
use crate::train::TrainConfig;

/// Dependencies that affect the results, whose versions are recorded.
const RECORDED: [&str; 6] = ["burn", "burn-autodiff", "burn-flex", "burn-ndarray", "gemm", "postcard"];

/// Dependencies recorded only if the build has their feature; the lock file always lists them.
const OPTIONAL: [(&str, bool); 2] = [("burn-cuda", cfg!(feature = "cuda")), ("burn-wgpu", cfg!(feature = "wgpu"))];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    pub train: TrainConfig,
    /// Training images held out, from the end.
    pub validation: usize,
    pub rows: u16,
    pub columns: u16,
    pub classes: Vec<String>,
    /// SHA-256 of the training images and labels.
    pub data_sha256: String,
    /// SHA-256 of the test images and labels.
    pub test_sha256: String,
    /// Name and version of everything that affects the results.
    pub versions: BTreeMap<String, String>,
}

impl Configuration {
    /// Returns the configuration of a run with this program.
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

    /// Returns true if the run was trained and tested on `data`.
    pub fn uses(&self, data: &Dataset) -> bool {
        (self.data_sha256.as_str(), self.test_sha256.as_str()) == (&hex(&data.train_hash), &hex(&data.test_hash))
    }
}

impl Record for Configuration {
    fn outside(&self) -> Option<&'static str> {
        self.train.outside()
    }
}

/// Returns name and version of this program, the compiler, the system and [`RECORDED`].
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
        // If two versions of a dependency are linked, both are recorded.
        versions.entry(name.to_owned()).and_modify(|all| *all += &format!(", {version}")).or_insert(version);
    }
    versions
}

/// Constants written by `build.rs`.
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
