//! What others take for the same work, as a committed file has it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

/// Others' figures, and where they are from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rivals {
    /// How and when they were measured.
    pub source: String,
    /// The network that they ran.
    pub network: Vec<usize>,
    /// One each.
    pub rival: Vec<Rival>,
}

/// One other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rival {
    /// What it is called.
    pub name: String,
    /// Code in flash, without weights.
    pub code_bytes: Option<u64>,
    /// What it says of RAM.
    pub ram: Option<String>,
    /// What else is to be known of it.
    pub note: Option<String>,
    /// Instructions of a image, by core.
    pub instructions: BTreeMap<String, u64>,
}

impl Rivals {
    /// Those that are compiled into this program.
    ///
    /// # Errors
    ///
    /// Where the file is not as it should be, which a test tells of before.
    pub fn committed() -> anyhow::Result<Self> {
        toml::from_str(include_str!("rivals.toml")).context("tests/bench/src/rivals.toml")
    }

    /// Those that ran the same work.
    pub fn of_network(&self, network: &[usize]) -> &[Rival] {
        if self.network == network { &self.rival } else { &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_file_is_well_formed_and_about_one_network() {
        let rivals = Rivals::committed().unwrap();
        assert!(rivals.of_network(&[784, 128, 10]).len() > 5);
        assert!(rivals.of_network(&[784, 64, 10]).is_empty());
        assert_eq!(rivals.rival[0].instructions["cortex-m4"], 202_459);
    }
}
