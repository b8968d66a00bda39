//! A layer of a case, with the reference computation in 64 bits.

use prenda::{LayerKind, LayerSource, Requant, WeightOrder};

use crate::random::Random;
use crate::weights;

/// A layer with row-major weights.
#[derive(Clone, Copy)]
pub struct Layer<'a> {
    pub order: WeightOrder,
    pub inputs: usize,
    pub weights: &'a [i8],
    pub biases: &'a [i32],
    pub requants: &'a [Requant],
    /// Makes the reference wrong: its first weight is one more.
    pub is_wrong: bool,
}

/// The requantization by a factor of 1.
const EXACT: (u32, u8) = (Requant::MIN_MULTIPLIER, 30);

impl<'a> Layer<'a> {
    /// Draws numbers that the parser accepts.
    pub fn new(
        random: &mut Random,
        order: WeightOrder,
        inputs: usize,
        biases: &'a mut [i32],
        requants: &'a mut [Requant],
        is_last: bool,
    ) -> Self {
        let weights = weights::some(random, order, inputs * biases.len());
        Self::of(random, order, inputs, weights, (biases, requants), is_last)
    }

    /// Like [`new`](Self::new), with these weights.
    pub fn of(
        random: &mut Random,
        order: WeightOrder,
        inputs: usize,
        weights: &'a [i8],
        (biases, requants): (&'a mut [i32], &'a mut [Requant]),
        is_last: bool,
    ) -> Self {
        for ((bias, requant), row) in biases.iter_mut().zip(&mut *requants).zip(weights.chunks_exact(inputs.max(1))) {
            let sum = |sign: i64| row.iter().map(|&weight| (i64::from(weight) * sign).max(0) * 255).sum::<i64>();
            (*bias, *requant) = numbers(random, -sum(-1), sum(1), is_last);
        }
        Self { order, inputs, weights, biases, requants, is_wrong: false }
    }

    /// Returns the layer for the encoder.
    pub const fn source(&self) -> LayerSource<'a> {
        LayerSource {
            kind: LayerKind::Dense,
            order: self.order,
            biases: self.biases,
            requants: self.requants,
            weights: self.weights,
        }
    }

    /// Returns the requantized accumulators for `input`.
    pub fn outputs(&self, input: &[u8]) -> impl Iterator<Item = i64> {
        (0..self.biases.len()).map(move |output| self.output(output, input))
    }

    /// Returns the requantized accumulator of one output.
    pub fn output(&self, output: usize, input: &[u8]) -> i64 {
        let row = self.weights.chunks_exact(self.inputs.max(1)).nth(output).unwrap_or_default();
        let products = row.iter().zip(input).map(|(&weight, &value)| i64::from(weight) * i64::from(value));
        let flaw = if self.is_wrong && output == 0 { input.first().copied().unwrap_or(0).into() } else { 0 };
        let (bias, requant) =
            self.biases.get(output).copied().zip(self.requants.get(output).copied()).unwrap_or_default();
        rescale(products.sum::<i64>() + flaw + i64::from(bias), requant.multiplier(), requant.shift())
    }
}

/// Returns `accumulator * multiplier / 2^shift`, rounded half up.
fn rescale(accumulator: i64, multiplier: u32, shift: u8) -> i64 {
    (accumulator * i64::from(multiplier) + (1 << (shift - 1))) >> shift
}

/// Draws bias and requantization of an output whose weighted sum is in `lowest..=highest`.
fn numbers(random: &mut Random, lowest: i64, highest: i64, is_last: bool) -> (i32, Requant) {
    let bias = match random.below(6) {
        0 => i64::from(i32::MAX) - highest,
        1 => i64::from(i32::MIN) - lowest,
        2 => 0,
        3 => i64::from(random.below(5)) - 2,
        _ => i64::from(random.below(20_000)) - 10_000,
    };
    let multiplier = match random.below(4) {
        0 => Requant::MIN_MULTIPLIER,
        1 => Requant::MAX_MULTIPLIER,
        _ => Requant::MIN_MULTIPLIER + random.below(Requant::MIN_MULTIPLIER),
    };
    let shifts = u32::from(Requant::MAX_SHIFT - Requant::MIN_SHIFT) + 1;
    let shift = match random.below(5) {
        0 => Some(Requant::MIN_SHIFT),
        1 => Some(Requant::MAX_SHIFT),
        2 => Some(Requant::MIN_SHIFT + random.below(shifts) as u8),
        // Activations from 0 to about 255.
        3 => Some((30 + 56_u32.saturating_sub((highest + bias).max(0).leading_zeros())) as u8),
        _ => None,
    };
    // Logits must fit 32 bits. They do for shifts of 31 and more.
    let fits = |shift: &u8| {
        let is_logit = |sum: i64| i32::try_from(rescale(sum, multiplier, *shift)).is_ok();
        !is_last || is_logit(lowest + bias.min(0)) && is_logit(highest + bias.max(0))
    };
    let found = shift.and_then(|shift| (shift..=shift.max(31)).find(fits));
    let (multiplier, shift) = found.map_or(EXACT, |shift| (multiplier, shift));
    (bias as i32, Requant::new(multiplier, shift).unwrap_or_default())
}
