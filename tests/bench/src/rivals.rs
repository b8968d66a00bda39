//! Other engines' figures for the same work, in a committed file.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

/// Other engines' figures and their source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rivals {
    /// Method and date of the measurements.
    pub source: String,
    /// Widths of the network that they ran.
    pub network: Vec<usize>,
    pub rival: Vec<Rival>,
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
    pub fn of_network(&self, network: &[usize]) -> &[Rival] {
        if self.network == network { &self.rival } else { &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_file_is_well_formed() {
        let rivals = Rivals::committed().unwrap();
        assert!(rivals.of_network(&[784, 128, 10]).len() > 5);
        assert!(rivals.of_network(&[784, 64, 10]).is_empty());
        assert_eq!(rivals.rival[0].instructions["cortex-m4"], 202_459);
    }
}
