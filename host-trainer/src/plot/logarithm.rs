use std::ops::RangeInclusive;

/// A logarithmic axis between two positions, in pixels.
pub struct Logarithm {
    values: [f64; 2],
    places: [f64; 2],
}

impl Logarithm {
    /// Returns an axis from slightly below the smallest of the positive `values` to slightly above
    /// the largest, between two positions.
    pub fn of_values(values: impl Iterator<Item = f64>, places: [f64; 2]) -> Self {
        let values = values.filter(|value| value.is_finite() && *value > 0.0);
        let (least, largest) =
            values.fold((f64::MAX, 0.0_f64), |(least, largest), value| (least.min(value), largest.max(value)));
        let values = if least <= largest { [least / 1.5, largest * 1.5] } else { [1.0, 10.0] };
        Self { values, places }
    }

    /// Returns the position of `value`.
    pub fn place(&self, value: f64) -> f64 {
        let [start, end, value] =
            [self.values[0], self.values[1], value].map(|value| value.max(f64::MIN_POSITIVE).ln());
        let [from, to] = self.places;
        from + (value - start) / (end - start) * (to - from)
    }

    /// Returns ticks: 1, 2 and 5 times powers of ten.
    pub fn ticks(&self) -> Vec<f64> {
        let [start, end] = self.values;
        let powers: RangeInclusive<i32> = start.log10().floor() as i32..=end.log10().ceil() as i32;
        let ticks = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|factor| factor * 10.0_f64.powi(power)));
        ticks.filter(|tick| (start..=end).contains(tick)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ratios_have_equal_distances() {
        let axis = Logarithm::of_values([1500.0, 100e3 / 1.5].into_iter(), [0.0, 1000.0]);
        assert_eq!(axis.ticks(), [1e3, 2e3, 5e3, 10e3, 20e3, 50e3, 100e3]);
        assert_eq!([1e3, 10e3, 100e3].map(|value| axis.place(value).round()), [0.0, 500.0, 1000.0]);
    }

    #[test]
    fn no_values_give_a_default_axis() {
        assert_eq!(Logarithm::of_values([f64::NAN, 0.0].into_iter(), [0.0, 9.0]).ticks(), [1.0, 2.0, 5.0, 10.0]);
    }
}
