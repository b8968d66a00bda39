//! The learning rate schedule: a linear warm-up, then constant or decaying.

use std::f64::consts::PI;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The learning rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not change
    #[default]
    Constant,
    /// It decays to zero along half a period of a cosine
    Cosine,
}

impl Schedule {
    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Cosine => "cosine",
        }
    }

    /// Returns the learning rate of step `step`, from 0, of `steps`, as a share of the largest:
    /// above 0 and at most 1. It rises during the share `warm_up` of all steps.
    ///
    /// Each step uses the value at its middle, so that neither the first nor the last is zero.
    pub fn factor(self, warm_up: f64, step: u64, steps: u64) -> f64 {
        let done = (step as f64 + 0.5) / steps.max(1) as f64;
        if done < warm_up {
            return done / warm_up;
        }
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (PI * (done - warm_up) / (1.0 - warm_up)).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(schedule: Schedule, warm_up: f64, steps: u64) -> Vec<f64> {
        (0..steps).map(|step| schedule.factor(warm_up, step, steps)).collect()
    }

    #[test]
    fn the_learning_rate_rises_linearly_and_stays() {
        let expected = [0.125, 0.375, 0.625, 0.875, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(factors(Schedule::Constant, 0.5, 8), expected);
        assert_eq!(factors(Schedule::Constant, 0.0, 3), [1.0; 3]);
    }

    #[test]
    fn the_learning_rate_falls_along_a_cosine() {
        let found = factors(Schedule::Cosine, 0.1, 1000);
        assert!(found[..100].is_sorted() && found[100..].iter().rev().is_sorted());
        assert!(found[99] > 0.99 && found[100] > 0.999, "{:?}", &found[99..101]);
        // Half in the middle of the fall, three quarters after a third of it.
        assert!((Schedule::Cosine.factor(0.1, 549, 1000) - 0.5).abs() < 1e-3);
        assert!((Schedule::Cosine.factor(0.1, 399, 1000) - 0.75).abs() < 1e-3);
        assert!((0.0..1e-5).contains(&found[999]), "{}", found[999]);
        // Without a warm-up, the mean is a half.
        assert!((factors(Schedule::Cosine, 0.0, 64).iter().sum::<f64>() / 64.0 - 0.5).abs() < 1e-12);
    }

    #[test]
    fn every_factor_is_above_zero_and_at_most_one() {
        for schedule in [Schedule::Constant, Schedule::Cosine] {
            for warm_up in [0.0, 1e-300, 0.1, 0.5, 0.999, 1.0] {
                for steps in [1, 2, 3, 10, 235] {
                    let found = factors(schedule, warm_up, steps);
                    assert!(found.iter().all(|factor| *factor > 0.0 && *factor <= 1.0), "{warm_up} {found:?}");
                }
            }
        }
        assert_eq!(Schedule::Cosine.factor(1.0, 0, 1), 0.5);
        assert!(Schedule::Cosine.factor(0.1, 0, 0) <= 1.0);
    }
}
