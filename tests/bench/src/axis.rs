//! A chart's axis with round ticks: linear from 0, or logarithmic.

use std::ops::Range;

use host_support::numbers::grouped;

/// Most steps between the ticks of a linear axis.
const MAX_TICKS: f64 = 8.0;

pub struct Axis {
    range: Range<f64>,
    ticks: Vec<f64>,
    is_logarithmic: bool,
}

impl Axis {
    /// Builds an axis from 0 to slightly above the largest of `values`.
    pub fn linear(values: impl Iterator<Item = f64>) -> Self {
        let most = 1.05 * values.fold(1.0, f64::max);
        let step = steps().find(|step| most / step <= MAX_TICKS).unwrap_or(most);
        let ticks = (0_u32..).map(|index| f64::from(index) * step).take_while(|tick| *tick <= most).collect();
        Self { range: 0.0..most, ticks, is_logarithmic: false }
    }

    /// Builds an axis from slightly below the smallest of `values`, at least 1, to slightly above
    /// the largest.
    pub fn logarithmic(values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values.fold((f64::MAX, 1.0), |(least, most), value| (least.min(value), value.max(most)));
        let range = least.clamp(1.0, most) / 1.3..most * 1.3;
        let ticks = steps().skip_while(|tick| *tick < range.start).take_while(|tick| *tick <= range.end).collect();
        Self { range, ticks, is_logarithmic: true }
    }

    /// Builds an axis of shares.
    pub fn shares() -> Self {
        Self {
            range: 0.0..1.0,
            ticks: [0, 2, 4, 6, 8, 10].map(|tenths| f64::from(tenths) / 10.0).into(),
            is_logarithmic: false,
        }
    }

    /// Returns the position of `value` between those of the axis's ends.
    pub fn place(&self, value: f64, [from, to]: [f64; 2]) -> f64 {
        let [start, end, value] = [self.range.start, self.range.end, value].map(|value| self.scaled(value));
        let share = if end > start { (value - start) / (end - start) } else { 0.0 };
        from + share * (to - from)
    }

    fn scaled(&self, value: f64) -> f64 {
        if self.is_logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value }
    }

    /// Returns the position of each tick between those of the axis's ends, and its label.
    pub fn placed(&self, ends: [f64; 2]) -> impl Iterator<Item = (f64, String)> {
        self.ticks.iter().map(move |tick| (self.place(*tick, ends), self.label(*tick)))
    }

    fn label(&self, value: f64) -> String {
        match value {
            _ if self.range.end <= 1.0 => format!("{value:.1}"),
            1e6.. => format!("{} M", value / 1e6),
            1e4.. => format!("{} k", value / 1e3),
            _ => grouped(value.round() as u64),
        }
    }
}

/// Returns 1, 2, 5, 10, 20, 50, and so on.
fn steps() -> impl Iterator<Item = f64> {
    (0..15).flat_map(|power| [1.0, 2.0, 5.0].map(|factor| factor * 10.0_f64.powi(power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_follow_the_scale() {
        let axis = Axis::logarithmic([12_704.0, 812_816.0].into_iter());
        assert_eq!(axis.ticks, [10e3, 20e3, 50e3, 100e3, 200e3, 500e3, 1000e3]);
        let [low, high, higher] = [10e3, 100e3, 1e6].map(|value| axis.place(value, [0.0, 1000.0]));
        assert!((higher - high - (high - low)).abs() < 1e-9);
        assert_eq!([5000.0, 50e3, 2e6].map(|value| axis.label(value)), ["5,000", "50 k", "2 M"]);
        let axis = Axis::linear([6_000.0].into_iter());
        assert_eq!(axis.ticks, [0.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0]);
        assert_eq!([0.0, 6300.0].map(|value| axis.place(value, [100.0, 0.0])), [100.0, 0.0]);
        assert_eq!(
            Axis::shares().placed([0.0, 1.0]).map(|(_, label)| label).collect::<Vec<_>>().join(" "),
            "0.0 0.2 0.4 0.6 0.8 1.0"
        );
    }
}
