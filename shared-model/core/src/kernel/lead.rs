//! The lead of the largest logit: a network of a cascade answers if it is large enough.

/// Returns by how much the largest logit exceeds the second largest, in Q15.16.
///
/// Equal largest logits give 0, a single logit `u32::MAX`.
pub fn lead(logits: &[i32]) -> u32 {
    let (mut largest, mut second) = (i32::MIN, i32::MIN);
    for &logit in logits {
        second = second.max(logit.min(largest));
        largest = largest.max(logit);
    }
    if logits.len() < 2 { u32::MAX } else { largest.abs_diff(second) }
}
