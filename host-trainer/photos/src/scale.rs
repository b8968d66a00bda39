//! Scales and blurs, with the same bits as the crate `image`, which takes ten times the code.

use alloc::vec;
use alloc::vec::Vec;
use core::array;
use core::ops::Range;

use libm::{ceilf, floorf, roundf, sqrtf};

use crate::raster::Raster;

/// Passes of the box blur.
const PASSES: usize = 3;

/// The source pixels of a target pixel, along one side, and their weights.
struct Window {
    sources: Range<usize>,
    weights: Vec<f32>,
}

/// Scales `image` with a triangle filter, first its columns, then its rows.
pub fn resize<const N: usize>(image: &Raster<N>, width: u32, height: u32) -> Raster<N> {
    let (old_width, old_height) = image.dimensions();
    if (old_width, old_height) == (width, height) || old_width == 0 || old_height == 0 {
        return image.clone();
    }
    let rows: Vec<&[[u8; N]]> = image.pixels().chunks_exact(old_width as usize).collect();
    let mut narrow: Vec<Vec<[f32; N]>> = Vec::new();
    for Window { sources, weights } in windows(old_height, height) {
        let mut sums = vec![[0.0; N]; old_width as usize];
        for (row, weight) in rows.get(sources).unwrap_or_default().iter().zip(&weights) {
            for (sum, pixel) in sums.iter_mut().zip(*row) {
                add(sum, pixel.map(f32::from), *weight);
            }
        }
        narrow.push(sums);
    }
    let columns: Vec<Window> = windows(old_width, width).collect();
    let pixels = narrow.iter().flat_map(|row| {
        columns.iter().map(|Window { sources, weights }| {
            let mut sum = [0.0; N];
            for (pixel, weight) in row.get(sources.clone()).unwrap_or_default().iter().zip(weights) {
                add(&mut sum, *pixel, *weight);
            }
            // A conversion of a float saturates.
            sum.map(|value| roundf(value) as u8)
        })
    });
    Raster::of((width, height), pixels)
}

fn add<const N: usize>(sum: &mut [f32; N], values: [f32; N], weight: f32) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * weight);
}

/// Returns a window for each of `new` pixels, of `old` ones.
fn windows(old: u32, new: u32) -> impl Iterator<Item = Window> {
    let ratio = old as f32 / new as f32;
    let support = ratio.max(1.0);
    (0..new).map(move |index| {
        let middle = (index as f32 + 0.5) * ratio;
        let first = (floorf(middle - support) as i64).clamp(0, i64::from(old) - 1);
        let end = (ceilf(middle + support) as i64).clamp(first + 1, old.into());
        let middle = middle - 0.5;
        let weight = |source: i64| (1.0 - ((source as f32 - middle) / support).abs()).max(0.0);
        let mut weights: Vec<f32> = (first..end).map(weight).collect();
        let sum: f32 = weights.iter().fold(0.0, |sum, weight| sum + weight);
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Window { sources: first as usize..end as usize, weights }
    })
}

/// Blurs `image` like a Gaussian of standard deviation `sigma`, by three box blurs.
pub fn blur(image: &Raster<1>, sigma: f32) -> Raster<1> {
    let (width, height) = image.dimensions();
    let (width, height) = (width as usize, height as usize);
    let mut blurred = image.clone();
    if width == 0 || height == 0 {
        return blurred;
    }
    let mut between = vec![0; width * height];
    for radius in radii(sigma) {
        let rows = blurred.values().chunks_exact(width).zip(between.chunks_exact_mut(width));
        rows.for_each(|(source, target)| blur_row(source, target, radius));
        blur_columns(&between, blurred.values_mut(), width, radius);
    }
    blurred
}

/// Returns the radii of boxes whose blurs together are like a Gaussian (Kovesi, 2010).
fn radii(sigma: f32) -> [usize; PASSES] {
    let passes = PASSES as f32;
    let ideal = sqrtf((12.0 * (sigma * sigma) / passes) + 1.0);
    let mut small = floorf(ideal);
    if (small as u32).is_multiple_of(2) {
        small -= 1.0;
    }
    let small_passes = 0.25 * passes * (small + 3.0) - 3.0 * (sigma * sigma) * (1.0 / (small + 1.0));
    let small_passes = roundf(small_passes) as usize;
    array::from_fn(|pass| {
        let side = if pass < small_passes { small } else { small + 2.0 } as usize;
        (side.saturating_sub(1) / 2) | 1
    })
}

