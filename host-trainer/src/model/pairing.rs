//! Orders channels so that those which are often zero together are neighbours: a device skips pairs
//! of zeros. The network computes the same.

use std::ops::Range;

use prenda::{HostWorkspace, InferError, Layer, LayerKind, Model, Stage, WeightOrder};
use serde::Serialize;

use super::owned::OwnedLayer;
use crate::data::Split;

/// Images on which zeros are counted: enough for two digits of a share.
const IMAGES: usize = 1000;

/// Most channels that are ordered, for the time that it takes.
const MAX_CHANNELS: usize = 2048;

/// Layers between two matrices that skip zeros: the first gives its outputs an order, the last
/// reads them, and all others have as many channels.
#[derive(Clone, Debug, PartialEq)]
struct Group {
    layers: Range<usize>,
    channels: usize,
}

/// The zeros of a channel: a bit for each image and position.
#[derive(Clone, Debug, Default)]
struct Zeros {
    bits: Vec<u64>,
    count: usize,
}

impl Zeros {
    fn push(&mut self, is_zero: bool) {
        let bit = self.count % 64;
        if bit == 0 {
            self.bits.push(0);
        }
        if let Some(last) = self.bits.last_mut() {
            *last |= u64::from(is_zero) << bit;
        }
        self.count += 1;
    }

    fn shared_with(&self, other: &Self) -> u32 {
        self.bits.iter().zip(&other.bits).map(|(one, other)| (one & other).count_ones()).sum()
    }
}

/// The shares of pairs that are zero, before and after, among the inputs of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// The index of the layer that reads them.
    pub layer: usize,
    pub before: f64,
    pub after: f64,
}

/// Orders the channels of `layers`, those of `model`, by their zeros on the first images of
/// `split`.
///
/// # Errors
///
/// Returns an error if the images do not fit the model.
pub fn pair_channels(model: &Model<'_>, layers: &mut [OwnedLayer], split: &Split) -> Result<Vec<Paired>, InferError> {
    let groups = groups(model);
    let mut zeros: Vec<Vec<Zeros>> = groups.iter().map(|group| vec![Zeros::default(); group.channels]).collect();
    let mut workspace = Box::new(HostWorkspace::new());
    for image in split.images().take(IMAGES) {
        workspace.infer_with(model, image, &mut |stage| {
            let Stage::Activations { layer, activations } = stage else { return };
            // The inputs of a group's last layer.
            let found = groups.iter().zip(&mut zeros).find(|(group, _)| group.layers.end == layer + 2);
            let Some((group, zeros)) = found else { return };
            for position in activations.chunks(group.channels) {
                zeros.iter_mut().zip(position).for_each(|(zeros, &value)| zeros.push(value == 0));
            }
        })?;
    }
    let pair = |(group, zeros): (&Group, &Vec<Zeros>)| {
        let shared = |one: usize, other: usize| zeros[one].shared_with(&zeros[other]);
        let count = zeros[0].count * group.channels.div_ceil(2);
        let share = |order: &[usize]| {
            let pairs = order.chunks(2).map(|pair| f64::from(shared(pair[0], pair[pair.len() - 1])));
            pairs.sum::<f64>() / count.max(1) as f64
        };
        let old: Vec<usize> = (0..group.channels).collect();
        let new = order_pairs(group.channels, shared);
        let before = share(&old);
        // The channels can be in a better order already.
        let (order, after) = if share(&new) > before { (new.as_slice(), share(&new)) } else { (&old[..], before) };
        for index in group.layers.clone() {
            if index > group.layers.start && index + 1 < group.layers.end {
                layers[index].order_outputs(order);
            }
        }
        layers[group.layers.start].order_outputs(order);
        layers[group.layers.end - 1].order_inputs(order);
        Paired { layer: group.layers.end - 1, before, after }
    };
    Ok(groups.iter().zip(&zeros).map(pair).collect())
}

/// Returns the groups of layers whose channels can have another order. Blocks of pruned layers
/// cannot: their inputs and outputs are pruned together.
fn groups(model: &Model<'_>) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut end = 0;
    for network in model.networks() {
        let layers = network.layers();
        let start = end;
        end += layers.len();
        let mut first = None;
        for (index, layer) in layers.iter().enumerate().filter(|(_, layer)| skips_zeros(layer)) {
            if let Some(first) = first {
                let group = Group { layers: start + first..start + index + 1, channels: layer.input().channels.into() };
                let is_free = [first, index].iter().all(|&index| !is_pruned(&layers[index]));
                if is_free && (2..=MAX_CHANNELS).contains(&group.channels) {
                    groups.push(group);
                }
            }
            first = Some(index);
        }
    }
    groups
}

fn skips_zeros(layer: &Layer<'_>) -> bool {
    matches!(layer.kind(), LayerKind::Dense | LayerKind::Convolution(_))
}

fn is_pruned(layer: &Layer<'_>) -> bool {
    layer.matrix().is_some_and(|matrix| matrix.order() == WeightOrder::Blocks)
}

/// Returns an order of `channels` in which neighbours share many zeros: a partner for one channel
/// after another, then exchanges while one of them helps. The last of an odd count is alone.
fn order_pairs(channels: usize, shared: impl Fn(usize, usize) -> u32) -> Vec<usize> {
    let counts: Vec<u32> = (0..channels * channels).map(|place| shared(place / channels, place % channels)).collect();
    let shared = |one: usize, other: usize| counts[one * channels + other];
    let mut order: Vec<usize> = (0..channels).collect();
    for place in (0..channels - channels % 2).step_by(2) {
        let rest = place + 1..channels;
        let best = rest.max_by_key(|&other| (shared(order[place], order[other]), channels - other));
        if let Some(best) = best {
            order.swap(place + 1, best);
        }
    }
    // A channel alone shares its own zeros.
    let of_pair = |order: &[usize], place: usize| {
        let first = place - place % 2;
        shared(order[first], order[(first + 1).min(channels - 1)])
    };
    let mut is_better = true;
    while is_better {
        is_better = false;
        for one in 0..channels {
            for other in (one - one % 2 + 2)..channels {
                let before = of_pair(&order, one) + of_pair(&order, other);
                order.swap(one, other);
                if of_pair(&order, one) + of_pair(&order, other) > before {
                    is_better = true;
                } else {
                    order.swap(one, other);
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_that_share_zeros_become_neighbours() {
        // Channels of one remainder share zeros, and more with a smaller distance.
        let shared = |channels: usize, one: usize, other: usize| {
            if one % 3 == other % 3 { (channels - one.abs_diff(other)) as u32 } else { 0 }
        };
        for channels in [2, 6, 7, 12, 31] {
            let mut order = order_pairs(channels, |one, other| shared(channels, one, other));
            let sum: u32 = order.chunks_exact(2).map(|pair| shared(channels, pair[0], pair[1])).sum();
            let before: u32 = (0..channels / 2).map(|pair| shared(channels, 2 * pair, 2 * pair + 1)).sum();
            assert!(sum > before || channels == 2, "{channels}: {order:?}");
            order.sort_unstable();
            assert!(order.into_iter().eq(0..channels));
        }
        let two_by_two = order_pairs(4, |one, other| u32::from((one + other) == 3));
        assert_eq!(two_by_two, [0, 3, 2, 1]);
    }
}
