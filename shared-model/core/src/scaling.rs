//! Scaling of sensor words to inputs.

use crate::fixed::Requant;

/// Scaling of a raw sensor word to an input, in 0..=255.
///
/// The input is `(raw - offset) * multiplier / 2^shift`, rounded half up like all numbers of a
/// model, and limited to 0..=255. It is exact for each raw word: a difference too large for an
/// `i32` is limited to one, and [`new`](Self::new) checks that the largest one gives 255.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Requant, Scaling};
///
/// // A thermometer of 1/16 degree: -10 degrees become 0, 45 degrees become 255.
/// let factor = 255.0 / (55.0 * 16.0);
/// let multiplier = (factor * (1_u64 << 32) as f64) as u32;
/// let scaling = Scaling::new(-160, Requant::new(multiplier, 32).unwrap()).unwrap();
/// let inputs = [-500, -160, 320, 720, i32::MAX].map(|raw| scaling.input(raw));
/// assert_eq!(inputs, [0, 0, 139, 255, 255]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling {
    offset: i32,
    requant: Requant,
}

impl Scaling {
    /// Raw words are inputs.
    pub(crate) const ONE: Self = Self { offset: 0, requant: Requant::ONE };
    /// Largest input.
    const MAX_INPUT: u8 = 255;

    /// Returns a scaling; `None` if its factor is too small to reach 255 from `offset` with a
    /// difference that fits an `i32`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{Requant, Scaling};
    ///
    /// // 2^-23 * (2^31 - 1) is just below 256.
    /// let least = Requant::new(1 << 30, 53).unwrap();
    /// assert!(Scaling::new(i32::MIN, least).is_some());
    /// let smaller = Requant::new(1 << 30, 54).unwrap();
    /// assert_eq!(Scaling::new(0, smaller), None);
    /// ```
    #[must_use]
    pub const fn new(offset: i32, requant: Requant) -> Option<Self> {
        if requant.activation(i32::MAX) != Self::MAX_INPUT {
            return None;
        }
        Some(Self { offset, requant })
    }

    /// Returns the raw word that gives 0. Smaller ones also do.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let one = prenda::Requant::new(1 << 30, 30).unwrap();
    /// let scaling = prenda::Scaling::new(1000, one).unwrap();
    /// assert_eq!([scaling.offset(), scaling.offset() - 7].map(|raw| scaling.input(raw)), [0, 0]);
    /// ```
    #[must_use]
    pub const fn offset(self) -> i32 {
        self.offset
    }

    /// Returns the factor.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let half = prenda::Requant::new(1 << 30, 31).unwrap();
    /// assert_eq!(prenda::Scaling::new(-5, half).unwrap().requant(), half);
    /// ```
    #[must_use]
    pub const fn requant(self) -> Requant {
        self.requant
    }

    /// Returns the input for a raw word.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let half = prenda::Requant::new(1 << 30, 31).unwrap();
    /// let scaling = prenda::Scaling::new(10, half).unwrap();
    /// assert_eq!([9, 10, 11, 12, 900].map(|raw| scaling.input(raw)), [0, 0, 1, 1, 255]);
    /// ```
    #[must_use]
    pub const fn input(self, raw: i32) -> u8 {
        self.requant.activation(raw.saturating_sub(self.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_raw_word_is_scaled_exactly(
            raw in prop_oneof![any::<i32>(), -300_i32..300, Just(i32::MIN), Just(i32::MAX)],
            offset in prop_oneof![any::<i32>(), -300_i32..300, Just(i32::MIN), Just(i32::MAX)],
            multiplier in Requant::MIN_MULTIPLIER..=Requant::MAX_MULTIPLIER,
            shift in Requant::MIN_SHIFT..=54,
        ) {
            let scaling = Scaling::new(offset, Requant::new(multiplier, shift).unwrap());
            let largest = i128::from(multiplier) * i128::from(i32::MAX) + (1 << shift >> 1);
            prop_assert_eq!(scaling.is_none(), largest < 255 << shift);
            let Some(scaling) = scaling else { return Ok(()) };
            let product = (i128::from(raw) - i128::from(offset)) * i128::from(multiplier);
            let expected = (product + (1 << shift >> 1)) >> shift;
            prop_assert_eq!(i128::from(scaling.input(raw)), expected.clamp(0, 255));
        }
    }
}
