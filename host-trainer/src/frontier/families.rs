//! The list: which networks are trained, how, and what is derived from each. It is data, to be changed freely: a run whose
//! settings change is trained anew, and no other.

use crate::network::backend::Backend;
use crate::quantize::WeightBits;
use crate::train::{Recipe, TAUGHT_EPOCHS, Teaching, TrainConfig};

use super::runs::Teacher;

/// A network that is trained in floating point, and what is derived from it.
#[derive(Debug, PartialEq)]
pub struct Family {
    /// What `--only` and folders call it.
    pub name: &'static str,
    /// Neurons of each hidden layer.
    pub hidden: &'static [usize],
    /// How it is trained.
    pub training: Training,
    /// Its rows.
    pub entries: &'static [Entry],
}

/// How a network is trained in floating point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// Where all settings come from that are not here.
    pub recipe: Recipe,
    /// How often every training picture is seen.
    pub epochs: u32,
    /// Adam's largest step size, where it is not the recipe's.
    pub learning_rate: Option<f64>,
    /// Weight decay, where it is not the recipe's.
    pub weight_decay: Option<f64>,
    /// The share of pictures that are altered, where it is not the recipe's.
    pub augment: Option<f64>,
    /// The share of the loss that is held against a teacher's answers, where there is one.
    pub teacher_share: Option<f64>,
    /// The share of blocks of hidden layers' weights that become zero.
    pub sparsity: f64,
}

/// A row of a family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry {
    /// The float network itself.
    Float,
    /// Rounded to integers when training is over (PTQ). That of eight bits is the family's own run.
    Rounded(WeightBits),
    /// Trained on in integers (QAT), with the same teacher.
    FineTuned(WeightBits, FineTuning),
}

/// How a network is trained on in integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FineTuning {
    /// How often every training picture is seen.
    pub epochs: u32,
    /// Adam's largest step size.
    pub learning_rate: f64,
}

const LECTURE: Training = Training {
    recipe: Recipe::Lecture,
    epochs: 5,
    learning_rate: None,
    weight_decay: None,
    augment: None,
    teacher_share: None,
    sparsity: 0.0,
};

const BEST: Training = Training { recipe: Recipe::Best, epochs: 100, ..LECTURE };

const TAUGHT: Training = Training { epochs: TAUGHT_EPOCHS, teacher_share: Some(0.7), ..BEST };

/// A pruned network, taught.
const fn pruned(sparsity: f64) -> Training {
    Training { sparsity, ..TAUGHT }
}

/// A pruned network that is too small to learn altered pictures by heart: longer, with fewer of them and less decay.
const fn small(sparsity: f64, weight_decay: f64, augment: f64) -> Training {
    Training { epochs: 250, weight_decay: Some(weight_decay), augment: Some(augment), sparsity, ..TAUGHT }
}

/// A wide network, taught: fewer epochs, since each takes long.
const fn wide(epochs: u32) -> Training {
    Training { epochs, ..TAUGHT }
}

const EIGHT: Entry = Entry::Rounded(WeightBits::Eight);

const fn fine_tuned(bits: WeightBits, epochs: u32) -> Entry {
    Entry::FineTuned(bits, FineTuning { epochs, learning_rate: 1e-3 })
}

/// Few epochs, to see it work: what comes of it says nothing of the networks.
const fn short(epochs: u32) -> Training {
    Training { epochs, ..TAUGHT }
}

/// All of them.
pub static FAMILIES: [Family; 16] = [
    Family { name: "128-lecture", hidden: &[128], training: LECTURE, entries: &[EIGHT] },
    Family { name: "128-best", hidden: &[128], training: BEST, entries: &[EIGHT] },
    Family {
        name: "128-taught",
        hidden: &[128],
        training: TAUGHT,
        entries: &[
            Entry::Float,
            EIGHT,
            fine_tuned(WeightBits::Eight, 20),
            Entry::Rounded(WeightBits::Four),
            fine_tuned(WeightBits::Four, 30),
            Entry::Rounded(WeightBits::Two),
            fine_tuned(WeightBits::Two, 60),
        ],
    },
    Family { name: "96-pruned-82.5", hidden: &[96], training: small(0.825, 0.03, 0.3), entries: &[EIGHT] },
    Family { name: "64-pruned-89.8", hidden: &[64], training: small(0.898, 0.01, 0.25), entries: &[EIGHT] },
    Family { name: "256-pruned-76", hidden: &[256], training: pruned(0.76), entries: &[EIGHT] },
    Family { name: "128-pruned-75", hidden: &[128], training: pruned(0.75), entries: &[EIGHT] },
    Family { name: "128-pruned-90", hidden: &[128], training: pruned(0.9), entries: &[EIGHT] },
    Family { name: "128-pruned-95", hidden: &[128], training: pruned(0.95), entries: &[EIGHT] },
    Family { name: "64-taught", hidden: &[64], training: TAUGHT, entries: &[EIGHT] },
    Family { name: "48-pruned-88", hidden: &[48], training: small(0.88, 0.01, 0.25), entries: &[EIGHT] },
    Family {
        name: "512-256-taught",
        hidden: &[512, 256],
        training: wide(60),
        entries: &[Entry::Float, EIGHT, fine_tuned(WeightBits::Four, 20)],
    },
    Family { name: "256-pruned-90", hidden: &[256], training: pruned(0.9), entries: &[EIGHT] },
    Family { name: "256-taught", hidden: &[256], training: TAUGHT, entries: &[EIGHT] },
    Family { name: "128-pruned-50", hidden: &[128], training: pruned(0.5), entries: &[EIGHT] },
    Family {
        name: "1024-taught",
        hidden: &[1024],
        training: wide(40),
        entries: &[Entry::Float, EIGHT, fine_tuned(WeightBits::Four, 15)],
    },
];

