//! Fixed-point rescaling, and the only rounding in the project.

/// Fractional bits of a logit: logits are `i32` in Q15.16, on one scale common to all classes.
pub const LOGIT_FRACTION_BITS: u32 = 16;

/// The value of a probability of one: probabilities are `u16` in Q1.15 and add up to exactly this.
pub const PROBABILITY_ONE: u16 = 1 << 15;

/// Rescales an `i32` accumulator by `multiplier / 2^shift`, rounding half up.
///
/// The real factor is `s_in * s_w / s_out`; it is split once, on the host, so that the multiplier keeps 31 significant
/// bits. Inference only multiplies, adds and shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requant {
    multiplier: u32,
    shift: u8,
}

impl Requant {
    /// Smallest multiplier: below it a bit of precision would be lost.
    pub const MIN_MULTIPLIER: u32 = 1 << 30;
    /// Largest multiplier: a positive `i32`.
    pub const MAX_MULTIPLIER: u32 = (1 << 31) - 1;
    /// Smallest shift: rounding needs a bit to round.
    pub const MIN_SHIFT: u8 = 1;
    /// Largest shift: with it `acc * m + 2^(shift-1)` still fits in an `i64`.
    pub const MAX_SHIFT: u8 = 62;

    /// A rescaling by `multiplier / 2^shift`, or nothing where either is out of range.
    #[must_use]
    pub const fn new(multiplier: u32, shift: u8) -> Option<Self> {
        if multiplier < Self::MIN_MULTIPLIER
            || multiplier > Self::MAX_MULTIPLIER
            || shift < Self::MIN_SHIFT
            || shift > Self::MAX_SHIFT
        {
            return None;
        }
        Some(Self { multiplier, shift })
    }

    /// The multiplier, in 2^30..2^31.
    #[must_use]
    pub const fn multiplier(self) -> u32 {
        self.multiplier
    }

    /// The right shift, in 1..=62 bits.
    #[must_use]
    pub const fn shift(self) -> u8 {
        self.shift
    }

    /// A rescaling whose numbers are in range already, as a parsed model's are: for loops in which checks would tell.
    pub(crate) const fn trusted(multiplier: u32, shift: u8) -> Self {
        debug_assert!(Self::new(multiplier, shift).is_some());
        Self { multiplier, shift }
    }

    /// `(accumulator * multiplier + 2^(shift-1)) >> shift`: half rounds up, towards positive infinity.
    ///
    /// Cannot overflow: the product is below 2^62 in size, the rounding term at most 2^61.
    #[must_use]
    pub const fn apply(self, accumulator: i32) -> i64 {
        match self.apply_high(accumulator) {
            Some(scaled) => scaled as i64,
            None => self.apply_low(accumulator),
        }
    }

    /// [`apply`](Self::apply) for shifts above 32, as nearly all are: the rounding term is above the product's lower half,
    /// which so has no say.
    const fn apply_high(self, accumulator: i32) -> Option<i32> {
        let Some(shift) = (self.shift as u32).checked_sub(33) else { return None };
        let high = (multiply_wide(accumulator, self.multiplier as i32) >> 32) as i32;
        // Half a step is one before the last bit is shifted out.
        Some(high.wrapping_shr(shift).wrapping_add(1) >> 1)
    }

    /// [`apply`](Self::apply) for any shift. Apart, since inlined into every loop it would take more flash than it saves calls.
    #[inline(never)]
    const fn apply_low(self, accumulator: i32) -> i64 {
        let product = multiply_wide(accumulator, self.multiplier as i32);
        product.wrapping_add(1_i64.wrapping_shl((self.shift as u32).wrapping_sub(1))).wrapping_shr(self.shift as u32)
    }

