//! A random network, with the settings of its training.

use std::fmt::Write as _;

use prenda::Shape;
use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom as _;
use serde::Serialize;

use super::budget::Price;
use crate::network::{Architecture, LayerPlan};
use crate::train::TEACHER_SHARE;

/// Smallest image, in rows and columns, that is given to convolutions.
const MIN_SIDE: u16 = 4;

/// Share of candidates whose windows are reduced by a pool before the last layer.
const POOL_SHARE: f64 = 0.5;

const NEURONS: [usize; 9] = [16, 24, 32, 48, 64, 96, 128, 192, 256];
const SPARSITIES: [f64; 8] = [0.0, 0.5, 0.75, 0.82, 0.88, 0.9, 0.93, 0.95];

/// The first convolution: rows and columns of its window, and its stride.
const FIRST_WINDOWS: [&str; 6] =
    ["3x3 stride 1", "3x3 stride 2", "4x4 stride 4", "5x5 stride 2", "5x5 stride 3", "7x7 stride 3"];
const FIRST_CHANNELS: [u16; 5] = [4, 8, 12, 16, 24];
const CHANNELS: [u16; 7] = [8, 16, 24, 32, 40, 48, 64];

/// Lower bound of the instructions for one multiplication.
const LEAST_INSTRUCTIONS: f64 = 0.3;

/// QAT epochs for each float epoch.
const QAT_SHARE: f64 = 0.25;

/// A network of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    pub network: Architecture,
    /// Bits of a weight of all layers except the last: 8 or 4.
    pub weight_bits: u8,
    /// Share of blocks of hidden layers' weights that become zero.
    pub sparsity: f64,
}

/// The part of a training that all candidates of a round share.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    pub epochs: u32,
    /// Number of training images that are held out.
    pub validation: usize,
    pub is_taught: bool,
    /// Inputs are rows of features, which have no shifted and mirrored versions.
    pub is_of_features: bool,
}

impl Candidate {
    /// Returns a random network for inputs of the shape `image`, or `None` if its windows do not
    /// fit them. Small images and rows get dense networks, whatever `is_dense` is.
    pub fn random(image: Shape, classes: usize, is_dense: bool, random: &mut Xoshiro256PlusPlus) -> Option<Self> {
        let is_dense = is_dense || image.rows.min(image.columns) < MIN_SIDE;
        let layers = if is_dense { dense(random) } else { convolutional(random) };
        let sparsity = if is_dense { pick(&SPARSITIES, random) } else { 0.0 };
        let weight_bits = if sparsity == 0.0 { pick(&[8, 4], random) } else { 8 };
        let network: Architecture = format!("{layers}; dense {classes}").parse().ok()?;
        network.plan(image, classes).ok()?;
        Some(Self { network, weight_bits, sparsity })
    }

    /// Returns a rough lower bound of the price for inputs of the shape `image`: the weights alone,
    /// and half as many instructions per multiplication as the fastest network of
    /// docs/frontier.md. Images with more zeros than Fashion-MNIST can cost less.
    pub fn least_price(&self, image: Shape, classes: usize) -> Price {
        let plan = self.network.plan(image, classes).unwrap_or_default();
        let (last, hidden) = plan.split_last().map_or((None, &[][..]), |(last, hidden)| (Some(last), hidden));
        let weights = |layer: &LayerPlan| layer.matrix().map_or(0, |[inputs, outputs]| inputs * outputs);
        let share = f64::from(self.weight_bits) / 8.0 * (1.0 - self.sparsity);
        let hidden_bytes = share * hidden.iter().map(weights).sum::<usize>() as f64;
        let positions = |layer: &LayerPlan| layer.output.count() / layer.matrix().map_or(1, |[_, outputs]| outputs);
        let multiplications: usize = hidden.iter().map(|layer| weights(layer) * positions(layer)).sum();
        let instructions = LEAST_INSTRUCTIONS * (1.0 - self.sparsity) * multiplications as f64;
        Price { bytes: hidden_bytes as usize + last.map_or(0, weights), instructions: instructions as u64 }
    }

    /// Returns a name for folders.
    pub fn name(&self) -> String {
        let bits = if self.weight_bits == 8 { String::new() } else { format!("_{}-bits", self.weight_bits) };
        let pruned = if self.sparsity == 0.0 { String::new() } else { format!("_pruned-{}", self.sparsity) };
        format!("{}{bits}{pruned}", self.network.file_name())
    }

    /// Returns the count of QAT epochs after `epochs` float epochs.
    pub fn qat_epochs(&self, epochs: u32) -> u32 {
        if self.weight_bits == 8 { 0 } else { (f64::from(epochs) * QAT_SHARE).ceil() as u32 }
    }

    /// Returns the settings of `training` as options of `host-trainer train`.
    pub fn options(&self, training: &Training) -> String {
        let epochs = training.epochs;
        let mut options = format!("--recipe best --network '{}' --epochs {epochs}", self.network);
        for (name, value) in self.settings(training) {
            let _ = write!(options, " --{} {value}", name.replace('_', "-"));
        }
        if self.weight_bits != 8 {
            let _ = write!(options, " --weight-bits {} --qat {}", self.weight_bits, self.qat_epochs(epochs));
        }
        options
    }

