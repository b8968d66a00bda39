//! Windows, weights and biases: what the kernels of a core compute from.

use core::hint::black_box;

use super::outputs::Outputs;
use crate::kernel::pair_list::PairList;
use crate::model::{Matrix, Requants};
use crate::weights::{TILE_OUTPUTS, WeightOrder};

/// Returns `value`. In programs with compiled-in models only, hides it from the compiler, which
/// would link functions that clear and copy bytes just for a few sums.
#[inline(always)]
pub fn hidden(value: i32) -> i32 {
    if cfg!(all(kernel_assembly, not(feature = "blob"))) { black_box(value) } else { value }
}

/// Sets each accumulator to its bias, as far as there are both.
pub fn start_from(biases: &[[u8; 4]], accumulators: &mut [i32]) {
    // Words, if the model is aligned, take fewer instructions than bytes.
    #[cfg(feature = "blob")]
    if let Ok(words) = bytemuck::try_cast_slice::<u8, i32>(biases.as_flattened()) {
        return accumulators.iter_mut().zip(words).for_each(|(accumulator, bias)| *accumulator = i32::from_le(*bias));
    }
    let biases = biases.iter().map(|bias| hidden(i32::from_le_bytes(*bias)));
    accumulators.iter_mut().zip(biases).for_each(|(accumulator, bias)| *accumulator = bias);
}

/// Consecutive windows of one row of outputs, with the same part inside the image.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'i> {
    /// From the first value of the first window.
    pub input: &'i [u8],
    /// Number of windows.
    pub count: usize,
    /// Values from the start of a window to the start of the next.
    pub step: usize,
    /// Number of rows of a window.
    pub rows: usize,
    /// Values of each row.
    pub row_values: usize,
    /// Values from the start of a row to the start of the next.
    pub row_step: usize,
    /// Place of the first row's first value among the inputs of the matrix.
    pub place: usize,
    /// Inputs of the matrix from one row to the next; even.
    pub row_inputs: usize,
}

impl Windows<'_> {
    /// Returns true if there is a window, none is empty, all are inside the input, and their places
    /// are inside a matrix with `inputs`. False if a number has more than 15 bits.
    #[cfg(kernel_assembly)]
    #[inline(always)]
    pub fn are_inside(&self, inputs: usize) -> bool {
        let Self { input, count, step, rows, row_values, row_step, place, row_inputs } = *self;
        // No sum of two products has more than 31 bits.
        let are_small = (count | step | rows | row_values | row_step | place | row_inputs) < 1 << 15;
        let last_row = rows.wrapping_sub(1);
        let last_window = count.wrapping_sub(1).wrapping_mul(step);
        let end = last_window.wrapping_add(last_row.wrapping_mul(row_step)).wrapping_add(row_values);
        let last_place = last_row.wrapping_mul(row_inputs).wrapping_add(place).wrapping_add(row_values);
        let are_there = count != 0 && rows != 0 && row_values != 0;
        let are_apart = row_values <= row_step && row_values <= row_inputs;
        are_small && are_there && are_apart && end <= input.len() && last_place <= inputs
    }
}

/// The parameters, memory and outputs of a convolution that runs.
///
/// Kernels rely on the check of the parameters, so only code in this folder can change them.
pub struct Convolution<'c> {
    /// True if the core's kernel accepts the parameters and the number of sums.
    pub(super) has_kernel: bool,
    pub(super) sources: Sources<'c>,
    pub(super) requants: Requants<'c>,
    pub(super) list: PairList<'c>,
    /// Room for the inputs of a window, or of its vectors.
    pub(super) window: &'c mut [u8],
    /// A place for each output of a window.
    pub(super) sums: &'c mut [i32],
    pub(super) outputs: Outputs<'c>,
}

impl<'c> Convolution<'c> {
    /// Returns the list, the room for the inputs of a window, the sums and the outputs.
    #[inline(always)]
    pub fn memory(&mut self) -> (&mut PairList<'c>, &mut [u8], &mut [i32], &mut Outputs<'c>) {
        let Self { list, window, sums, outputs, .. } = self;
        (list, window, sums, outputs)
    }
}

/// The parameters of a layer's sums.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    pub order: WeightOrder,
    /// Inputs of the matrix.
    pub inputs: usize,
    pub tiles: Tiles<'a>,
    /// Little-endian.
    pub biases: &'a [[u8; 4]],
}

impl<'a> Sources<'a> {
    /// Returns the parameters of a layer with `matrix`, which is in `order`.
    #[inline(always)]
    pub fn of(order: WeightOrder, matrix: &Matrix<'a>) -> Self {
        let inputs = matrix.inputs();
        let tiles = Tiles { weights: matrix.weights(), tile_bytes: order.tile_bytes(inputs) };
        Self { order, inputs, tiles, biases: matrix.biases().as_chunks().0 }
    }

    /// Returns true if there are inputs, and tiles and biases are those of vectors for this many
    /// inputs and outputs.
    ///
    /// The length must match exactly: Helium's kernel runs from the end of one tile into the next.
    #[cfg(any(kernel_helium, not(kernel_assembly)))]
    pub fn are_vectors_for(&self, inputs: usize, outputs: usize) -> bool {
        let has_blocks = inputs.next_multiple_of(16).wrapping_mul(TILE_OUTPUTS) == self.tiles.tile_bytes;
        let has_all = self.tiles.are_for(outputs) && self.biases.len() >= outputs;
        self.order == WeightOrder::Vectors && has_blocks && inputs != 0 && has_all
    }
}

/// The packed weights of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Tiles<'a> {
    pub weights: &'a [u8],
    /// Size of a tile in bytes, for all inputs of the layer.
    pub tile_bytes: usize,
}

impl<'a> Tiles<'a> {
    /// Returns the tiles in order. Endless if they have no bytes, for which `chunks_exact` panics.
    pub fn each(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.weights;
        core::iter::from_fn(move || {
            let (tile, others) = rest.split_at_checked(self.tile_bytes)?;
            rest = others;
            Some(tile)
        })
    }

    /// Returns true if there is a tile for each eight outputs.
    pub fn are_for(&self, outputs: usize) -> bool {
        let bytes = outputs.div_ceil(TILE_OUTPUTS).checked_mul(self.tile_bytes);
        bytes.is_some_and(|bytes| bytes <= self.weights.len())
    }

    /// Calls `add` with tiles and eight sums for each: first all whole ones, then the last one,
    /// which can have fewer outputs.
    ///
    /// There is always at least one tile. The last argument is the number of a tile's sums in use.
    #[cfg(any(test, not(kernel_assembly)))]
    pub fn with_eight(self, sums: &mut [i32], mut add: impl FnMut(Self, &mut [[i32; TILE_OUTPUTS]], usize)) {
        let (whole, rest) = sums.as_chunks_mut::<TILE_OUTPUTS>();
        if !whole.is_empty() {
            add(self, whole, TILE_OUTPUTS);
        }
        if !rest.is_empty() {
            let start = whole.len().wrapping_mul(self.tile_bytes);
            let mut eight = [0; TILE_OUTPUTS];
            eight.iter_mut().zip(&*rest).for_each(|(place, sum)| *place = *sum);
            add(
                Self { weights: self.weights.get(start..).unwrap_or_default(), ..self },
                core::slice::from_mut(&mut eight),
                rest.len(),
            );
            rest.iter_mut().zip(eight).for_each(|(sum, place)| *sum = place);
        }
    }
}
