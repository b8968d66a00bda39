//! The memory of a compiled-in model's workspace: which part of it each layer reads and writes.

#![allow(clippy::arithmetic_side_effects, reason = "all lengths are those of a parsed model")]

use crate::compiled::{are_all_accepted, scratch_sizes};
use crate::model::{Layer, LayerKind, Model, Network};

/// The sizes of a workspace's parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Places of the list, of two words each.
    pub list: usize,
    /// Accumulators.
    pub sums: usize,
    /// Bytes for the inputs of a window.
    pub window: usize,
    /// Bytes for activations.
    pub activations: usize,
    /// True if no convolution needs a window: then all use a smaller function.
    pub has_no_window: bool,
}

/// Places of a dense layer's list in a model with convolutions, unless a convolution needs more.
/// A short list saves RAM; filling it more than once takes a few instructions more.
const SHORT_LIST: usize = 69;

impl Sizes {
    /// Returns the sizes that all layers of `model` fit.
    #[must_use]
    pub fn of(model: &Model<'_>) -> Self {
        let mut convolutions = model.layers().iter().filter(|layer| matches!(layer.kind(), LayerKind::Convolution(_)));
        let mut sizes = Self { has_no_window: convolutions.all(are_all_accepted), ..Self::default() };
        let lists = model.layers().iter().filter(|layer| !layer.is_dense()).map(|layer| scratch_sizes(layer)[0]);
        let most =
            if model.layers().iter().all(Layer::is_dense) { usize::MAX } else { lists.fold(SHORT_LIST, usize::max) };
        for network in model.networks() {
            for (layer, place) in network.layers().iter().zip(places(network)) {
                let [list, window] = scratch_sizes(layer);
                let sums = if place.is_last { 0 } else { layer.matrix().map_or(0, |matrix| matrix.outputs()) };
                sizes.list = sizes.list.max(list.min(most));
                sizes.sums = sizes.sums.max(sums);
                sizes.window = sizes.window.max(if sizes.has_no_window { 0 } else { words(window) });
                sizes.activations = sizes.activations.max(place.bytes(layer));
            }
        }
        sizes
    }

    /// Returns the bytes of a workspace for `classes`.
    #[must_use]
    pub fn bytes(&self, classes: usize) -> usize {
        self.list * 8 + self.sums * 4 + self.window + self.activations + words(classes * 10)
    }
}

/// The place of a layer's activations.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// True for the image.
    pub is_first: bool,
    /// True for logits, which have memory of their own.
    pub is_last: bool,
    /// True if the input is at the end of the activations.
    pub is_input_high: bool,
    /// True if the output is at the end of the activations.
    pub is_output_high: bool,
}

impl Place {
    /// Returns the bytes of activations that `layer` needs while it runs.
    fn bytes(&self, layer: &Layer<'_>) -> usize {
        let input = if self.is_first { 0 } else { words(layer.inputs()) };
        let output = if self.is_last { 0 } else { words(layer.outputs()) };
        // A dense layer writes its activations over its input.
        if layer.is_dense() { input.max(output) } else { input + output }
    }
}

/// Returns the places of a network's layers: a dense layer's output replaces its input, other
/// layers write to the other end.
pub fn places<'m, 'a>(network: Network<'m, 'a>) -> impl Iterator<Item = Place> + use<'m, 'a> {
    let count = network.layers().len();
    let mut is_high = false;
    let place = move |(index, layer): (usize, &Layer<'_>)| {
        let is_input_high = is_high;
        is_high ^= !layer.is_dense();
        Place { is_first: index == 0, is_last: index + 1 == count, is_input_high, is_output_high: is_high }
    };
    network.layers().iter().enumerate().map(place)
}

/// Rounds up to whole words.
#[must_use]
pub fn words(bytes: usize) -> usize {
    bytes.next_multiple_of(4)
}
