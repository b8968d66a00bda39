//! Parsers of numbers that options take.

use prenda::MAX_WIDTH;

use crate::support::range::{ABOVE_ZERO, BETA, FINITE, LEARNING_RATE, Range, SHARE, SHARE_BELOW_ONE, STRENGTH};

/// Neurons of each hidden layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Widths(pub Vec<usize>);

/// Parses the neurons of each hidden layer, with commas between them, or `none`.
pub fn widths(text: &str) -> Result<Widths, String> {
    if text == "none" {
        return Ok(Widths(Vec::new()));
    }
    let width = |text: &str| text.parse().ok().filter(|width| (1..=MAX_WIDTH).contains(width));
    let named = |part: &str| format!("found {part:?}, expected 1..={MAX_WIDTH} neurons as in 128 or 512,256, or none");
    text.split(',').map(|part| width(part).ok_or_else(|| named(part))).collect::<Result<_, _>>().map(Widths)
}

/// Parses rows and columns of an image.
pub fn image_size(text: &str) -> Result<[u16; 2], String> {
    let side = |text: &str| text.parse().ok().filter(|side| (1..=MAX_WIDTH as u16).contains(side));
    let sides = text.split_once('x').and_then(|(rows, columns)| Some([side(rows)?, side(columns)?]));
    let fits = |sides: &[u16; 2]| sides.iter().map(|side| usize::from(*side)).product::<usize>() <= MAX_WIDTH;
    sides
        .filter(fits)
        .ok_or_else(|| format!("expected ROWSxCOLUMNS, for example 28x28, with at most {MAX_WIDTH} pixels"))
}

/// Parses a finite number.
pub fn finite(text: &str) -> Result<f64, String> {
    number(text, FINITE)
}

/// Parses a finite number above 0.
pub fn above_zero(text: &str) -> Result<f64, String> {
    number(text, ABOVE_ZERO)
}

/// Parses a share, 0..=1.
pub fn share_of_one(text: &str) -> Result<f64, String> {
    number(text, SHARE)
}

/// Parses a share, 0 or more and below 1.
pub fn share_below_one(text: &str) -> Result<f64, String> {
    number(text, SHARE_BELOW_ONE)
}

/// Parses a learning rate, above 0 and at most 1.
pub fn learning_rate(text: &str) -> Result<f64, String> {
    number(text, LEARNING_RATE)
}

/// Parses the decay rate of a running mean, 0.5..=0.9999.
pub fn beta(text: &str) -> Result<f64, String> {
    number(text, BETA)
}

/// Parses the factor of a penalty, 0..=10.
pub fn strength(text: &str) -> Result<f64, String> {
    number(text, STRENGTH)
}

fn number(text: &str, range: Range) -> Result<f64, String> {
    let expected = range.expected;
    match text.parse::<f64>() {
        // The sum is 0 also for -0, which records would take for another setting.
        Ok(number) if range.contains(number) => Ok(number + 0.0),
        Ok(_) => Err(format!("expected {expected}")),
        Err(_) => Err(format!("not a number; expected {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_numbers_or_none() {
        assert_eq!(widths("512,256"), Ok(Widths(vec![512, 256])));
        assert_eq!(widths("none"), Ok(Widths(Vec::new())));
        for (bad, part) in
            [("", "\"\""), ("1,,2", "\"\""), ("0", "\"0\""), ("16385", "16385"), ("none,1", "none"), ("a", "a")]
        {
            let error = widths(bad).unwrap_err();
            assert!(error.contains(part) && error.contains("1..=16384"), "{error}");
        }
    }

    #[test]
    fn image_sizes_are_rows_and_columns() {
        assert_eq!((image_size("28x14"), image_size("1x16384")), (Ok([28, 14]), Ok([1, 16_384])));
        for bad in ["28", "28x", "0x28", "129x128", "28x28x1", "28 x 28", "-1x2"] {
            image_size(bad).expect_err(bad);
        }
    }

    #[test]
    fn learning_rates_are_checked() {
        assert_eq!(learning_rate("fast"), Err("not a number; expected above 0 and at most 1".to_owned()));
        assert_eq!(learning_rate("1e-3"), Ok(0.001));
        for bad in ["0", "-0.1", "NaN", "inf", "1.5", "fast", ""] {
            learning_rate(bad).expect_err(bad);
        }
    }

    #[test]
    fn decay_rates_are_checked() {
        assert_eq!((beta("0.5"), beta("0.9999")), (Ok(0.5), Ok(0.9999)));
        for bad in ["0", "1", "0.99999", "-0.1", "NaN"] {
            beta(bad).expect_err(bad);
        }
    }

    #[test]
    fn numbers_outside_their_ranges_are_refused() {
        assert_eq!((finite("-2.5"), above_zero("1e-9"), share_of_one("1")), (Ok(-2.5), Ok(1e-9), Ok(1.0)));
        assert!(strength("-0").is_ok_and(f64::is_sign_positive));
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
