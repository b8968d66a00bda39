//! ReLU and requantization: `y[j] = clamp((acc[j] * m[j] + 2^(r[j]-1)) >> r[j], 0, 255)`.

use super::core::{Core, Current};
use crate::model::Matrix;

/// Writes the activations of a hidden layer with `matrix` for its accumulators.
///
/// Outputs without an accumulator or a place are omitted.
pub fn activate(matrix: &Matrix<'_>, accumulators: &[i32], activations: &mut [u8]) {
    let (multipliers, shifts) = (matrix.multipliers(), matrix.shifts());
    if matrix.has_high_shifts() && Current::activate_high(accumulators, multipliers, shifts, activations) {
        return;
    }
    for ((activation, accumulator), requant) in activations.iter_mut().zip(accumulators).zip(matrix.requants()) {
        *activation = requant.activation(*accumulator);
    }
}
