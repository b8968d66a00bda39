//! A list of the pairs of inputs that are not both zero.

use crate::model::SPARE_PAIRS;
use crate::weights::MAX_PAIRS;

/// Two neighbouring inputs and the position of their weights.
///
/// First the inputs: the even one in the lower half, the odd one in the upper; zero only after the
/// last pair. Then the offset: the pair's number, times the core's `PAIR_STEP`. It is an
/// array because a workspace's memory converts to arrays without `unsafe`.
pub type Pair = [u32; 2];

/// A list of pairs, in ascending order of their offsets.
#[derive(Debug)]
pub struct PairList<'m> {
    /// The pairs, then one of zeros.
    places: &'m mut [Pair],
    count: usize,
    /// See [`Self::limit`].
    limit: usize,
}

impl<'m> PairList<'m> {
    /// Returns an empty list in `places`. The caller provides places for all pairs of the layer, or
    /// for `MAX_PAIRS`, and [`SPARE_PAIRS`].
    #[inline(always)]
    pub fn new(places: &'m mut [Pair]) -> Self {
        let pairs = places.len().saturating_sub(SPARE_PAIRS);
        Self::of(places, pairs)
    }

    /// Like [`new`](Self::new), for a layer of `pairs`, which can be more than there are places
    /// for.
    #[inline(always)]
    pub fn of(places: &'m mut [Pair], pairs: usize) -> Self {
        let capacity = places.len().saturating_sub(SPARE_PAIRS);
        let limit = if capacity < MAX_PAIRS && capacity >= pairs {
            capacity
        } else {
            capacity.min(MAX_PAIRS).saturating_sub(4)
        };
        Self { places, count: 0, limit }
    }

    /// Returns the largest number of pairs.
    pub const fn capacity(&self) -> usize {
        self.places.len().saturating_sub(SPARE_PAIRS)
    }

    pub fn pairs(&self) -> &[Pair] {
        self.places.get(..self.count).unwrap_or_default()
    }

    pub const fn count(&self) -> usize {
        self.count
    }

    /// Returns the sum of all inputs in the list.
    #[cfg(any(kernel_assembly, kernel_simd))]
    pub fn sum(&self) -> u32 {
        // Sums both halves at once: neither exceeds 16 bits.
        let both = self.pairs().iter().fold(0_u32, |sum, [inputs, _]| sum.wrapping_add(*inputs));
        (both & 0xFFFF).wrapping_add(both >> 16)
    }

    /// Returns the pairs, followed by a pair of zeros.
    #[cfg(any(test, kernel_assembly))]
    pub const fn terminated(&self) -> &[Pair] {
        self.places
    }

    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Returns the number of pairs above which gathering stops.
    ///
    /// A word, of two pairs, and the two last pairs still fit after it. A list with room for all
    /// pairs of its layer never stops.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Lets `write` append pairs; it takes the number of pairs, and returns the new number and a
    /// value that is passed on.
    #[cfg(kernel_assembly)]
    pub fn write_with<T>(&mut self, write: impl FnOnce(&mut [Pair], usize) -> (usize, T)) -> T {
        let (count, value) = write(self.places, self.count);
        self.count = count;
        value
    }

    /// Empties the list, and returns its memory.
    #[cfg(kernel_assembly)]
    pub fn places(&mut self) -> &mut [Pair] {
        self.count = 0;
        self.places
    }

    /// Appends a pair, unless both inputs are zero or the list is full.
    pub fn push(&mut self, [even, odd]: [u8; 2], offset: usize) {
        if even | odd != 0
            && self.count < self.capacity()
            && let Some(place) = self.places.get_mut(self.count)
        {
            *place = [u32::from(even) | u32::from(odd) << 16, offset as u32];
            self.count = self.count.wrapping_add(1);
        }
    }

    pub fn terminate(&mut self) {
        if let Some(end) = self.places.get_mut(self.count) {
            *end = [0; 2];
        }
    }
}
