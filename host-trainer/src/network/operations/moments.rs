//! Batch normalization (Ioffe and Szegedy, 2015, algorithm 1), followed by ReLU.

use std::ops::Range;

use rayon::prelude::*;

use super::EPSILON;

/// Minimum number of columns that a loop handles.
const WIDTH: usize = 64;

/// Loops in one task. Fixed, so that sums have the same order everywhere.
const PART: usize = 128;

/// Mean and variance of each column.
pub struct Moments {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

impl Moments {
    /// Measures each of `columns` in a matrix.
    pub fn of(values: &[f32], columns: usize) -> Self {
        let mean = column_means(values.len(), columns, |part, sums| {
            for values in values[part].chunks(sums.len()) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        });
        let wide = repeated(&mean);
        let variance = column_means(values.len(), columns, |part, sums| {
            for values in values[part].chunks(sums.len()) {
                let values = values.iter().zip(&wide);
                sums.iter_mut().zip(values).for_each(|(sum, (value, mean))| *sum += (value - mean) * (value - mean));
            }
        });
        Self { mean, variance }
    }

    /// Returns the reciprocal of each column's deviation.
    fn reciprocals(&self) -> impl Iterator<Item = f32> {
        self.variance.iter().map(|variance| (variance + EPSILON).sqrt().recip())
    }

    /// Returns the factor and the offset of each column that normalize it.
    fn factors(&self, scale: &[f32], shift: &[f32]) -> [Vec<f32>; 2] {
        let factors: Vec<f32> = self.reciprocals().zip(scale).map(|(reciprocal, scale)| scale * reciprocal).collect();
        let offsets = factors.iter().zip(&self.mean).zip(shift).map(|((factor, mean), shift)| shift - mean * factor);
        let offsets: Vec<f32> = offsets.collect();
        [repeated(&factors), repeated(&offsets)]
    }

    /// Returns the normalized values, or zero if they are negative.
    pub fn activate(&self, values: &[f32], scale: &[f32], shift: &[f32]) -> Vec<f32> {
        let [factors, offsets] = self.factors(scale, shift);
        let mut results = vec![0.0; values.len()];
        let parts = results.par_chunks_mut(PART * factors.len()).zip(values.par_chunks(PART * factors.len()));
        parts.for_each(|(results, values)| {
            for (results, values) in results.chunks_mut(factors.len()).zip(values.chunks(factors.len())) {
                let values = values.iter().zip(&factors).zip(&offsets);
                results.iter_mut().zip(values).for_each(|(result, ((value, factor), offset))| {
                    *result = (value * factor + offset).max(0.0);
                });
            }
        });
        results
    }

    /// Returns the gradients of values, scale and shift, from that of the activations.
    pub fn gradients(&self, values: &[f32], gradient: &[f32], scale: &[f32], shift: &[f32]) -> [Vec<f32>; 3] {
        let columns = scale.len();
        let count = (values.len() / columns) as f32;
        let [factors, offsets] = self.factors(scale, shift);
        let width = factors.len();
        // The gradient of the normalized values: that of the activations which are not zero.
        let mut inner = vec![0.0; values.len()];
        let parts = inner.par_chunks_mut(PART * width);
        parts.zip(values.par_chunks(PART * width).zip(gradient.par_chunks(PART * width))).for_each(
            |(inner, (values, gradient))| {
                let rows = values.chunks(width).zip(gradient.chunks(width));
                for (inner, (values, gradient)) in inner.chunks_mut(width).zip(rows) {
                    let numbers = values.iter().zip(gradient).zip(factors.iter().zip(&offsets));
                    inner.iter_mut().zip(numbers).for_each(|(inner, ((value, gradient), (factor, offset)))| {
                        *inner = if value * factor + offset > 0.0 { *gradient } else { 0.0 };
                    });
                }
            },
        );
        let by_shift = column_means(values.len(), columns, |part, sums| {
            for gradient in inner[part].chunks(sums.len()) {
                sums.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
            }
        });
        let wide = repeated(&self.mean);
        let by_value = column_means(values.len(), columns, |part, sums| {
            for (values, gradient) in values[part.clone()].chunks(sums.len()).zip(inner[part].chunks(sums.len())) {
                let numbers = values.iter().zip(gradient).zip(&wide);
                sums.iter_mut()
                    .zip(numbers)
                    .for_each(|(sum, ((value, gradient), mean))| *sum += gradient * (value - mean));
            }
        });
        // The gradient of a value is a sum of `inner`, the value and 1, with these factors.
        let mut factors = [const { Vec::new() }; 3];
        let numbers = self.reciprocals().zip(scale).zip(&self.mean).zip(by_shift.iter().zip(&by_value));
        for (((reciprocal, scale), mean), (by_shift, by_value)) in numbers {
            let of_gradient = scale * reciprocal;
            let of_value = -of_gradient * reciprocal * reciprocal * by_value;
            factors[0].push(of_gradient);
            factors[1].push(of_value);
            factors[2].push(-of_gradient * by_shift - of_value * mean);
        }
        let [first, second, third] = factors.map(|factors| repeated(&factors));
        inner.par_chunks_mut(PART * width).zip(values.par_chunks(PART * width)).for_each(|(results, values)| {
            for (results, values) in results.chunks_mut(width).zip(values.chunks(width)) {
                let numbers = values.iter().zip(first.iter().zip(&second).zip(&third));
                results.iter_mut().zip(numbers).for_each(|(result, (value, ((first, second), third)))| {
                    *result = *result * first + value * second + third;
                });
            }
        });
        let by_scale = self.reciprocals().zip(by_value).map(|(reciprocal, mean)| reciprocal * mean * count).collect();
        [inner, by_scale, by_shift.iter().map(|mean| mean * count).collect()]
    }
}

/// Repeats the values of columns, so that a loop over them is long enough to be fast.
fn repeated(columns: &[f32]) -> Vec<f32> {
    columns.repeat(WIDTH.div_ceil(columns.len()))
}

/// Returns the mean of each of `columns` in a matrix of `count` values. `add` adds the values in a
/// range to sums, which repeat the columns.
fn column_means(count: usize, columns: usize, add: impl Fn(Range<usize>, &mut [f32]) + Sync) -> Vec<f32> {
    let width = columns * WIDTH.div_ceil(columns);
    let tasks = (0..count.div_ceil(PART * width)).into_par_iter().map(|task| {
        let mut sums = vec![0.0; width];
        add(task * PART * width..((task + 1) * PART * width).min(count), &mut sums);
        sums
    });
    let mut totals = vec![0.0; columns];
    for sums in tasks.collect::<Vec<Vec<f32>>>() {
        for sums in sums.chunks(columns) {
            totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(*sum));
        }
    }
    totals.into_iter().map(|total| (total * columns as f64 / count as f64) as f32).collect()
}
