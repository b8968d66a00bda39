//! Softmax in integers: `p[j] = exp(z[j]) / sum_k exp(z[k])`, Q15.16 logits to Q1.15 probabilities.
//!
//! The exponents are the distances to the largest logit, so the exponentials are in 0..=1 and never
//! overflow. The method of largest remainders rounds the quotients: their sum is exactly one, each
//! differs by less than one unit from the exact quotient of the exponentials, and no class has a
//! higher probability than that of argmax.

use crate::fixed::{LOGIT_FRACTION_BITS, PROBABILITY_ONE, multiply_wide};

/// log2(e) in Q1.31.
const LOG2_E: u32 = 3_098_164_009;

/// Distance in Q15.16 at which `exp(-d)` is below half a unit of Q16: 17 * ln(2).
const NEGLIGIBLE: u32 = 772_244;

/// Coefficients of 2^-f on 0..1 in Q31, highest power first: the polynomial of degree 5 that
/// interpolates it at the six Chebyshev nodes. Its largest error is 5.7e-8.
// A static, because a constant would be copied to the stack at each call.
static EXP2_COEFFICIENTS: [i32; 5] = [19_776_564, -118_751_808, 515_780_381, -1_488_513_547, 2_147_483_527];
const EXP2_HIGHEST: i32 = -2_033_403;

/// Writes the probabilities of `logits` (Q15.16) to `probabilities` (Q1.15). Their sum is exactly
/// 32768.
///
/// There are at most [`MAX_CLASSES`](crate::MAX_CLASSES) logits. `scratch` and `probabilities` are
/// at least as long as `logits`; logits without a place are omitted.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// let (mut scratch, mut probabilities) = ([0; 2], [0; 2]);
/// prenda::softmax(&[65_536, 0], &mut scratch, &mut probabilities); // logits of 1 and 0
/// assert_eq!(probabilities, [23_955, 8_813]); // 73 % and 27 % of 32,768
/// ```
pub fn softmax(logits: &[i32], scratch: &mut [u32], probabilities: &mut [u16]) {
    let count = logits.len().min(scratch.len()).min(probabilities.len());
    let (Some(logits), Some(scratch), Some(probabilities)) =
        (logits.get(..count), scratch.get_mut(..count), probabilities.get_mut(..count))
    else {
        return;
    };
    let Some(&largest) = logits.iter().max() else { return };
    let mut sum = 0_u32;
    for (exponential, &logit) in scratch.iter_mut().zip(logits) {
        // The difference is in 0..2^32, so it is exact in `u32`.
        *exponential = exp_negative(largest.wrapping_sub(logit).cast_unsigned());
        sum = sum.wrapping_add(*exponential);
    }

    let mut missing = u32::from(PROBABILITY_ONE);
    for (probability, exponential) in probabilities.iter_mut().zip(scratch.iter_mut()) {
        // At most 2^16 << 15. The largest logit's exponential is 2^16, so the sum is not zero.
        let numerator = *exponential << 15;
        let quotient = numerator.checked_div(sum).unwrap_or(0);
        *exponential = numerator.wrapping_sub(quotient.wrapping_mul(sum));
        *probability = quotient as u16;
        missing = missing.wrapping_sub(quotient);
    }

    // Each floor lost less than one unit, so fewer units are missing than there are classes, and
    // each remainder that gets one is positive.
    for _ in 0..missing.min(count as u32) {
        let mut best = (0, 0_u32);
        for (index, &remainder) in scratch.iter().enumerate() {
            if remainder > best.1 {
                best = (index, remainder);
            }
        }
        if let (Some(probability), Some(remainder)) = (probabilities.get_mut(best.0), scratch.get_mut(best.0)) {
            *probability = probability.wrapping_add(1);
            *remainder = 0;
        }
    }
}

/// Returns `exp(-distance)`, with distance in Q16.16 and the result in Q16, 0..=65536, rounded to
/// nearest.
///
/// `exp(-d) = 2^-(n + f)` with `n + f = d * log2(e)`: a polynomial computes the fraction, a shift
/// the integer.
fn exp_negative(distance: u32) -> u32 {
    if distance >= NEGLIGIBLE {
        return 0;
    }
    // Q16 * Q31 = Q47; below 2^52.
    let exponent = u64::from(distance).wrapping_mul(LOG2_E.into());
    let integer = (exponent >> 47) as u32;
    let fraction = (exponent >> 16) as i32 & i32::MAX;
    let power = EXP2_COEFFICIENTS.iter().fold(EXP2_HIGHEST, |power, coefficient| {
        ((multiply_wide(power, fraction) >> 31) as i32).wrapping_add(*coefficient)
    });
    let shift = (31 - LOGIT_FRACTION_BITS).wrapping_add(integer);
    power.cast_unsigned().wrapping_add(1_u32.wrapping_shl(shift.wrapping_sub(1))).wrapping_shr(shift)
}

#[cfg(test)]
#[allow(clippy::float_arithmetic, reason = "the reference uses floating point")]
mod tests {
    extern crate std;

    use super::*;
    use crate::{argmax, model::MAX_CLASSES};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn fixed(logits: &[i32]) -> Vec<u16> {
        let mut probabilities = std::vec![0; logits.len()];
        softmax(logits, &mut std::vec![0; logits.len()], &mut probabilities);
        probabilities
    }

    fn float(logits: &[i32]) -> Vec<f64> {
        let largest = f64::from(*logits.iter().max().unwrap());
        let exponentials: Vec<f64> = logits.iter().map(|&z| ((f64::from(z) - largest) / 65536.0).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        exponentials.iter().map(|e| e / sum).collect()
    }

    proptest! {
        #[test]
        fn probabilities_sum_to_one_and_agree_with_argmax(
            logits in prop_oneof![
                prop::collection::vec(any::<i32>(), 1..=MAX_CLASSES),
                prop::collection::vec(-1_000_000..1_000_000_i32, 1..=MAX_CLASSES),
                prop::collection::vec(-3..3_i32, 1..=MAX_CLASSES),
            ],
        ) {
            let probabilities = fixed(&logits);
            prop_assert_eq!(probabilities.iter().map(|&p| u32::from(p)).sum::<u32>(), 32768);
            let best = probabilities[argmax(&logits)];
            prop_assert!(probabilities.iter().all(|&p| p <= best));
        }

        #[test]
        fn probabilities_are_within_two_units_of_floating_point(
            logits in prop::collection::vec(-1_000_000..1_000_000_i32, 1..=10),
        ) {
            for (fixed, float) in fixed(&logits).into_iter().zip(float(&logits)) {
                prop_assert!((f64::from(fixed) - float * 32768.0).abs() < 2.0, "{fixed} {}", float * 32768.0);
            }
        }
    }

    #[test]
    fn exponentials_are_within_one_unit_everywhere() {
        for distance in 0..NEGLIGIBLE + 10 {
            let exact = (-f64::from(distance) / 65536.0).exp() * 65536.0;
            assert!((f64::from(exp_negative(distance)) - exact).abs() < 0.51, "{distance}");
        }
        assert_eq!(exp_negative(u32::MAX), 0);
    }

    #[test]
    fn known_logits_have_known_probabilities() {
        assert_eq!(fixed(&[5]), [32768]);
        assert_eq!(fixed(&[0, 0, 0]), [10923, 10923, 10922]);
        assert_eq!(fixed(&[i32::MIN, i32::MAX]), [0, 32768]);
        assert_eq!(fixed(&[65536, 0]), [23955, 8813]);
    }
}
