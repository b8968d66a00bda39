//! Pools: the largest value or the mean of each channel in a window.

use super::window::each_window;
use crate::model::{Layer, Window};

/// Writes the largest value of each channel in `window` to `output`.
pub fn max_pool(layer: &Layer<'_>, window: Window, input: &[u8], output: &mut [u8]) {
    let channels = usize::from(layer.input().channels);
    let mut outputs = output.chunks_exact_mut(channels.max(1));
    each_window(layer, window, &mut |inside| {
        let target = outputs.next().unwrap_or_default();
        target.fill(0);
        for pixel in inside.rows(input).flat_map(|row| row.chunks_exact(channels.max(1))) {
            for (largest, value) in target.iter_mut().zip(pixel) {
                *largest = (*largest).max(*value);
            }
        }
    });
}

/// Writes the mean of each channel in `window` to `output`: that of the pixels inside the image,
/// with half rounded up.
pub fn average_pool(layer: &Layer<'_>, window: Window, input: &[u8], output: &mut [u8]) {
    let channels = usize::from(layer.input().channels);
    let mut outputs = output.chunks_exact_mut(channels.max(1));
    each_window(layer, window, &mut |inside| {
        let target = outputs.next().unwrap_or_default();
        for (channel, mean) in target.iter_mut().enumerate() {
            let (mut sum, mut count) = (0_u32, 0_u32);
            for value in inside.rows(input).flat_map(|row| row.iter().skip(channel).step_by(channels.max(1))) {
                // At most 2^16 values of 255.
                sum = sum.wrapping_add((*value).into());
                count = count.wrapping_add(1);
            }
            *mean = sum.wrapping_add(count / 2).checked_div(count).unwrap_or(0) as u8;
        }
    });
}
