//! Requantization, and the only rounding of accumulators.

/// Fractional bits of a logit. Logits are `i32` in Q15.16, on the same scale for all classes.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// let logit = -657_749; // of a prediction
/// let value = f64::from(logit) / f64::from(1_u32 << prenda::LOGIT_FRACTION_BITS);
/// assert_eq!(format!("{value:.2}"), "-10.04");
/// ```
pub const LOGIT_FRACTION_BITS: u32 = 16;

/// Value of a probability of one. Probabilities are `u16` in Q1.15, and their sum is exactly this.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// let probability = 32_317_u16; // of a prediction
/// let percent = 100.0 * f64::from(probability) / f64::from(prenda::PROBABILITY_ONE);
/// assert_eq!(format!("{percent:.1}"), "98.6");
/// ```
pub const PROBABILITY_ONE: u16 = 1 << 15;

/// Requantization of an `i32` accumulator: a factor `multiplier / 2^shift`, rounded half up.
///
/// The real factor is `s_in * s_w / s_out`. The host splits it once, so that the multiplier keeps
/// 31 significant bits. Inference only multiplies, adds and shifts.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// let half = prenda::Requant::new(1 << 30, 31).expect("both are in range");
/// assert_eq!([half.apply(3), half.apply(-3)], [2, -1]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requant {
    multiplier: u32,
    shift: u8,
}

impl Requant {
    /// Smallest multiplier, 2^30: a smaller one would lose a bit of precision.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Requant;
    ///
    /// assert!(Requant::new(Requant::MIN_MULTIPLIER - 1, 31).is_none());
    /// ```
    pub const MIN_MULTIPLIER: u32 = 1 << 30;
    /// Largest multiplier, 2^31 - 1: it fits a positive `i32`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Requant;
    ///
    /// // The largest factor below one.
    /// let requant = Requant::new(Requant::MAX_MULTIPLIER, 31).unwrap();
    /// assert_eq!(requant.apply(1_000_000_000), 1_000_000_000);
    /// assert_eq!(requant.apply(2_000_000_000), 1_999_999_999);
    /// ```
    pub const MAX_MULTIPLIER: u32 = (1 << 31) - 1;
    /// Smallest shift in bits: rounding needs at least one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Requant;
    ///
    /// // The largest factor.
    /// let requant = Requant::new(Requant::MAX_MULTIPLIER, Requant::MIN_SHIFT).unwrap();
    /// assert_eq!(requant.apply(2), (1 << 31) - 1);
    /// ```
    pub const MIN_SHIFT: u8 = 1;
    /// Largest shift in bits: `acc * m + 2^(shift-1)` still fits in an `i64`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Requant;
    ///
    /// // The smallest factor, 2^-32.
    /// let requant = Requant::new(Requant::MIN_MULTIPLIER, Requant::MAX_SHIFT).unwrap();
    /// assert_eq!([requant.apply(i32::MAX), requant.apply(i32::MIN)], [0, 0]);
    /// ```
    pub const MAX_SHIFT: u8 = 62;

    /// A factor of one.
    pub(crate) const ONE: Self = Self { multiplier: Self::MIN_MULTIPLIER, shift: 30 };

    /// Returns a requantization by `multiplier / 2^shift`; `None` if either is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Requant;
    ///
    /// // 0.3 = 0.6 * 2^31 / 2^32
    /// let requant = Requant::new((0.6 * (1_u64 << 31) as f64) as u32, 32).expect("in range");
    /// assert_eq!(requant.apply(1000), 300);
    /// assert_eq!(Requant::new(3, 4), None); // few bits of precision
    /// ```
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

    /// Returns the multiplier, in 2^30..2^31.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let requant = prenda::Requant::new(3 << 29, 32).unwrap();
    /// let factor = f64::from(requant.multiplier()) / 2_f64.powi(requant.shift().into());
    /// assert_eq!(factor, 0.375);
    /// ```
    #[must_use]
    pub const fn multiplier(self) -> u32 {
        self.multiplier
    }

    /// Returns the right shift in bits, in 1..=62.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let requant = prenda::Requant::new(1 << 30, 37).unwrap();
    /// assert_eq!(requant.shift(), 37);
    /// assert_eq!(requant.apply(1280), 10); // 2^30 / 2^37 is 1/128
    /// ```
    #[must_use]
    pub const fn shift(self) -> u8 {
        self.shift
    }

    /// Like [`new`](Self::new), for values of a parsed model, which are in range. Saves a check in
    /// loops.
    pub(crate) const fn trusted(multiplier: u32, shift: u8) -> Self {
        debug_assert!(Self::new(multiplier, shift).is_some());
        Self { multiplier, shift }
    }

    /// Returns `(accumulator * multiplier + 2^(shift-1)) >> shift`. Halves round up, towards
    /// positive infinity.
    ///
    /// Cannot overflow: the product is below 2^62 in magnitude, the rounding term at most 2^61.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let half = prenda::Requant::new(1 << 30, 31).unwrap();
    /// assert_eq!([-3, -1, 1, 3].map(|sum| half.apply(sum)), [-1, 0, 1, 2]);
    /// ```
    #[must_use]
    pub const fn apply(self, accumulator: i32) -> i64 {
        match self.apply_high(accumulator) {
            Some(scaled) => scaled as i64,
            None => self.apply_low(accumulator),
        }
    }

