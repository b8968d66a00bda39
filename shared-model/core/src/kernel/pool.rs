//! Pools: the largest value or the mean of each channel in a window.

use super::window::each_window;
use crate::model::{Layer, Window};

/// Writes a value for each channel in `window` to `output`: the largest, or, with `is_average`, the
/// mean of the pixels inside the image, with half rounded up.
pub fn pool(layer: &Layer<'_>, window: Window, is_average: bool, input: &[u8], output: &mut [u8]) {
    let channels = usize::from(layer.input().channels);
    let mut outputs = output.chunks_exact_mut(channels.max(1));
    each_window(layer, window, &mut |inside| {
        for (channel, place) in outputs.next().unwrap_or_default().iter_mut().enumerate() {
            let (mut largest, mut sum, mut count) = (0_u8, 0_u32, 0_u32);
            for row in inside.rows(input) {
                for &value in row.iter().skip(channel).step_by(channels.max(1)) {
                    largest = largest.max(value);
                    // At most 2^16 values of 255.
                    sum = sum.wrapping_add(value.into());
                    count = count.wrapping_add(1);
                }
            }
            let mean = || sum.wrapping_add(count / 2).checked_div(count).unwrap_or(0) as u8;
            *place = if is_average { mean() } else { largest };
        }
    });
}
