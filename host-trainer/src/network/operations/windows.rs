//! Windows of images as rows of a matrix, and their largest values.

use rayon::prelude::*;

use networks::Walk;

/// Number of values that are computed together, which should fit a cache.
const PART_VALUES: usize = 1 << 17;

/// Returns the windows of `images` images.
pub fn gather(values: &[f32], images: usize, walk: &Walk) -> Vec<f32> {
    let stretches = walk.stretches();
    let (from, to) = (walk.input.count(), walk.windows() * walk.values());
    let mut windows = vec![0.0; images * to];
    windows.par_chunks_mut(to).zip(values.par_chunks(from)).for_each(|(windows, image)| {
        for stretch in &stretches {
            let source = &image[stretch.image..stretch.image + stretch.count];
            windows[stretch.window..stretch.window + stretch.count].copy_from_slice(source);
        }
    });
    windows
}

/// Adds the values of windows to their places in the images.
pub fn scatter(windows: &[f32], images: &mut [f32], walk: &Walk) {
    let stretches = walk.stretches();
    let (to, from) = (walk.input.count(), walk.windows() * walk.values());
    images.par_chunks_mut(to).zip(windows.par_chunks(from)).for_each(|(image, windows)| {
        for stretch in &stretches {
            let source = &windows[stretch.window..stretch.window + stretch.count];
            let target = &mut image[stretch.image..stretch.image + stretch.count];
            target.iter_mut().zip(source).for_each(|(sum, value)| *sum += value);
        }
    });
}

/// Returns the number of images whose windows fit a cache.
pub fn images_in_part(walk: &Walk) -> usize {
    (PART_VALUES / (walk.windows() * walk.values())).max(1)
}

/// Returns the largest value of each channel in each window of `images` images, and its place in
/// the image.
pub fn largest(values: &[f32], images: usize, walk: &Walk) -> [Vec<f32>; 2] {
    let stretches = walk.stretches();
    let channels = usize::from(walk.input.channels);
    let outputs = walk.windows() * channels;
    let mut maxima = vec![f32::NEG_INFINITY; images * outputs];
    let mut places = vec![0.0; images * outputs];
    let results = maxima.par_chunks_mut(outputs).zip(places.par_chunks_mut(outputs));
    results.zip(values.par_chunks(walk.input.count())).for_each(|((maxima, places), image)| {
        for stretch in &stretches {
            let first = stretch.window / walk.values() * channels;
            let (maxima, places) = (&mut maxima[first..first + channels], &mut places[first..first + channels]);
            let pixels = image[stretch.image..stretch.image + stretch.count].chunks_exact(channels);
            for (pixel, start) in pixels.zip((stretch.image..).step_by(channels)) {
                let values = pixel.iter().zip(start..);
                for ((maximum, place), (value, own)) in maxima.iter_mut().zip(&mut *places).zip(values) {
                    *place = if value > maximum { own as f32 } else { *place };
                    *maximum = maximum.max(*value);
                }
            }
        }
    });
    [maxima, places]
}

/// Adds the `gradient` of the largest values to their places in the images.
pub fn scatter_to(places: &[f32], gradient: &[f32], images: usize, walk: &Walk) -> Vec<f32> {
    let outputs = walk.windows() * usize::from(walk.input.channels);
    let mut values = vec![0.0; images * walk.input.count()];
    let gradients = places.par_chunks(outputs).zip(gradient.par_chunks(outputs));
    values.par_chunks_mut(walk.input.count()).zip(gradients).for_each(|(image, (places, gradient))| {
        for (place, gradient) in places.iter().zip(gradient) {
            image[*place as usize] += gradient;
        }
    });
    values
}