    /// Like [`apply`](Self::apply), for shifts above 32, which nearly all are; `None` for others.
    ///
    /// The rounding term is above the product's lower half, which therefore does not matter.
    pub(crate) const fn apply_high(self, accumulator: i32) -> Option<i32> {
        let Some(shift) = (self.shift as u32).checked_sub(33) else { return None };
        let high = (multiply_wide(accumulator, self.multiplier as i32) >> 32) as i32;
        // Half a unit is one before the last bit is shifted out.
        Some(high.wrapping_shr(shift).wrapping_add(1) >> 1)
    }

    /// Like [`apply`](Self::apply), for any shift.
    // Not inlined into every loop: that would cost flash.
    #[inline(never)]
    const fn apply_low(self, accumulator: i32) -> i64 {
        let product = multiply_wide(accumulator, self.multiplier as i32);
        product.wrapping_add(1_i64.wrapping_shl((self.shift as u32).wrapping_sub(1))).wrapping_shr(self.shift as u32)
    }

    /// Like [`apply_low`](Self::apply_low), for shifts up to 32, saturated to `i32`.
    ///
    /// Computes in words, which 32-bit cores shift in one instruction.
    // Not inlined, for the same reason.
    #[inline(never)]
    const fn saturating_low(self, accumulator: i32) -> i32 {
        let shift = (self.shift as u32).wrapping_sub(1);
        let rounding = 1_u32.wrapping_shl(shift) as i64;
        let sum = multiply_wide(accumulator, self.multiplier as i32).wrapping_add(rounding);
        // In two steps, since `shift` is one less than the remaining shift.
        let (low, high) = (sum as u32, (sum >> 32) as i32);
        let upper = high.wrapping_shr(shift) >> 1;
        let upper_part = high.cast_unsigned().wrapping_shl(31_u32.wrapping_sub(shift));
        let scaled = low.wrapping_shr(shift) >> 1 | upper_part;
        let scaled = scaled.cast_signed();
        if upper == scaled >> 31 { scaled } else { i32::MAX ^ (upper >> 31) }
    }

    /// Applies ReLU and requantization: returns a hidden activation, `u8` with zero-point 0. Larger
    /// ones become 255.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let quarter = prenda::Requant::new(1 << 30, 32).unwrap();
    /// assert_eq!([-400, 400, 4000].map(|sum| quarter.activation(sum)), [0, 100, 255]);
    /// ```
    #[must_use]
    pub const fn activation(self, accumulator: i32) -> u8 {
        if accumulator <= 0 {
            return 0;
        }
        // Not negative, because the accumulator is positive.
        let scaled = self.saturating(accumulator);
        if scaled > 255 { 255 } else { scaled as u8 }
    }

    /// Returns a logit in Q15.16.
    ///
    /// The parser proves that a model's logits fit an `i32`; other accumulators saturate.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let times_256 = prenda::Requant::new(1 << 30, 22).unwrap();
    /// assert_eq!(times_256.logit(-255), -65_280); // just above -1 in Q15.16
    /// assert_eq!(times_256.logit(i32::MAX), i32::MAX);
    /// ```
    #[must_use]
    pub const fn logit(self, accumulator: i32) -> i32 {
        self.saturating(accumulator)
    }

    /// Like [`apply`](Self::apply), saturated to `i32`.
    #[inline(always)]
    const fn saturating(self, accumulator: i32) -> i32 {
        if let Some(scaled) = self.apply_high(accumulator) {
            return scaled;
        }
        self.saturating_low(accumulator)
    }
}

impl Default for Requant {
    /// Returns one half, a placeholder that is never read.
    fn default() -> Self {
        Self { multiplier: Self::MIN_MULTIPLIER, shift: 31 }
    }
}

/// Returns the 64-bit product. One instruction on most cores, so the only wider multiplication in
/// use.
pub(crate) const fn multiply_wide(a: i32, b: i32) -> i64 {
    (a as i64).wrapping_mul(b as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Requantizes in 128 bits with floor division: slow, but simple.
    fn reference(accumulator: i32, multiplier: u32, shift: u8) -> i128 {
        let product = i128::from(accumulator) * i128::from(multiplier);
        let divisor = 1_i128 << shift;
        (product + divisor / 2).div_euclid(divisor)
    }

    proptest! {
        #[test]
        fn apply_is_round_half_up(
            accumulator in prop_oneof![any::<i32>(), -300_i32..300, Just(i32::MIN), Just(i32::MAX)],
            multiplier in prop_oneof![
                Requant::MIN_MULTIPLIER..=Requant::MAX_MULTIPLIER,
                Just(Requant::MIN_MULTIPLIER),
                Just(Requant::MAX_MULTIPLIER),
            ],
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
    fn parameters_out_of_range_are_rejected() {
        for (multiplier, shift) in [((1 << 30) - 1, 31), (1 << 31, 31), (0, 31), (1 << 30, 0), (1 << 30, 63)] {
            assert_eq!(Requant::new(multiplier, shift), None, "{multiplier} {shift}");
        }
    }
}
