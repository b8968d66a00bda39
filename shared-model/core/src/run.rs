//! Runs the layers of one network: the only place that connects their kernels.

use bytemuck::try_cast_slice_mut;

use crate::kernel::{DensePart, PairList, Scratch, activate, convolve, dense, depthwise, pool};
use crate::model::{Layer, LayerKind, Network};

/// A stage of an inference that has just ended.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::{Stage, Workspace};
///
/// let mut ended = Vec::new();
/// let mut on_stage = |stage: Stage<'_>| match stage {
///     Stage::Activations { layer, activations } => ended.push((layer, activations.len())),
///     Stage::Logits { layer } => ended.push((layer, 10)),
///     _ => {}
/// };
/// Workspace::<360, 10>::new().infer_with(&model, &[0; 784], &mut on_stage).unwrap();
/// assert_eq!(ended, [(0, 64), (1, 10)]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage<'a> {
    /// Gathered the non-zero inputs of a dense layer. It alternates with `Accumulate`, once or
    /// several times for each layer, unless the layer is pruned or in vectors.
    Gather {
        /// Index in [`Model::layers`](crate::Model::layers).
        layer: usize,
    },
    /// Added the products of these inputs. For a layer with a window: computed all activations.
    Accumulate {
        /// Index in [`Model::layers`](crate::Model::layers).
        layer: usize,
    },
    /// Converted the accumulators of a hidden layer to activations.
    Activations {
        /// Index in [`Model::layers`](crate::Model::layers).
        layer: usize,
        /// The layer's outputs.
        activations: &'a [u8],
    },
    /// Converted the accumulators of a network's last layer to logits.
    Logits {
        /// Index in [`Model::layers`](crate::Model::layers).
        layer: usize,
    },
    /// Computed the probabilities. Only the choice of the class follows.
    Softmax,
}

/// Runs one network in `memory`, and writes its logits. `first` is the index of its first layer in
/// the model.
///
/// The memory has at least the words that each layer needs. The activations before and after a
/// layer are at its two ends, and the rest of a layer's memory is between them. A dense layer
/// writes its activations over its input.
pub fn run(
    network: Network<'_, '_>,
    first: usize,
    memory: &mut [u32],
    pixels: &[u8],
    logits: &mut [i32],
    on_stage: &mut dyn FnMut(Stage<'_>),
) {
    let Some((last, hidden)) = network.layers().split_last() else { return };
    let mut place = Place { is_high: false, count: 0 };
    let mut index = first;
    for layer in hidden {
        let is_first = place.count == 0;
        let before = place;
        place.count = layer.outputs();
        if layer.is_dense() {
            let (activations, rest) = before.or(place).split(memory);
            let Scratch { mut list, accumulators, .. } = scratch(layer, rest);
            let matrix = layer.any_matrix();
            let input = if is_first { pixels } else { before.of(activations) };
            dense(matrix, input, &mut list, accumulators, &mut |part| on_stage(part.of(index)));
            activate(matrix, accumulators, place.of(activations));
        } else if cfg!(feature = "format-2") {
            place.is_high = !before.is_high;
            let (input, rest) = before.split(memory);
            let input = if is_first { pixels } else { before.of(input) };
            let (output, rest) = place.split(rest);
            walk(layer, input, rest, place.of(output));
            on_stage(Stage::Accumulate { layer: index });
        }
        on_stage(Stage::Activations { layer: index, activations: place.of(memory) });
        index = index.wrapping_add(1);
    }
    let (activations, rest) = place.split(memory);
    let input = if place.count == 0 { pixels } else { place.of(activations) };
    let matrix = last.any_matrix();
    let Scratch { mut list, .. } = scratch(last, rest);
    dense(matrix, input, &mut list, logits, &mut |part| on_stage(part.of(index)));
    for (logit, requant) in logits.iter_mut().zip(matrix.requants().each()) {
        *logit = requant.logit(*logit);
    }
    on_stage(Stage::Logits { layer: index });
}

/// Runs a layer that moves a window over its input.
#[inline(never)]
fn walk(layer: &Layer<'_>, input: &[u8], memory: &mut [u32], output: &mut [u8]) {
    let scratch = scratch(layer, memory);
    match layer.kind() {
        LayerKind::Convolution(window) if cfg!(feature = "convolution") => {
            convolve(layer, window, input, scratch, output)
        }
        LayerKind::Depthwise(window) if cfg!(feature = "depthwise") => {
            depthwise(layer, window, input, scratch.accumulators, output)
        }
        LayerKind::MaxPool(window) if cfg!(feature = "pool") => pool(layer, window, false, input, output),
        LayerKind::AveragePool(window) if cfg!(feature = "pool") => pool(layer, window, true, input, output),
        // The parser has refused the other kinds.
        _ => {}
    }
}

/// Returns the memory of `layer` besides its activations, at the start of `memory`.
fn scratch<'m>(layer: &Layer<'_>, memory: &'m mut [u32]) -> Scratch<'m> {
    let (list, rest) = memory.split_at_mut_checked(layer.list_places().wrapping_mul(2)).unwrap_or_default();
    let (accumulators, rest) = rest.split_at_mut_checked(layer.any_matrix().outputs()).unwrap_or_default();
    Scratch {
        list: PairList::new(list.as_chunks_mut().0),
        accumulators: try_cast_slice_mut(accumulators).unwrap_or_default(),
        rest: try_cast_slice_mut(rest).unwrap_or_default(),
    }
}

/// The place of a layer's activations: an end of the memory.
#[derive(Clone, Copy)]
struct Place {
    is_high: bool,
    /// Number of activations; 0 before the first layer.
    count: usize,
}

impl Place {
    /// Returns the larger of two places at the same end.
    fn or(self, other: Self) -> Self {
        Self { count: self.count.max(other.count), ..self }
    }

    /// Returns the words of `memory` with this place, and the rest.
    fn split(self, memory: &mut [u32]) -> (&mut [u32], &mut [u32]) {
        let words = self.count.div_ceil(4);
        if self.is_high {
            let (rest, place) = memory.split_at_mut_checked(memory.len().wrapping_sub(words)).unwrap_or_default();
            (place, rest)
        } else {
            memory.split_at_mut_checked(words).unwrap_or_default()
        }
    }

    /// Returns the activations in `words`, the part of a memory with this place or a larger one.
    fn of(self, words: &mut [u32]) -> &mut [u8] {
        let (own, _) = self.split(words);
        try_cast_slice_mut(own).unwrap_or_default().get_mut(..self.count).unwrap_or_default()
    }
}

impl DensePart {
    fn of(self, layer: usize) -> Stage<'static> {
        match self {
            Self::Gather => Stage::Gather { layer },
            Self::Accumulate => Stage::Accumulate { layer },
        }
    }
}
