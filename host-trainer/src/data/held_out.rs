//! Chooses training images to hold out.

use clap::ValueEnum;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::Split;

/// The training images that are held out first. Older records, which lack it, held out the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ValidationOrder {
    /// Some of each class, in proportion, chosen by the seed
    Class,
    /// The last ones in the file, as earlier versions did
    #[default]
    Last,
}

/// Number and choice of training images to hold out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldOut {
    pub count: usize,
    pub order: ValidationOrder,
    /// The choice among the images of a class.
    pub seed: u64,
}

/// Images held out of training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    pub split: Split,
    /// Their places in the data set, ascending.
    pub indices: Vec<usize>,
    pub held_out: HeldOut,
}

impl HeldOut {
    /// Returns the indices of the images to hold out, ascending, of images with these `labels`.
    ///
    /// A smaller count gives a subset. With [`ValidationOrder::Class`], a class loses its last
    /// image only after all classes have lost the others.
    pub fn choose(self, labels: &[u8]) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..labels.len()).collect();
        match self.order {
            ValidationOrder::Last => indices.reverse(),
            ValidationOrder::Class => {
                indices.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(self.seed));
                let mut ranks = [0_u64; 1 << u8::BITS];
                let mut ranked: Vec<(usize, u8, u64)> = indices
                    .iter()
                    .map(|&index| {
                        let label = labels[index];
                        ranks[usize::from(label)] += 1;
                        (index, label, ranks[usize::from(label)])
                    })
                    .collect();
                // After counting, a rank is a class's number of images.
                let count = |label: u8| ranks[usize::from(label)];
                ranked.sort_by(|(_, label, rank), (_, other, other_rank)| {
                    (rank * count(*other)).cmp(&(other_rank * count(*label)))
                });
                indices = ranked.into_iter().map(|(index, ..)| index).collect();
            }
        }
        indices.truncate(self.count);
        indices.sort_unstable();
        indices
    }

    /// Returns the indices of the images that all of `choices` hold out, ascending. Empty without
    /// choices.
    pub fn choose_common(choices: impl IntoIterator<Item = Self>, labels: &[u8]) -> Vec<usize> {
        let choices = choices.into_iter().map(|choice| choice.choose(labels));
        let common = choices.reduce(|mut common, other| {
            common.retain(|index| other.binary_search(index).is_ok());
            common
        });
        common.unwrap_or_default()
    }

    /// Takes the images out of `train`. Returns `None` if the count is 0.
    pub fn take_from(self, train: &mut Split) -> Option<Validation> {
        let indices = self.choose(&train.labels);
        (!indices.is_empty()).then(|| Validation { split: train.take(&indices), indices, held_out: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(count: usize, seed: u64) -> HeldOut {
        HeldOut { count, order: ValidationOrder::Class, seed }
    }

    #[test]
    fn each_class_gives_its_share_wherever_its_images_are() {
        // Sorted by class: 60, 30, 10 and 1 images.
        let labels: Vec<u8> =
            [(0, 60), (1, 30), (2, 10), (3, 1)].into_iter().flat_map(|(label, count)| vec![label; count]).collect();
        let count = |indices: &[usize], label: u8| indices.iter().filter(|index| labels[**index] == label).count();
        for seed in 0..5 {
            let indices = class(50, seed).choose(&labels);
            assert_eq!([0, 1, 2, 3].map(|label| count(&indices, label)), [30, 15, 5, 0]);
            assert!(indices.is_sorted());
            // A smaller choice is a part of a larger one.
            let fewer = class(20, seed).choose(&labels);
            assert!(fewer.len() == 20 && fewer.iter().all(|index| indices.contains(index)));
            // Every class keeps an image as long as possible.
            let most = class(97, seed).choose(&labels);
            assert!(
                [0, 1, 2, 3].iter().all(|label| count(&most, *label) < labels.iter().filter(|l| *l == label).count())
            );
            assert_eq!(class(101, seed).choose(&labels).len(), 101);
        }
        assert_eq!(class(50, 1).choose(&labels), class(50, 1).choose(&labels));
        assert_ne!(class(50, 1).choose(&labels), class(50, 2).choose(&labels));
    }

    #[test]
    fn the_last_images_can_be_held_out() {
        let mut train = Split { width: 1, pixels: vec![1, 2, 3], labels: vec![0, 1, 0] };
        assert_eq!(HeldOut::default().take_from(&mut train), None);
        let validation = HeldOut { count: 2, ..HeldOut::default() }.take_from(&mut train).unwrap();
        assert_eq!((train.pixels, train.labels), (vec![1], vec![0]));
        assert_eq!((validation.split.pixels, validation.split.labels), (vec![2, 3], vec![1, 0]));
        assert_eq!(validation.indices, [1, 2]);
    }

    #[test]
    fn common_images_are_those_of_all_choices() {
        let labels = [0, 1, 0, 1, 0, 1];
        let last = |count| HeldOut { count, ..HeldOut::default() };
        assert_eq!(HeldOut::choose_common([last(3), last(2)], &labels), [4, 5]);
        assert_eq!(HeldOut::choose_common([class(4, 7), class(2, 7)], &labels), class(2, 7).choose(&labels));
        assert_eq!(HeldOut::choose_common([last(3), HeldOut::default()], &labels), [0; 0]);
        assert_eq!(HeldOut::choose_common([], &labels), [0; 0]);
    }

    #[test]
    fn older_records_held_out_the_last() {
        assert_eq!(ValidationOrder::default(), ValidationOrder::Last);
        assert_eq!(serde_json::to_string(&ValidationOrder::Class).unwrap(), "\"class\"");
    }
}
