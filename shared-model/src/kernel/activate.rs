//! ReLU and requantization: `y[j] = clamp((acc[j] * m[j] + 2^(r[j]-1)) >> r[j], 0, 255)`.

use super::core::{Core, Current};
use crate::model::DenseLayer;

/// Writes the activations of a hidden `layer` for its accumulators.
///
/// Outputs without an accumulator or a place are omitted.
pub fn activate(layer: &DenseLayer<'_>, accumulators: &[i32], activations: &mut [u8]) {
    let (multipliers, shifts) = (layer.multipliers(), layer.shifts());
    if layer.has_high_shifts() && Current::activate_high(accumulators, multipliers, shifts, activations) {
        return;
    }
    for ((activation, accumulator), requant) in activations.iter_mut().zip(accumulators).zip(layer.requants()) {
        *activation = requant.activation(*accumulator);
    }
}
