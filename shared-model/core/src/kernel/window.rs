//! The parts of windows that are inside the image.

use core::hint::black_box;

use super::core::Windows;
use crate::model::{Layer, Window};

/// The part of a window along one side that is inside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    /// The first row or column in the image.
    first: usize,
    /// Number of rows or columns.
    count: usize,
    /// Rows or columns of the window before the image.
    skipped: usize,
}

/// The pixels of a window that are inside the image: a slice of the input for each row.
#[derive(Clone, Copy, Debug)]
pub struct Inside {
    /// Index of the first value in the input.
    pub first: usize,
    /// Values of a row: all channels of its pixels.
    pub row_values: usize,
    /// Number of rows.
    pub rows: usize,
    /// Values from one row to the next.
    pub row_step: usize,
    /// Values from one window to the next.
    pub step: usize,
    /// The first row of the window that is inside.
    pub kernel_row: usize,
    /// The first column of the window that is inside.
    pub kernel_column: usize,
}

impl Inside {
    /// Calls `each` with `count` windows from this one on, with the same part inside the image.
    #[inline(always)]
    pub fn each_following(&self, count: u16, mut each: impl FnMut(&Self)) {
        let mut inside = *self;
        for _ in 0..count {
            each(&inside);
            inside.first = inside.first.wrapping_add(inside.step);
        }
    }

    /// Copies the rows from `input` to `window`, to the places from `first` on that are
    /// `row_inputs` apart, and sets all others to zero.
    #[inline(never)]
    pub fn copy(&self, input: &[u8], first: usize, row_inputs: usize, window: &mut [u8]) {
        // Pairs of bytes, since their number is even; hidden, because otherwise the compiler links
        // a function that clears bytes, only for this.
        let zero = black_box([0; 2]);
        window.as_chunks_mut().0.iter_mut().for_each(|pair| *pair = zero);
        let mut start = first;
        for row in self.rows(input) {
            let places = window.get_mut(start..).unwrap_or_default();
            places.iter_mut().zip(row).for_each(|(place, value)| *place = *value);
            start = start.wrapping_add(row_inputs);
        }
    }

    /// Returns this window and the next ones, `count` in all, of a layer with `channels`, whose
    /// matrix has `row_inputs` for a row of a window.
    #[inline(always)]
    pub fn windows<'i>(&self, input: &'i [u8], count: u16, channels: u16, row_inputs: usize) -> Windows<'i> {
        let columns = self.kernel_column.wrapping_mul(channels.into());
        Windows {
            input: input.get(self.first..).unwrap_or_default(),
            count: count.into(),
            step: self.step,
            rows: self.rows,
            row_values: self.row_values,
            row_step: self.row_step,
            place: self.kernel_row.wrapping_mul(row_inputs).wrapping_add(columns),
            row_inputs,
        }
    }

    /// Returns the rows of values in `input`.
    pub fn rows<'i>(&self, input: &'i [u8]) -> impl Iterator<Item = &'i [u8]> + use<'i> {
        let Self { row_step, row_values, .. } = *self;
        let rest = input.get(self.first..).unwrap_or_default();
        let mut start = 0_usize;
        (0..self.rows).map(move |_| {
            let row = rest.get(start..start.wrapping_add(row_values)).unwrap_or_default();
            start = start.wrapping_add(row_step);
            row
        })
    }
}

/// Calls `each` for every position of `window` over the input of `layer`, in the order of outputs.
pub fn each_window(layer: &Layer<'_>, window: Window, each: &mut dyn FnMut(&Inside)) {
    each_run(layer, window, &mut |inside, count| inside.each_following(count, &mut *each));
}

/// Like [`each_window`], but calls `each` once for consecutive windows of a row that have the same
/// part inside the image, with the first one and their number.
// Not inlined, so that all layers share it.
#[inline(never)]
pub fn each_run(layer: &Layer<'_>, window: Window, each: &mut dyn FnMut(&Inside, u16)) {
    let (input, output) = (layer.input(), layer.output());
    let channels = usize::from(input.channels);
    let row_step = usize::from(input.columns).wrapping_mul(channels);
    let [top, left, ..] = window.padding;
    let [row_stride, column_stride] = window.stride;
    for row in 0..output.rows {
        let rows = span(row, row_stride, top, window.kernel[0], input.rows);
        let mut column = 0;
        while column < output.columns {
            let columns = span(column, column_stride, left, window.kernel[1], input.columns);
            let mut count = 1_u16;
            if columns.count == window.kernel[1].into() {
                // A whole window, and so are the next ones that end inside the image.
                let rest = usize::from(input.columns).wrapping_sub(columns.first).wrapping_sub(columns.count);
                let others = rest.checked_div(column_stride.into()).unwrap_or(0) as u16;
                count = count.wrapping_add(others).min(output.columns.wrapping_sub(column));
            }
            let first = rows.first.wrapping_mul(row_step).wrapping_add(columns.first.wrapping_mul(channels));
            let inside = Inside {
                first,
                row_values: columns.count.wrapping_mul(channels),
                rows: rows.count,
                row_step,
                step: usize::from(column_stride).wrapping_mul(channels),
                kernel_row: rows.skipped,
                kernel_column: columns.skipped,
            };
            each(&inside, count);
            column = column.wrapping_add(count);
        }
    }
}

/// Returns the part that is inside at `position`.
#[inline(always)]
fn span(position: u16, stride: u8, padding: u8, kernel: u8, size: u16) -> Span {
    // At most 2^24 in magnitude.
    let start = i32::from(position).wrapping_mul(stride.into()).wrapping_sub(padding.into());
    let first = start.max(0);
    let end = start.wrapping_add(kernel.into()).min(size.into());
    Span {
        first: first as usize,
        count: end.wrapping_sub(first).max(0) as usize,
        skipped: first.wrapping_sub(start) as usize,
    }
}