/// Averages windows of `2 * radius + 1` values; the first and the last value are repeated outside.
fn blur_row(source: &[u8], target: &mut [u8], radius: usize) {
    let last = source.len().saturating_sub(1);
    let at = |index: usize| f32::from(source.get(index.min(last)).copied().unwrap_or_default());
    let weight = 1.0 / (2 * radius + 1) as f32;
    let mut sum = (1..=radius).fold(at(0) * (radius + 1) as f32, |sum, index| sum + at(index));
    for (index, target) in target.iter_mut().enumerate() {
        *target = roundf(sum * weight) as u8;
        sum += at(index + radius + 1);
        sum -= at(index.saturating_sub(radius));
    }
}

/// Like [`blur_row`], for each column of an image of `width` columns.
fn blur_columns(source: &[u8], target: &mut [u8], width: usize, radius: usize) {
    let last = (source.len() / width).saturating_sub(1);
    let row = |index: usize| source.chunks_exact(width).nth(index.min(last)).unwrap_or_default();
    let weight = 1.0 / (2 * radius + 1) as f32;
    let mut sums: Vec<f32> = row(0).iter().map(|value| f32::from(*value) * (radius + 1) as f32).collect();
    for index in 1..=radius {
        sums.iter_mut().zip(row(index)).for_each(|(sum, value)| *sum += f32::from(*value));
    }
    for (index, target) in target.chunks_exact_mut(width).enumerate() {
        let (next, previous) = (row(index + radius + 1), row(index.saturating_sub(radius)));
        for (((target, sum), next), previous) in target.iter_mut().zip(&mut sums).zip(next).zip(previous) {
            *target = roundf(*sum * weight) as u8;
            *sum += f32::from(*next);
            *sum -= f32::from(*previous);
        }
    }
}

#[cfg(test)]
mod tests {
    use image::imageops::{self, FilterType};
    use image::{GrayImage, RgbImage};
    use proptest::prelude::*;

    use super::*;

    fn noise(seed: u32, x: u32, y: u32) -> u8 {
        let hash = (x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b) ^ seed).wrapping_mul(0xc2b2_ae35);
        // Light and dark areas with noise.
        if (x / 7 + y / 5 + seed).is_multiple_of(3) { 255 - (hash >> 28) as u8 } else { (hash >> 24) as u8 }
    }

    proptest! {
        #[test]
        fn scaled_images_are_those_of_the_crate_image(
            (width, height) in (1_u32..300, 1_u32..300), new in (1_u32..70, 1_u32..70), seed: u32,
        ) {
            let grey = Raster::<1>::from_fn(width, height, |x, y| [noise(seed, x, y)]);
            let reference = GrayImage::from_raw(width, height, grey.values().to_vec()).unwrap();
            let reference = imageops::resize(&reference, new.0, new.1, FilterType::Triangle).into_raw();
            prop_assert_eq!(resize(&grey, new.0, new.1).into_values(), reference);
            let colours = Raster::<3>::from_fn(width, height, |x, y| [0, 1, 2].map(|part| noise(seed ^ part, x, y)));
            let reference = RgbImage::from_raw(width, height, colours.values().to_vec()).unwrap();
            let reference = imageops::resize(&reference, new.0, new.1, FilterType::Triangle).into_raw();
            prop_assert_eq!(resize(&colours, new.0, new.1).into_values(), reference);
        }

        #[test]
        fn blurred_images_are_those_of_the_crate_image(
            (width, height) in (1_u32..200, 1_u32..200), sigma in 0.001_f32..30.0, seed: u32,
        ) {
            let grey = Raster::<1>::from_fn(width, height, |x, y| [noise(seed, x, y)]);
            let reference = GrayImage::from_raw(width, height, grey.values().to_vec()).unwrap();
            prop_assert_eq!(blur(&grey, sigma).into_values(), imageops::fast_blur(&reference, sigma).into_raw());
        }
    }
}
