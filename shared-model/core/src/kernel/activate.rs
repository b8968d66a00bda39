//! ReLU and requantization: `y[j] = clamp((acc[j] * m[j] + 2^(r[j]-1)) >> r[j], 0, 255)`.

use super::core::{Core, Current};
use crate::model::Matrix;

/// Writes the activations of a hidden layer with `matrix` for its accumulators.
///
/// Outputs without an accumulator or a place are omitted.
pub fn activate(matrix: &Matrix<'_>, accumulators: &[i32], activations: &mut [u8]) {
    Current::activate(&matrix.requants(), accumulators, activations);
}

/// Like [`activate`]. If the caller knows the matrix, it links only the loop that fits.
#[inline(always)]
pub fn activate_in(matrix: &Matrix<'_>, accumulators: &[i32], activations: &mut [u8]) {
    let requants = matrix.requants();
    if !(requants.are_high && Current::activate_high(&requants, accumulators, activations)) {
        activate(matrix, accumulators, activations);
    }
}
