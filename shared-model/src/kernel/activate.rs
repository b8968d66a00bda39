//! ReLU and requantization of a hidden layer: `y[j] = clamp((acc[j] * m[j] + 2^(r[j]-1)) >> r[j], 0, 255)`.

use super::tile;
use crate::blob::DenseLayer;

/// Writes the activations of `layer` for its accumulators. What has no place, or no accumulator, is left out.
pub fn activate(layer: &DenseLayer<'_>, accumulators: &[i32], activations: &mut [u8]) {
    let (multipliers, shifts) = (layer.multipliers(), layer.shifts());
    if layer.has_high_shifts() && tile::activate_high(accumulators, multipliers, shifts, activations) {
        return;
    }
    for ((activation, accumulator), requant) in activations.iter_mut().zip(accumulators).zip(layer.requants()) {
        *activation = requant.activation(*accumulator);
    }
}
