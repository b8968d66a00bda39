//! Convolution: a dense layer that moves over the image.
//!
//! The rows of a window are slices of the input. A core's kernel gathers their non-zero pairs from
//! there; without one, the rows are copied next to each other.

use super::activate::activate;
use super::core::{Core, Current, Sources};
use super::dense::dense;
use super::pair_list::PairList;
use super::window::each_run;
use crate::model::{Layer, Window};

/// The buffers of a convolution.
pub struct Scratch<'w> {
    pub pairs: &'w mut PairList,
    /// One for each output channel.
    pub accumulators: &'w mut [i32],
    /// A window's inputs.
    pub window: &'w mut [u8],
}

/// Writes the activations of `layer`, a convolution with `window`, for `input` to `output`.
pub fn convolve(layer: &Layer<'_>, window: Window, input: &[u8], scratch: Scratch<'_>, output: &mut [u8]) {
    let Scratch { pairs, accumulators, window: copied } = scratch;
    let matrix = layer.any_matrix();
    let channels = layer.input().channels;
    let row_inputs = window.row_inputs(channels);
    let sources = Sources::of(matrix);
    let has_kernel = Current::can_convolve(&sources, accumulators.len());
    let mut outputs = output.chunks_exact_mut(matrix.outputs().max(1));
    // The activations of a window of zeros; all such windows have the same.
    let mut blank: Option<&[u8]> = None;
    let mut finish = |sums: &mut [i32], is_blank: bool| {
        let target = outputs.next().unwrap_or_default();
        match blank {
            Some(known) if is_blank => target.iter_mut().zip(known).for_each(|(place, value)| *place = *value),
            _ => activate(matrix, sums, target),
        }
        if is_blank {
            blank = Some(target);
        }
    };
    each_run(layer, window, &mut |inside, count| {
        let first = inside.first_input(channels, row_inputs);
        let windows = inside.windows(input, count, first, row_inputs);
        if has_kernel && first % 2 == 0 && Current::convolve(&windows, &sources, pairs, accumulators, &mut finish) {
            return;
        }
        inside.each_following(count, |inside| {
            inside.copy(input, channels, row_inputs, copied);
            dense(matrix, copied, pairs, accumulators, &mut |_| ());
            finish(accumulators, false);
        });
    });
}
