//! The call of a kernel in assembly for consecutive windows of a convolution.

use super::sources::{Convolution, Sources, Windows};
use crate::kernel::pair_list::Pair;
use crate::model::Requants;
use crate::weights::TILE_OUTPUTS;

/// A kernel for consecutive windows of a convolution: computes their sums and activations.
///
/// # Safety
///
/// `windows`, `rows`, `row_values` and `outputs` are not 0, and `outputs` is a multiple of eight.
/// At `first` there are that many windows, `step` bytes apart, each of `rows` rows with
/// `row_values` bytes, and `row_gap` bytes from the end of a row to the start of the next. At
/// `output` there is room for `outputs` bytes for each window, and at `sums` for one window's sums.
///
/// There is a tile of `tile_bytes` for every eight outputs, and a bias, multiplier and shift for
/// each output. All shifts are above 32. Everything is aligned to four bytes. `blank` has `outputs`
/// activations, or is null.
///
/// A kernel for pairs has weights in [`WeightOrder::Pairs`](crate::weights::WeightOrder::Pairs).
/// `list` has room for the pairs of a window and one more, at least for five. They have offsets
/// from `offset` on, and `offset_gap` from the last pair of a row to the first of the next; a tile
/// has a block for each.
///
/// A kernel for vectors has weights in
/// [`WeightOrder::Vectors`](crate::weights::WeightOrder::Vectors). `tile_bytes` is 128 for each 16
/// inputs of the matrix, the last ones padded, and not 0. `list` has room for `tile_bytes / 8`
/// bytes, all zero. The first row of a window is copied to `offset`, the others with `offset_gap`
/// bytes after the end of the one before, all inside this room.
pub type ConvolveKernel = unsafe extern "C" fn(arguments: &mut Arguments);

/// The arguments of a [`ConvolveKernel`]. Kernels load neighbours together, so their order matters.
///
/// A kernel can change `first`, `output` and `windows`. It sets `blank` to the activations of the
/// first window whose inputs are all zero, if it is null, and copies them for other such windows.
#[repr(C)]
pub struct Arguments {
    pub first: *const u8,
    pub row_gap: usize,
    /// Pairs, or the inputs of a window for vectors.
    pub list: *mut Pair,
    pub offset: usize,
    pub row_values: usize,
    pub offset_gap: usize,
    pub rows: usize,
    pub tile_bytes: usize,
    pub tiles: *const u8,
    pub biases: *const i32,
    pub multipliers: *const u32,
    pub shifts: *const u8,
    pub output: *mut u8,
    pub outputs: usize,
    pub step: usize,
    pub windows: usize,
    pub blank: *const u8,
    /// For kernels that do not keep sums in registers.
    pub sums: *mut i32,
}

/// Offsets of a window's rows, in the units of a kernel.
#[derive(Clone, Copy)]
pub struct Offsets {
    /// Offset of the first row.
    pub first: usize,
    /// From the end of a row to the start of the next.
    pub gap: usize,
}

/// Returns true if there are parameters for `outputs`, as a [`ConvolveKernel`] requires, apart from
/// the weights' order.
pub fn are_outputs_for(sources: &Sources<'_>, requants: &Requants<'_>, outputs: usize) -> bool {
    let Sources { tiles, biases, .. } = *sources;
    let Requants { multipliers, shifts, are_high } = *requants;
    let are_there = biases.len() >= outputs && multipliers.len() / 4 >= outputs && shifts.len() >= outputs;
    let tables = multipliers.as_ptr().addr() | shifts.as_ptr().addr() | biases.as_ptr().addr();
    let are_words = (tables | tiles.weights.as_ptr().addr() | tiles.tile_bytes).is_multiple_of(4);
    let are_tiles = outputs != 0 && outputs.is_multiple_of(TILE_OUTPUTS) && tiles.are_for(outputs);
    are_there && are_words && are_tiles && are_high
}

/// Calls `kernel` for `windows`. Returns false, and does nothing, if they are not inside the input
/// and the matrix, or if their activations do not fit the output.
///
/// # Safety
///
/// [`are_outputs_for`] is true for the number of sums. Weights and `list` are as the kernel
/// requires for `offsets`.
#[inline(always)]
pub unsafe fn convolve(
    kernel: ConvolveKernel,
    convolution: &mut Convolution<'_>,
    windows: &Windows<'_>,
    offsets: Offsets,
    list: *mut Pair,
) -> bool {
    let Convolution { sources, requants, sums, outputs, .. } = convolution;
    let count = sums.len();
    if !windows.are_inside(sources.inputs) {
        return false;
    }
    let Some((output, blank)) = outputs.room(windows.count, count) else { return false };
    let mut arguments = Arguments {
        first: windows.input.as_ptr(),
        row_gap: windows.row_step.wrapping_sub(windows.row_values),
        list,
        offset: offsets.first,
        row_values: windows.row_values,
        offset_gap: offsets.gap,
        rows: windows.rows,
        tile_bytes: sources.tiles.tile_bytes,
        tiles: sources.tiles.weights.as_ptr(),
        biases: sources.biases.as_ptr().cast(),
        multipliers: requants.multipliers.as_ptr().cast(),
        shifts: requants.shifts.as_ptr(),
        output,
        outputs: count,
        step: windows.step,
        windows: windows.count,
        blank,
        sums: sums.as_mut_ptr(),
    };
    // SAFETY: the windows are inside the input, and there is room for their activations and for the
    // sums. The caller guarantees the rest.
    unsafe { kernel(&mut arguments) };
    outputs.advance(count.wrapping_mul(windows.count), arguments.blank);
    true
}
