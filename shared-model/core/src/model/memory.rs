//! The memory that a layer needs in a workspace.

use super::layer::{Layer, LayerKind};
use crate::weights::WeightOrder;

/// Inputs of a vector: a kernel reads them together.
pub const VECTOR_INPUTS: usize = 16;

/// Places of a list after its pairs. For a blank window, kernels write four pairs of zeros and the
/// one that ends the list; gathering can write two after its limit.
pub const SPARE_PAIRS: usize = 5;

impl Layer<'_> {
    /// Returns the bytes of memory that the layer needs while it runs: its list of pairs,
    /// accumulators, a window's inputs, and the activations that exist at once.
    ///
    /// `is_first` and `is_last` are its place in its network: an image and logits have memory of
    /// their own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let [hidden, last] = model.layers() else { panic!("two layers") };
    /// let needed = hidden.memory_bytes(true, false).max(last.memory_bytes(false, true));
    /// assert_eq!(needed, model.memory_bytes());
    /// ```
    #[must_use]
    pub fn memory_bytes(&self, is_first: bool, is_last: bool) -> usize {
        let input = if is_first { 0 } else { self.inputs().div_ceil(4) };
        let output = if is_last { 0 } else { self.outputs().div_ceil(4) };
        // A dense layer writes its activations over its input.
        let activations = if self.is_dense() { input.max(output) } else { input.wrapping_add(output) };
        let window = self.window_bytes().div_ceil(4);
        let words = activations.wrapping_add(self.list_places().wrapping_mul(2)).wrapping_add(window);
        let sums = if is_last { 0 } else { self.any_matrix().outputs() };
        words.wrapping_add(sums).wrapping_mul(4)
    }

    /// Returns the places of the layer's list of pairs, of two words each.
    pub(crate) fn list_places(&self) -> usize {
        match self.list_pairs() {
            0 => 0,
            pairs => pairs.wrapping_add(SPARE_PAIRS),
        }
    }

    /// Returns the bytes for the inputs of a window, or of its vectors; 0 if the layer is not a
    /// convolution.
    pub(crate) fn window_bytes(&self) -> usize {
        let inputs = self.any_matrix().inputs();
        match self.kind() {
            LayerKind::Convolution(_) if self.any_matrix().order == WeightOrder::Vectors => {
                inputs.next_multiple_of(VECTOR_INPUTS)
            }
            LayerKind::Convolution(_) => inputs,
            _ => 0,
        }
    }
}
