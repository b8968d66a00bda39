//! Ranges of numbers in options and records.

use std::fmt::Debug;

use thiserror::Error;

/// A range of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The range in words.
    pub expected: &'static str,
    contains: fn(f64) -> bool,
}

pub const FINITE: Range = Range { expected: "a finite number", contains: f64::is_finite };

pub const ABOVE_ZERO: Range =
    Range { expected: "a finite number above 0", contains: |number| number.is_finite() && number > 0.0 };

pub const NOT_NEGATIVE: Range = Range { expected: "0 or more", contains: |number| number >= 0.0 };

/// A share of a whole.
pub const SHARE: Range = Range { expected: "0..=1", contains: |number| (0.0..=1.0).contains(&number) };

pub const SHARE_BELOW_ONE: Range =
    Range { expected: "0 or more and below 1", contains: |number| (0.0..1.0).contains(&number) };

pub const LEARNING_RATE: Range =
    Range { expected: "above 0 and at most 1", contains: |number| number > 0.0 && number <= 1.0 };

/// A decay rate of a running mean.
pub const BETA: Range = Range { expected: "0.5..=0.9999", contains: |number| (0.5..=0.9999).contains(&number) };

/// A factor of a penalty.
pub const STRENGTH: Range = Range { expected: "0..=10", contains: |number| (0.0..=10.0).contains(&number) };

/// A field with a value out of its range.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} is {found}, expected {expected}")]
pub struct Outside {
    pub field: &'static str,
    found: String,
    expected: String,
}

impl Range {
    pub fn contains(self, number: f64) -> bool {
        (self.contains)(number)
    }

    /// Returns the first of `numbers`, values of `field`, that is out of the range.
    pub fn check(self, field: &'static str, numbers: impl IntoIterator<Item = f64>) -> Option<Outside> {
        let number = numbers.into_iter().find(|number| !self.contains(*number))?;
        Outside::unless(false, field, number, self.expected)
    }
}

impl Outside {
    /// Returns `None` if `is_within`, otherwise the value `found` in `field`.
    pub fn unless(
        is_within: bool,
        field: &'static str,
        found: impl Debug,
        expected: impl Into<String>,
    ) -> Option<Self> {
        (!is_within).then(|| Self { field, found: format!("{found:?}"), expected: expected.into() })
    }
}
