//! The requantizations of a layer's outputs.

use crate::bytes::u32_at;
use crate::fixed::Requant;

/// The requantizations of a layer's outputs, in the blob.
#[derive(Clone, Copy, Debug)]
pub struct Requants<'a> {
    /// Little-endian `u32`.
    pub multipliers: &'a [u8],
    pub shifts: &'a [u8],
    /// True if all shifts are above 32.
    pub are_high: bool,
}

impl<'a> Requants<'a> {
    pub const EMPTY: Self = Self { multipliers: &[], shifts: &[], are_high: false };

    pub fn new(multipliers: &'a [u8], shifts: &'a [u8]) -> Self {
        Self { multipliers, shifts, are_high: Self::are_high(shifts) }
    }

    pub const fn are_high(shifts: &[u8]) -> bool {
        let mut rest = shifts;
        while let Some((&shift, others)) = rest.split_first() {
            if shift <= 32 {
                return false;
            }
            rest = others;
        }
        true
    }

    /// Returns the requantizations of a parsed model, whose values are in range.
    pub fn each(&self) -> impl Iterator<Item = Requant> + use<'a> {
        let multipliers = self.multipliers.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        multipliers.zip(self.shifts).map(|(multiplier, &shift)| Requant::trusted(multiplier, shift))
    }

    /// Returns the unchecked multiplier of `output`.
    pub fn multiplier(&self, output: usize) -> u32 {
        u32_at(self.multipliers, output)
    }

    /// Returns the unchecked shift of `output`.
    pub fn shift(&self, output: usize) -> u8 {
        self.shifts.get(output).copied().unwrap_or(0)
    }
}
