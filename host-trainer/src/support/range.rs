//! Ranges that numbers keep to, whether an option gives them or a record.

/// Whether `number` is a share, 0..=1.
pub fn is_share(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

/// Whether `number` is a share that leaves something, 0 or more and below 1.
pub fn is_share_below_one(number: f64) -> bool {
    (0.0..1.0).contains(&number)
}

/// Whether `number` is a learning rate of the optimizer, above 0 and at most 1.
pub fn is_learning_rate(number: f64) -> bool {
    number > 0.0 && number <= 1.0
}

/// Whether `number` says how much of a running mean is kept at each step, 0.5..=0.9999.
pub fn is_beta(number: f64) -> bool {
    (0.5..=0.9999).contains(&number)
}

/// The first of `fields` that is not within its range.
pub fn first_outside<const N: usize>(fields: [(&'static str, bool); N]) -> Option<&'static str> {
    fields.into_iter().find(|(_, is_within)| !is_within).map(|(name, _)| name)
}
