//! The parts of windows that are inside the image.

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
    /// The first row of the window that is inside.
    pub kernel_row: usize,
    /// The first column of the window that is inside.
    pub kernel_column: usize,
}

impl Inside {
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
#[inline(always)]
pub fn each_window(layer: &Layer<'_>, window: Window, mut each: impl FnMut(Inside)) {
    let (input, output) = (layer.input(), layer.output());
    let channels = usize::from(input.channels);
    let row_step = usize::from(input.columns).wrapping_mul(channels);
    let [top, left, ..] = window.padding;
    for row in 0..output.rows {
        let rows = span(row, window.stride[0], top, window.kernel[0], input.rows);
        for column in 0..output.columns {
            let columns = span(column, window.stride[1], left, window.kernel[1], input.columns);
            let first = rows.first.wrapping_mul(row_step).wrapping_add(columns.first.wrapping_mul(channels));
            each(Inside {
                first,
                row_values: columns.count.wrapping_mul(channels),
                rows: rows.count,
                row_step,
                kernel_row: rows.skipped,
                kernel_column: columns.skipped,
            });
        }
    }
}

/// Returns the part that is inside at `position`.
#[inline(always)]
fn span(position: u16, stride: u8, padding: u8, kernel: u8, size: u16) -> Span {
    // At most 2^16 * 2^8 in size.
    let start = i32::from(position).wrapping_mul(stride.into()).wrapping_sub(padding.into());
    let first = start.max(0);
    let end = start.wrapping_add(kernel.into()).min(size.into());
    Span {
        first: first as usize,
        count: end.wrapping_sub(first).max(0) as usize,
        skipped: first.wrapping_sub(start) as usize,
    }
}
