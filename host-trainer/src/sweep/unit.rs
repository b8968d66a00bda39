//! The work of one job: a network with a seed, and its share of a list.

use std::str::FromStr;

use super::list::ListedNetwork;
use crate::data::HeldOut;

/// A network with a seed. Rows derived from the network are trained with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit<'a> {
    pub network: &'a ListedNetwork,
    pub seed: u64,
}

/// One of several jobs that share the work, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Unit<'_> {
    /// Returns the training images that the unit's runs hold out.
    pub fn held_out(&self) -> HeldOut {
        self.network.held_out(self.seed)
    }
}

/// Returns the units of `networks` with the seeds 1 to `seeds`, or only those of `shard`.
pub fn choose<'a>(networks: &'a [ListedNetwork], seeds: u64, shard: Option<Shard>) -> Vec<Unit<'a>> {
    let units = networks.iter().flat_map(|network| (1..=seeds).map(move |seed| Unit { network, seed }));
    let is_mine = |position: usize| shard.is_none_or(|shard| position % shard.count + 1 == shard.index);
    units.enumerate().filter(|(position, _)| is_mine(*position)).map(|(_, unit)| unit).collect()
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            Some((_, count)) => Err(format!("the first number is not in 1..={count}")),
            None => Err("not two numbers, as in 1/3".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::list::{FRONTIER, read};
    use super::*;

    #[test]
    fn shards_cover_every_unit_once() {
        let networks = read(None, FRONTIER).unwrap().networks;
        let all = choose(&networks, 3, None);
        assert_eq!(all.len(), 3 * networks.len());
        for count in [1, 2, 3, 7, 48, 100] {
            let mut times = vec![0; all.len()];
            for index in 1..=count {
                for unit in choose(&networks, 3, Some(Shard { index, count })) {
                    times[all.iter().position(|other| *other == unit).unwrap()] += 1;
                }
            }
            assert!(times.iter().all(|times| *times == 1), "{count}: {times:?}");
        }
    }

    #[test]
    fn a_shard_is_one_of_its_count() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 2, count: 3 }));
        for bad in ["0/3", "4/3", "0/0", "1/0", "1", "a/b", "/", "-1/3", "1/3/5", ""] {
            bad.parse::<Shard>().expect_err(bad);
        }
    }
}
