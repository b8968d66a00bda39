//! Converts a real factor to `prenda`'s `Requant`: a multiplier of 31 bits and a shift.

use prenda::Requant;

/// The largest factor that is guaranteed to fit.
pub const MAX_FACTOR: f64 = (1 << 29) as f64;

/// A factor, split into multiplier and shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequantFit {
    /// `multiplier / 2^shift`, within 2^-31 of the factor.
    Fits(Requant),
    /// Below 2^-32: every product with an accumulator rounds to zero.
    TooSmall,
    /// Above 2^30, the limit of the smallest shift.
    TooLarge,
}

/// Splits a `factor` above 0 into a multiplier in 2^30..2^31 and a shift.
pub fn split(factor: f64) -> RequantFit {
    // Reads the exponent from the bits: a logarithm could be off by one at a power of two.
    let exponent = ((factor.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let mut shift = 30 - exponent;
    let mut multiplier = (factor * f64::exp2(f64::from(shift))).round();
    if multiplier > f64::from(Requant::MAX_MULTIPLIER) {
        // A factor just below a power of two was rounded up to it.
        multiplier /= 2.0;
        shift -= 1;
    }
    if shift > i32::from(Requant::MAX_SHIFT) {
        return RequantFit::TooSmall;
    }
    match u8::try_from(shift).ok().and_then(|shift| Requant::new(multiplier as u32, shift)) {
        Some(requant) => RequantFit::Fits(requant),
        None => RequantFit::TooLarge,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(requant: Requant) -> f64 {
        f64::from(requant.multiplier()) / f64::exp2(requant.shift().into())
    }

    #[test]
    fn edges_of_the_range_are_split_correctly() {
        let parts = |factor| match split(factor) {
            RequantFit::Fits(requant) => (requant.multiplier(), requant.shift()),
            other => panic!("{factor}: {other:?}"),
        };
        assert_eq!(parts(1.0), (1 << 30, 30));
        assert_eq!(parts(0.5), (1 << 30, 31));
        // Rounds up to a power of two, which has another shift.
        assert_eq!(parts(1.0_f64.next_down()), (1 << 30, 30));
        assert_eq!(parts(MAX_FACTOR), (1 << 30, 1));
        assert_eq!(parts(f64::exp2(-32.0)), (1 << 30, 62));
        assert_eq!(parts(f64::exp2(-32.0).next_down()), (1 << 30, 62));
        assert_eq!(split(f64::exp2(-32.0) * 0.999), RequantFit::TooSmall);
        assert_eq!(split(1e-300), RequantFit::TooSmall);
        assert_eq!(split(f64::exp2(30.0)), RequantFit::TooLarge);
        assert_eq!(split(f64::exp2(30.0).next_down()), RequantFit::TooLarge);
        assert_eq!(split(f64::INFINITY), RequantFit::TooLarge);
    }

    proptest! {
        #[test]
        fn a_split_is_within_half_a_step(significand in 1.0_f64..2.0, exponent in -31_i32..29) {
            let factor = significand * f64::exp2(exponent.into());
            let RequantFit::Fits(requant) = split(factor) else { panic!("{factor}") };
            prop_assert!((value(requant) / factor - 1.0).abs() <= f64::exp2(-31.0));
        }
    }
}
