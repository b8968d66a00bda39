//! The predicted class.

/// Returns the index of the largest logit, the lowest index of several equal ones; 0 for no logits.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// assert_eq!(prenda::argmax(&[-5, 70_000, 70_000]), 1);
/// ```
#[must_use]
pub fn argmax(logits: &[i32]) -> usize {
    let mut best = (0, i32::MIN);
    for (index, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (index, logit);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::argmax;

    #[test]
    fn lowest_index_wins_a_tie() {
        assert_eq!(argmax(&[3, 7, 7, 1]), 1);
        assert_eq!(argmax(&[i32::MIN, i32::MIN]), 0);
        assert_eq!(argmax(&[i32::MIN, 0]), 1);
        assert_eq!(argmax(&[]), 0);
    }
}
