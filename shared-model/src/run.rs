//! Runs the layers of one network: the only place that connects their kernels.

use crate::kernel::{DensePart, PairList, Scratch, activate, convolve, dense, depthwise, pool};
use crate::model::{Layer, LayerKind, Network};

/// A stage of an inference that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// Gathered the non-zero inputs of a dense layer. It alternates with `Accumulate`, once or
    /// several times for each layer, unless the layer is pruned or in vectors.
    Gather {
        /// Index in [`Model::layers`](crate::Model::layers).
        layer: usize,
    },
    /// Added the products of these inputs. Of a layer with a window: computed all activations.
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
    /// Computed the probabilities and the class.
    Softmax,
}

/// The memory of a network's layers.
pub struct Memory<'b> {
    pub pairs: &'b mut PairList,
    /// Accumulators, then a window's inputs.
    pub head: &'b mut [u8],
    pub activations: &'b mut [u8],
}

/// Runs one network, and writes its logits. `first` is the index of its first layer in the model.
pub fn run(
    network: Network<'_, '_>,
    first: usize,
    memory: Memory<'_>,
    pixels: &[u8],
    logits: &mut [i32],
    on_stage: &mut dyn FnMut(Stage<'_>),
) {
    let Memory { pairs, head, activations } = memory;
    let Some((last, hidden)) = network.layers().split_last() else { return };
    let mut place = Place { start: 0, end: 0 };
    let mut index = first;
    for layer in hidden {
        let is_first = place.end == 0;
        if layer.is_dense() {
            let matrix = layer.any_matrix();
            let input = if is_first { pixels } else { place.of(activations) };
            let accumulators = accumulators(head, layer);
            dense(matrix, input, pairs, accumulators, &mut |part| on_stage(part.of(index)));
            // The accumulators are complete, so the activations can be written over the input.
            place = Place { start: 0, end: layer.outputs() };
            activate(matrix, accumulators, place.of_mut(activations));
        } else if cfg!(feature = "format-2") {
            place = place.next(layer.outputs(), activations.len());
            let (input, output) = place.split(activations, layer.inputs());
            let input = if is_first { pixels } else { input };
            walk(layer, input, pairs, head, output);
            on_stage(Stage::Accumulate { layer: index });
        }
        on_stage(Stage::Activations { layer: index, activations: place.of(activations) });
        index = index.wrapping_add(1);
    }
    let input = if place.end == 0 { pixels } else { place.of(activations) };
    let matrix = last.any_matrix();
    dense(matrix, input, pairs, logits, &mut |part| on_stage(part.of(index)));
    for (logit, requant) in logits.iter_mut().zip(matrix.requants().each()) {
        *logit = requant.logit(*logit);
    }
    on_stage(Stage::Logits { layer: index });
}

/// Runs a layer that moves a window over its input.
#[inline(never)]
fn walk(layer: &Layer<'_>, input: &[u8], pairs: &mut PairList, head: &mut [u8], output: &mut [u8]) {
    match layer.kind() {
        LayerKind::Convolution(window) => {
            let bytes = layer.any_matrix().outputs().wrapping_mul(4);
            let (head, rest) = head.split_at_mut_checked(bytes).unwrap_or_default();
            let accumulators = accumulators(head, layer);
            let copied = rest.get_mut(..layer.any_matrix().inputs()).unwrap_or_default();
            convolve(layer, window, input, Scratch { pairs, accumulators, window: copied }, output);
        }
        LayerKind::Depthwise(window) => depthwise(layer, window, input, accumulators(head, layer), output),
        LayerKind::MaxPool(window) => pool(layer, window, false, input, output),
        LayerKind::AveragePool(window) => pool(layer, window, true, input, output),
        LayerKind::Dense => {}
    }
}

/// Returns the accumulators of `layer` at the start of `head`.
fn accumulators<'h>(head: &'h mut [u8], layer: &Layer<'_>) -> &'h mut [i32] {
    let count = layer.any_matrix().outputs();
    let bytes = head.get_mut(..count.wrapping_mul(4)).unwrap_or_default();
    bytemuck::try_cast_slice_mut(bytes).unwrap_or_default()
}

/// The place of a layer's activations: at the start or at the end of their memory, in turns, so
/// that a layer can read its input while it writes its output.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    /// 0 before the first layer.
    end: usize,
}

impl Place {
    fn of(self, memory: &[u8]) -> &[u8] {
        memory.get(self.start..self.end).unwrap_or_default()
    }

    fn of_mut(self, memory: &mut [u8]) -> &mut [u8] {
        memory.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Returns the place of the next layer's `outputs` in a memory of `length` bytes.
    fn next(self, outputs: usize, length: usize) -> Self {
        let start = if self.start == 0 { length.wrapping_sub(outputs) } else { 0 };
        Self { start, end: start.wrapping_add(outputs) }
    }

    /// Returns the `inputs` at the other end of `memory`, and this place.
    fn split(self, memory: &mut [u8], inputs: usize) -> (&[u8], &mut [u8]) {
        let length = memory.len();
        if self.start == 0 {
            let (output, rest) = memory.split_at_mut_checked(self.end).unwrap_or_default();
            (rest.get(rest.len().wrapping_sub(inputs)..).unwrap_or_default(), output)
        } else {
            let (rest, output) = memory.split_at_mut_checked(self.start.min(length)).unwrap_or_default();
            (rest.get(..inputs).unwrap_or_default(), output)
        }
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
