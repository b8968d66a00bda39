//! Other engines' figures for the same work, in a committed file.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use super::architecture::Architecture;

/// Other engines' figures and their source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rivals {
    /// Method and date of the measurements.
    pub source: String,
    work: Vec<Work>,
}

/// The figures for one network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Work {
    /// Its name in rows.
    network: String,
    rival: Vec<Rival>,
}

/// Figures of one engine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rival {
    pub name: String,
    /// Code in flash, without weights.
    pub code_bytes: Option<u64>,
    pub ram: Option<String>,
    pub note: Option<String>,
    /// Instructions per image, by core.
    pub instructions: BTreeMap<String, u64>,
}

impl Rivals {
    /// Parses `rivals.toml`, which is compiled into this program.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is malformed; a test checks that it is not.
    pub fn committed() -> anyhow::Result<Self> {
        toml::from_str(include_str!("rivals.toml")).context("tests/bench/src/rivals.toml")
    }

    /// Returns the rivals that ran `network`.
    pub fn of_network(&self, network: &Architecture) -> &[Rival] {
        let name = network.to_string();
        self.work.iter().find(|work| work.network == name).map_or(&[], |work| &work.rival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_file_is_well_formed() {
        let rivals = Rivals::committed().unwrap();
        let dense = |hidden| Architecture::Dense(vec![784, hidden, 10]);
        assert!(rivals.of_network(&dense(128)).len() > 5);
        assert!(rivals.of_network(&dense(64)).is_empty());
        assert_eq!(rivals.of_network(&dense(128))[0].instructions["cortex-m4"], 202_459);
        let words = Architecture::Words("conv 8 4x4 stride 4; conv 16 3x3 stride 2; dense 10".into());
        assert_eq!(rivals.of_network(&words)[0].instructions["cortex-m55"], 45_949);
    }
}
