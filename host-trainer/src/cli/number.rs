//! Numbers as options take them.

/// A number that is finite.
pub fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err("not a finite number".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A finite number above 0.
pub fn above_zero(text: &str) -> Result<f64, String> {
    match finite(text)? {
        number if number > 0.0 => Ok(number),
        _ => Err("not above 0".to_owned()),
    }
}

/// A share, 0..=1.
pub fn share_of_one(text: &str) -> Result<f64, String> {
    match finite(text)? {
        share if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("not in 0..=1".to_owned()),
    }
}

/// A step size of the optimizer.
pub fn learning_rate(text: &str) -> Result<f64, String> {
    match finite(text)? {
        rate if rate > 0.0 && rate <= 1.0 => Ok(rate),
        _ => Err("not above 0 and at most 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates_are_checked() {
        assert_eq!(learning_rate("1e-3"), Ok(0.001));
        for bad in ["0", "-0.1", "NaN", "inf", "1.5", "fast", ""] {
            learning_rate(bad).expect_err(bad);
        }
    }

    #[test]
    fn numbers_keep_to_their_ranges() {
        assert_eq!((finite("-2.5"), above_zero("1e-9"), share_of_one("1")), (Ok(-2.5), Ok(1e-9), Ok(1.0)));
        for bad in ["NaN", "-inf", "1e999", "one"] {
            finite(bad).expect_err(bad);
        }
        for bad in ["0", "-0", "-1e-9", "NaN"] {
            above_zero(bad).expect_err(bad);
        }
        for bad in ["-0.01", "1.01", "NaN"] {
            share_of_one(bad).expect_err(bad);
        }
    }
}
