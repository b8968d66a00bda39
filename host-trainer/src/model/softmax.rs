/// Returns the probabilities of `logits`, 0..=1; all NaN if one of the logits is NaN.
pub fn softmax(logits: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let exponentials = logits.map(|logit| (logit - largest).exp());
    let sum: f64 = exponentials.clone().sum();
    exponentials.map(|exponential| exponential / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_shares_of_one() {
        let probabilities = softmax([2.0, 0.0].into_iter());
        assert!((probabilities[0] - 1.0 / (1.0 + (-2.0_f64).exp())).abs() < 1e-12, "{probabilities:?}");
        assert_eq!(softmax([f64::MAX; 2].into_iter()), [0.5, 0.5]);
        assert!(softmax([f64::NAN, 0.0].into_iter()).iter().all(|probability| probability.is_nan()));
    }
}
