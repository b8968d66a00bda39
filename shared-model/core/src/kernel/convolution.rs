//! Convolution: a dense layer that moves over the image.
//!
//! The rows of a window are slices of the input. A core's kernel gathers their non-zero pairs from
//! there; without one, the rows are copied next to each other.

use super::activate::activate;
use super::core::{Core, Current, Outputs, Sources};
use super::dense::dense;
use super::pair_list::PairList;
use super::window::each_run;
use crate::model::{Layer, Matrix, Window};
use crate::weights::WeightOrder;

/// The memory of a layer besides its activations.
pub struct Scratch<'m> {
    pub list: PairList<'m>,
    /// One for each output of the matrix.
    pub accumulators: &'m mut [i32],
    /// Room for the inputs of a window, or of its vectors.
    pub rest: &'m mut [u8],
}

/// Computes the sums of windows that the core's kernel rejects.
pub trait Rejected {
    /// False if no window is rejected: a constant, so that the compiler omits `add`.
    const EXISTS: bool = true;

    /// Like [`dense`], without its stages.
    fn add(matrix: &Matrix<'_>, input: &[u8], list: &mut PairList<'_>, sums: &mut [i32]);
}

/// For a matrix in any order.
enum Any {}

impl Rejected for Any {
    fn add(matrix: &Matrix<'_>, input: &[u8], list: &mut PairList<'_>, sums: &mut [i32]) {
        dense(matrix, input, list, sums, &mut |_| ());
    }
}

/// Writes the activations of `layer`, a convolution with `window`, for `input` to `output`.
pub fn convolve(layer: &Layer<'_>, window: Window, input: &[u8], scratch: Scratch<'_>, output: &mut [u8]) {
    convolve_in::<Any>(layer.any_matrix().order(), layer, window, input, scratch, output);
}

/// Like [`convolve`], for a matrix in `order`. If the caller knows it, other orders cost no code.
#[inline(always)]
pub fn convolve_in<R: Rejected>(
    order: WeightOrder,
    layer: &Layer<'_>,
    window: Window,
    input: &[u8],
    scratch: Scratch<'_>,
    output: &mut [u8],
) {
    let Scratch { list, accumulators: sums, rest } = scratch;
    let copied = rest.get_mut(..layer.window_bytes()).unwrap_or_default();
    let matrix = layer.any_matrix();
    let channels = layer.input().channels;
    let row_inputs = window.row_inputs(channels);
    let (sources, requants) = (Sources::of(order, matrix), matrix.requants());
    let outputs = Outputs::new(output, matrix.outputs());
    let mut convolution = Current::convolution(sources, requants, list, copied, sums, outputs);
    each_run(layer, window, &mut move |inside, count| {
        let windows = inside.windows(input, count, channels, row_inputs);
        if Current::convolve(&mut convolution, &windows) {
            return;
        }
        if !R::EXISTS {
            debug_assert!(false, "a window was rejected");
            return;
        }
        inside.each_following(count, |inside| {
            let (list, window, sums, outputs) = convolution.memory();
            inside.copy(input, windows.place, row_inputs, window);
            R::add(matrix, window, list, sums);
            outputs.write(false, |activations| activate(matrix, sums, activations));
        });
    });
}
