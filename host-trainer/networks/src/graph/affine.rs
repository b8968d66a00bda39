//! Scales and shifts between layers, for example batch normalization.

use prenda::Shape;

/// A factor and a summand for each value, `factor * value + summand`, in the order of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    factors: Vec<f64>,
    summands: Vec<f64>,
}

impl Affine {
    /// Creates the function of one factor and one summand for each value.
    pub fn new(factors: Vec<f64>, summands: Vec<f64>) -> Self {
        Self { factors, summands }
    }

    /// Returns the function that applies `self` first, then `other`.
    pub fn then(&self, other: &Self) -> Self {
        let product = self.factors.iter().zip(&other.factors).map(|(one, two)| one * two).collect();
        let both = self.summands.iter().zip(&other.factors).zip(&other.summands);
        Self { factors: product, summands: both.map(|((one, factor), two)| one * factor + two).collect() }
    }

    /// Returns the factor and the summand of each channel, or `None` if they depend on the place in
    /// the image.
    pub fn by_channel(&self, shape: Shape) -> Option<Self> {
        let channels = usize::from(shape.channels);
        let first = |all: &[f64]| -> Option<Vec<f64>> {
            let first = all.get(..channels)?;
            all.chunks(channels).all(|pixel| pixel == first).then(|| first.to_vec())
        };
        Some(Self { factors: first(&self.factors)?, summands: first(&self.summands)? })
    }

    /// Returns the function of values of the shape `shape` from that of each channel.
    pub fn for_pixels(&self, shape: Shape) -> Self {
        let pixels = usize::from(shape.rows) * usize::from(shape.columns);
        Self { factors: self.factors.repeat(pixels), summands: self.summands.repeat(pixels) }
    }

    /// Returns true if a larger value stays larger.
    pub fn is_increasing(&self) -> bool {
        self.factors.iter().all(|factor| *factor > 0.0)
    }

    /// Returns true if zero stays zero.
    pub fn keeps_zero(&self) -> bool {
        self.summands.iter().all(|summand| *summand == 0.0)
    }

    /// Changes weights, `[input][output]`, and biases so that outputs are those of the function.
    pub fn fold_after(&self, weights: &mut [f64], biases: &mut [f64]) {
        for row in weights.chunks_mut(self.factors.len().max(1)) {
            row.iter_mut().zip(&self.factors).for_each(|(weight, factor)| *weight *= factor);
        }
        for ((bias, factor), summand) in biases.iter_mut().zip(&self.factors).zip(&self.summands) {
            *bias = *bias * factor + summand;
        }
    }

    /// Changes the weights of input `input`, one for each output, and biases so that the function
    /// of the value `value` is applied before.
    pub fn fold_before(&self, value: usize, weights: &mut [f64], biases: &mut [f64]) {
        let factor = self.factors.get(value).copied().unwrap_or(1.0);
        let summand = self.summands.get(value).copied().unwrap_or_default();
        for (weight, bias) in weights.iter_mut().zip(biases) {
            *bias += *weight * summand;
            *weight *= factor;
        }
    }
}
