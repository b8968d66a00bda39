//! Ranges of numbers in options and records.

/// Returns true if `number` is a share, 0..=1.
pub fn is_share(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

/// Returns true if `number` is a share below 1, 0..1.
pub fn is_share_below_one(number: f64) -> bool {
    (0.0..1.0).contains(&number)
}

/// Returns true if `number` is a valid learning rate, above 0 and at most 1.
pub fn is_learning_rate(number: f64) -> bool {
    number > 0.0 && number <= 1.0
}

/// Returns true if `number` is a valid decay rate of a running mean, 0.5..=0.9999.
pub fn is_beta(number: f64) -> bool {
    (0.5..=0.9999).contains(&number)
}

/// Returns true if `number` is a valid factor of a penalty, 0..=10.
pub fn is_strength(number: f64) -> bool {
    (0.0..=10.0).contains(&number)
}

/// Returns the first of `fields` that is out of its range.
pub fn first_outside<const N: usize>(fields: [(&'static str, bool); N]) -> Option<&'static str> {
    fields.into_iter().find(|(_, is_within)| !is_within).map(|(name, _)| name)
}