    /// [`apply_low`](Self::apply_low) for shifts up to 32, or the nearest `i32`: in words, which cores of 32 bits shift at once.
    // Apart, as above.
    #[inline(never)]
    const fn saturating_low(self, accumulator: i32) -> i32 {
        let shift = (self.shift as u32).wrapping_sub(1);
        let rounding = 1_u32.wrapping_shl(shift) as i64;
        let sum = multiply_wide(accumulator, self.multiplier as i32).wrapping_add(rounding);
        // In two steps, since `shift` is one less than what is left to shift by.
        let (low, high) = (sum as u32, (sum >> 32) as i32);
        let upper = high.wrapping_shr(shift) >> 1;
        let upper_part = high.cast_unsigned().wrapping_shl(31_u32.wrapping_sub(shift));
        let scaled = low.wrapping_shr(shift) >> 1 | upper_part;
        let scaled = scaled.cast_signed();
        if upper == scaled >> 31 { scaled } else { i32::MAX ^ (upper >> 31) }
    }

    /// ReLU and requantization in one step: a hidden activation, `u8` with zero-point 0.
    #[must_use]
    pub const fn activation(self, accumulator: i32) -> u8 {
        if accumulator <= 0 {
            return 0;
        }
        // Not negative, as the accumulator is not.
        let scaled = self.saturating(accumulator);
        if scaled > 255 { 255 } else { scaled as u8 }
    }

    /// A logit in Q15.16. A parsed model's accumulators fit (the parser proves it); saturates where they would not.
    #[must_use]
    pub const fn logit(self, accumulator: i32) -> i32 {
        self.saturating(accumulator)
    }

    /// [`apply`](Self::apply), or the nearest `i32`.
    #[inline(always)]
    const fn saturating(self, accumulator: i32) -> i32 {
        if let Some(scaled) = self.apply_high(accumulator) {
            return scaled;
        }
        self.saturating_low(accumulator)
    }
}

impl Default for Requant {
    /// One half, the smallest multiplier under its usual shift: a value for places that nothing reads.
    fn default() -> Self {
        Self { multiplier: Self::MIN_MULTIPLIER, shift: 31 }
    }
}

/// `a * b`, all 64 bits of it: one instruction on most cores, and so the only multiplication wider than 32 bits.
pub(crate) const fn multiply_wide(a: i32, b: i32) -> i64 {
    (a as i64).wrapping_mul(b as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same in 128 bits, by floor division: slow, and plainly right.
    fn reference(accumulator: i32, multiplier: u32, shift: u8) -> i128 {
        let product = i128::from(accumulator) * i128::from(multiplier);
        let divisor = 1_i128 << shift;
        (product + divisor / 2).div_euclid(divisor)
    }

    proptest! {
        #[test]
        fn apply_is_round_half_up(
            accumulator in prop_oneof![any::<i32>(), -300_i32..300, Just(i32::MIN), Just(i32::MAX)],
            multiplier in prop_oneof![Requant::MIN_MULTIPLIER..=Requant::MAX_MULTIPLIER, Just(Requant::MIN_MULTIPLIER), Just(Requant::MAX_MULTIPLIER)],
            shift in Requant::MIN_SHIFT..=Requant::MAX_SHIFT,
        ) {
            let requant = Requant::new(multiplier, shift).unwrap();
            let expected = reference(accumulator, multiplier, shift);
            prop_assert_eq!(i128::from(requant.apply(accumulator)), expected);
            prop_assert_eq!(i128::from(requant.activation(accumulator)), expected.clamp(0, 255));
            prop_assert_eq!(i128::from(requant.logit(accumulator)), expected.clamp(i32::MIN.into(), i32::MAX.into()));
        }
    }

    #[test]
    fn halves_round_up_on_both_sides_of_zero() {
        let half = Requant::new(1 << 30, 31).unwrap();
        assert_eq!([-3, -2, -1, 0, 1, 2, 3].map(|a| half.apply(a)), [-1, -1, 0, 0, 1, 1, 2]);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        for (multiplier, shift) in [((1 << 30) - 1, 31), (1 << 31, 31), (0, 31), (1 << 30, 0), (1 << 30, 63)] {
            assert_eq!(Requant::new(multiplier, shift), None, "{multiplier} {shift}");
        }
    }
}