    /// Returns the network as an item of a list, in TOML, for a `training`.
    pub fn listed(&self, training: &Training) -> String {
        let Training { epochs, validation, is_taught, .. } = *training;
        let mut text = format!(
            "[[network]]\nname = \"{}_{epochs}-epochs\"\nnetwork = \"{}\"\nrecipe = \"best\"\nepochs = {epochs}\n\
             validation = {validation}\nvalidation_order = \"last\"\n",
            self.name(),
            self.network
        );
        for (name, value) in self.settings(training) {
            let _ = writeln!(text, "{name} = {value:?}");
        }
        if is_taught {
            let _ = writeln!(text, "teacher_share = {TEACHER_SHARE:?}");
        }
        if self.weight_bits != 8 {
            let (bits, qat_epochs) = (self.weight_bits, self.qat_epochs(epochs));
            let _ = writeln!(text, "rows = [{{ weight_bits = {bits}, qat_epochs = {qat_epochs} }}]");
        }
        text
    }

    /// Returns the settings that differ from the recipe's, by their names in a list.
    /// docs/recipes.md has the measurements.
    fn settings(&self, training: &Training) -> Vec<(&'static str, f64)> {
        let mut settings = match (self.network.hidden().is_some(), self.sparsity > 0.0) {
            (false, _) => vec![("learning_rate", 0.004), ("weight_decay", 0.02)],
            (true, true) => vec![("weight_decay", 0.03), ("augment", 0.3), ("sparsity", self.sparsity)],
            (true, false) => Vec::new(),
        };
        if training.is_of_features {
            settings.retain(|(name, _)| *name != "augment");
            settings.push(("augment", 0.0));
        }
        settings
    }
}

fn dense(random: &mut Xoshiro256PlusPlus) -> String {
    format!("dense {}", pick(&NEURONS, random))
}

fn convolutional(random: &mut Xoshiro256PlusPlus) -> String {
    let (window, channels) = (pick(&FIRST_WINDOWS, random), pick(&FIRST_CHANNELS, random));
    let pool = if window.ends_with("stride 1") { "; maxpool 2x2" } else { "" };
    let mut layers = format!("conv {channels} {window}{pool}");
    let mut widest = channels;
    for _ in 0..random.random_range(1..=2) {
        // Later layers are not narrower: their images are smaller.
        let wider: Vec<u16> = CHANNELS.into_iter().filter(|channels| *channels >= widest).collect();
        widest = pick(&wider, random);
        let _ = write!(layers, "; conv {widest} 3x3 stride 2");
    }
    if random.random_bool(POOL_SHARE) {
        layers.push_str("; maxpool 2x2");
    }
    layers
}

/// Returns a random item of `items`, which are not empty.
fn pick<T: Copy + Default>(items: &[T], random: &mut Xoshiro256PlusPlus) -> T {
    items.choose(random).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn candidates(image: Shape) -> Vec<Candidate> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        (0..500).filter_map(|index| Candidate::random(image, 10, index % 4 == 0, &mut random)).collect()
    }

    #[test]
    fn images_get_networks_of_all_kinds_and_rows_dense_ones() {
        let all = candidates(Shape::grey(28, 28));
        assert!(all.len() > 400, "{}", all.len());
        let count = |is: &dyn Fn(&Candidate) -> bool| all.iter().filter(|candidate| is(candidate)).count();
        assert!(count(&|candidate| candidate.network.hidden().is_some()) > 50);
        assert!(count(&|candidate| candidate.network.hidden().is_none()) > 200);
        assert!(count(&|candidate| candidate.weight_bits == 4) > 100);
        assert!(count(&|candidate| candidate.sparsity > 0.0 && candidate.weight_bits == 8) > 50);
        assert_eq!(count(&|candidate| candidate.sparsity > 0.0 && candidate.weight_bits == 4), 0);
        let rows = candidates(Shape::grey(1, 4));
        assert!(!rows.is_empty() && rows.iter().all(|candidate| candidate.network.hidden().is_some()));
    }

    #[test]
    fn the_least_price_is_that_of_the_weights() {
        let candidate =
            |layers: &str, weight_bits, sparsity| Candidate { network: layers.parse().unwrap(), weight_bits, sparsity };
        let least = |candidate: Candidate| candidate.least_price(Shape::grey(28, 28), 10);
        // Rows of a window have four values in memory.
        let conv = least(candidate("conv 8 3x3 stride 2; maxpool 2x2; dense 10", 4, 0.0));
        assert_eq!((conv.bytes, conv.instructions), (8 * 12 / 2 + 8 * 7 * 7 * 10, (0.3 * 8.0 * 12.0 * 196.0) as u64));
        let dense = least(candidate("dense 64; dense 10", 8, 0.75));
        assert_eq!((dense.bytes, dense.instructions), (784 * 64 / 4 + 640, (0.3 * 784.0 * 16.0) as u64));
    }

    #[test]
    fn a_candidate_is_an_item_of_a_list_and_options_of_train() {
        let network = "conv 8 3x3 stride 2; maxpool 2x2; dense 10".parse().unwrap();
        let candidate = Candidate { network, weight_bits: 4, sparsity: 0.0 };
        let options = "--recipe best --network 'conv 8 3x3 stride 2; maxpool 2x2; dense 10' --epochs 18 \
                       --learning-rate 0.004 --weight-decay 0.02 --weight-bits 4 --qat 5";
        let training = Training { epochs: 18, validation: 100, is_taught: true, is_of_features: false };
        assert_eq!(candidate.options(&training), options);
        let of_features = Training { is_of_features: true, ..training };
        assert!(candidate.options(&of_features).contains("--augment 0"));
        for candidate in candidates(Shape::grey(28, 28)) {
            let list = crate::sweep::parse(&candidate.listed(&training), "search".as_ref()).unwrap();
            let [network] = &list.networks[..] else { panic!("{list:?}") };
            assert_eq!(network.name, format!("{}_18-epochs", candidate.name()));
            assert_eq!((network.epochs(), network.sparsity, network.is_taught()), (18, candidate.sparsity, true));
            assert_eq!(network.rows[0].weight_bits(), candidate.weight_bits);
        }
    }
}