/// One of each kind, with few epochs.
pub static REDUCED: [Family; 3] = [
    Family { name: "128-lecture", hidden: &[128], training: Training { epochs: 1, ..LECTURE }, entries: &[EIGHT] },
    Family {
        name: "128-taught",
        hidden: &[128],
        training: short(4),
        entries: &[
            Entry::Float,
            EIGHT,
            fine_tuned(WeightBits::Four, 2),
            Entry::Rounded(WeightBits::Two),
            fine_tuned(WeightBits::Two, 2),
        ],
    },
    Family {
        name: "128-pruned-90",
        hidden: &[128],
        training: Training { sparsity: 0.9, ..short(6) },
        entries: &[EIGHT],
    },
];

impl Family {
    /// How its float network is trained. A family with a teacher does without, where there is none.
    pub fn config(&self, backend: Backend, seed: u64, teacher: &Teacher) -> TrainConfig {
        let Training { recipe, epochs, learning_rate, weight_decay, augment, teacher_share, sparsity } = self.training;
        let config = recipe.config(backend, self.hidden.to_vec(), seed);
        TrainConfig {
            epochs,
            learning_rate: learning_rate.unwrap_or(config.learning_rate),
            weight_decay: weight_decay.unwrap_or(config.weight_decay),
            augment: augment.unwrap_or(config.augment),
            teacher: teacher_share.zip(teacher.sha256()).map(|(share, sha256)| Teaching { share, sha256 }),
            sparsity,
            ..config
        }
    }

    /// Whether a teacher has a say.
    pub fn is_taught(&self) -> bool {
        self.training.teacher_share.is_some()
    }

    /// The entries that are runs of their own, behind the family's.
    pub fn derived(&self) -> impl Iterator<Item = &'static Entry> {
        self.entries.iter().filter(|entry| !matches!(entry, Entry::Float | Entry::Rounded(WeightBits::Eight)))
    }

    /// What the folder of a run is called: that of `entry`, or the family's own.
    pub fn run_name(&self, entry: Option<&Entry>, seed: u64) -> String {
        let suffix = match entry {
            None | Some(Entry::Float | Entry::Rounded(WeightBits::Eight)) => String::new(),
            Some(Entry::Rounded(bits)) => format!("-ptq-{}", u8::from(*bits)),
            Some(Entry::FineTuned(bits, _)) => format!("-qat-{}", u8::from(*bits)),
        };
        format!("{}{suffix}-seed-{seed}", self.name)
    }
}

impl Entry {
    /// How it is made of the network of a run of `base`, whose model is `model`, as `train --from` does.
    pub fn config(&self, base: &TrainConfig, model: &str) -> TrainConfig {
        let (weight_bits, tuning) = match *self {
            Self::Float => (WeightBits::Eight, None),
            Self::Rounded(bits) => (bits, None),
            Self::FineTuned(bits, tuning) => (bits, Some(tuning)),
        };
        TrainConfig {
            epochs: 0,
            from: Some(model.to_owned()),
            teacher: tuning.and(base.teacher.clone()),
            weight_bits,
            qat_epochs: tuning.map_or(0, |tuning| tuning.epochs),
            qat_learning_rate: tuning.map_or(0.0, |tuning| tuning.learning_rate),
            ..base.clone()
        }
    }

    /// Bits of a weight of the hidden layers.
    pub fn weight_bits(&self) -> u8 {
        match *self {
            Self::Float => 32,
            Self::Rounded(bits) | Self::FineTuned(bits, _) => bits.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_a_name_of_its_own() {
        for list in [&FAMILIES[..], &REDUCED] {
            let runs = |family: &Family| {
                let own = family.run_name(None, 1);
                let derived: Vec<_> = family.derived().map(|entry| family.run_name(Some(entry), 1)).collect();
                [vec![own], derived].concat()
            };
            let mut names: Vec<String> = list.iter().flat_map(runs).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count);
            assert!(names.contains(&"128-taught-qat-4-seed-1".to_owned()), "{names:?}");
        }
    }

    #[test]
    fn what_cannot_be_built_is_not_in_the_list() {
        for family in FAMILIES.iter().chain(&REDUCED) {
            let Training { sparsity, epochs, .. } = family.training;
            assert!((0.0..1.0).contains(&sparsity) && epochs > 0 && !family.entries.is_empty(), "{family:?}");
            assert!(sparsity == 0.0 || family.entries.iter().all(|entry| entry.weight_bits() >= 8), "{family:?}");
        }
    }

    #[test]
    fn what_is_derived_keeps_all_but_its_own_settings() {
        let teacher = Teacher::Known("ab".to_owned());
        let family = FAMILIES.iter().find(|family| family.name == "128-taught").unwrap();
        let base = family.config(Backend::Flex, 7, &teacher);
        assert_eq!((base.epochs, base.teacher.as_ref().map(|teaching| teaching.share)), (150, Some(0.7)));
        let ptq = Entry::Rounded(WeightBits::Two).config(&base, "00112233");
        assert_eq!((ptq.epochs, ptq.qat_epochs, ptq.teacher, ptq.seed), (0, 0, None, 7));
        let qat = fine_tuned(WeightBits::Four, 9).config(&base, "00112233");
        assert_eq!((qat.qat_epochs, qat.qat_learning_rate, &qat.teacher), (9, 1e-3, &base.teacher));
        assert_eq!((qat.from.as_deref(), qat.weight_bits), (Some("00112233"), WeightBits::Four));
        assert_eq!(family.config(Backend::Flex, 7, &Teacher::Absent).teacher, None);
    }
}
