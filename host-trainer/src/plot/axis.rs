use std::ops::Range;

/// Largest number of ticks of an axis, except for up to two more at its ends.
const MAX_TICKS: f64 = 10.0;

/// A linear axis with ticks at round numbers.
pub struct Axis {
    range: Range<f64>,
    ticks: Vec<f64>,
    decimals: usize,
}

impl Axis {
    /// Returns an axis from `range.start` to `range.end`, which is larger, with ticks at multiples
    /// of a round number.
    pub fn of_values(range: Range<f64>) -> Self {
        let step = round_step((range.end - range.start) / MAX_TICKS);
        let (first, last) = ((range.start / step - 1e-9).ceil(), (range.end / step + 1e-9).floor());
        let ticks = (0..=2 * MAX_TICKS as u32).map(|index| first + f64::from(index)).take_while(|tick| *tick <= last);
        let ticks = ticks.map(|tick| tick * step).collect();
        Self { range, ticks, decimals: (-step.log10().floor()).clamp(0.0, 12.0) as usize }
    }

    /// Returns an axis of epochs from 1 to `last`, with ticks at 1 and at multiples of a round
    /// number.
    pub fn of_epochs(last: u32) -> Self {
        let last = f64::from(last);
        // Long numbers need more room.
        let max_ticks = if last < 1000.0 { MAX_TICKS } else { MAX_TICKS / 2.0 };
        let step = round_step(last / max_ticks).max(1.0);
        let multiples = (1..).map(|index| f64::from(index) * step).take_while(|epoch| *epoch <= last);
        let ticks = [1.0].into_iter().chain(multiples.filter(|epoch| *epoch > 1.0)).collect();
        let room = f64::max(0.5, 0.02 * last);
        Self { range: 1.0 - room..last + room, ticks, decimals: 0 }
    }

    /// Returns an axis that fits `values`, with a margin of a twentieth at both ends.
    pub fn fitting(values: impl Iterator<Item = f64>) -> Self {
        let values = values.filter(|value| value.is_finite());
        let (least, largest) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, largest), value| (least.min(value), largest.max(value)));
        if least > largest {
            return Self::of_values(0.0..1.0);
        }
        // Equal values get a margin, too.
        let margin = f64::max(0.05 * (largest - least), 1e-3 * largest.abs().max(1.0));
        Self::of_values(least - margin..largest + margin)
    }

    /// Returns the position of `value` between those of the axis's ends.
    pub fn place(&self, value: f64, [from, to]: [f64; 2]) -> f64 {
        let Range { start, end } = self.range;
        from + (value - start) / (end - start) * (to - from)
    }

    /// Returns the position of each tick between those of the axis's ends, and its label.
    pub fn placed(&self, ends: [f64; 2]) -> impl Iterator<Item = (f64, String)> {
        self.ticks.iter().map(move |tick| (self.place(*tick, ends), format!("{tick:.*}", self.decimals)))
    }

    /// Returns the values at its ends.
    pub fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// Returns the smallest of 1, 2 and 5 times a power of ten that is at least `least`, which is
/// above 0.
fn round_step(least: f64) -> f64 {
    let power = 10.0_f64.powi(least.log10().floor() as i32);
    // The tolerance keeps a rounding error from turning a step of 1 into 2.
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &Axis) -> String {
        axis.placed([0.0, 1.0]).map(|(_, label)| label).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn epochs_are_whole_numbers_from_one() {
        assert_eq!(ticks(&Axis::of_epochs(1)), "1");
        assert_eq!(ticks(&Axis::of_epochs(5)), "1 2 3 4 5");
        assert_eq!(ticks(&Axis::of_epochs(50)), "1 5 10 15 20 25 30 35 40 45 50");
        assert!(ticks(&Axis::of_epochs(100_000)).starts_with("1 20000 40000 "));
        assert!(ticks(&Axis::of_epochs(u32::MAX)).starts_with("1 1000000000 "));
    }

    #[test]
    fn an_axis_fits_its_values() {
        let range = |values: &[f64]| Axis::fitting(values.iter().copied()).range();
        assert_eq!(range(&[0.5, f64::NAN, 0.9]), 0.48..0.92);
        assert_eq!(range(&[]), 0.0..1.0);
        assert_eq!(range(&[0.25]), 0.249..0.251);
        let axis = Axis::fitting([0.0, 10.0].into_iter());
        assert_eq!([-0.5, 5.0, 10.5].map(|value| axis.place(value, [110.0, 0.0])), [110.0, 55.0, 0.0]);
    }

    #[test]
    fn values_are_round_numbers() {
        assert_eq!(ticks(&Axis::of_values(0.0..1.0)), "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0");
        assert_eq!(ticks(&Axis::of_values(0.0..2.4)), "0.0 0.5 1.0 1.5 2.0");
        assert_eq!(ticks(&Axis::of_values(0.85..1.0)), "0.86 0.88 0.90 0.92 0.94 0.96 0.98 1.00");
        assert_eq!(ticks(&Axis::of_values(0.0..0.003)), "0.0000 0.0005 0.0010 0.0015 0.0020 0.0025 0.0030");
        assert_eq!(ticks(&Axis::of_values(0.0..1e6)).split(' ').count(), 11);
    }
}
