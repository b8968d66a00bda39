//! A list of the pairs of inputs that are not both zero.

use crate::weights::MAX_PAIRS;

/// Two neighbouring inputs and the position of their weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Pair {
    /// The even input in the lower half, the odd one in the upper; zero only after the last pair.
    pub inputs: u32,
    /// The pair's number, times the core's `PAIR_STEP`.
    pub offset: u32,
}

/// The pairs of a list, followed by a pair of zeros.
pub type Pairs = [Pair; MAX_PAIRS + 1];

/// A list of at most [`MAX_PAIRS`] pairs, in ascending order of their offsets.
#[derive(Clone, Debug)]
pub struct PairList {
    pairs: Pairs,
    /// 32 bits on every machine, so that the host can compute the size of a device's workspace.
    count: u32,
}

const _: () = assert!(size_of::<PairList>() == 1036, "the size in the documentation of `Workspace`");

impl PairList {
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: [Pair { inputs: 0, offset: 0 }; MAX_PAIRS + 1], count: 0 }
    }

    pub fn pairs(&self) -> &[Pair] {
        self.pairs.get(..self.count as usize).unwrap_or_default()
    }

    pub const fn count(&self) -> usize {
        self.count as usize
    }

    /// Returns the sum of all inputs in the list.
    #[cfg(any(kernel_assembly, kernel_simd))]
    pub fn sum(&self) -> u32 {
        // Sums both halves at once: neither exceeds 16 bits.
        let both = self.pairs().iter().fold(0_u32, |sum, pair| sum.wrapping_add(pair.inputs));
        (both & 0xFFFF).wrapping_add(both >> 16)
    }

    /// Returns the pairs, followed by a pair of zeros.
    #[cfg(any(test, kernel_assembly))]
    pub const fn terminated(&self) -> &Pairs {
        &self.pairs
    }

    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Returns true if fewer than four places are left.
    pub const fn is_full(&self) -> bool {
        self.count as usize > MAX_PAIRS - 4
    }

    /// Lets `write` append pairs; it takes the number of pairs, and returns the new number and a
    /// value that is passed on.
    #[cfg(kernel_assembly)]
    pub fn write_with<T>(&mut self, write: impl FnOnce(&mut Pairs, usize) -> (usize, T)) -> T {
        let (count, value) = write(&mut self.pairs, self.count as usize);
        self.count = count as u32;
        value
    }

    /// Empties the list, and returns its memory.
    #[cfg(kernel_assembly)]
    pub fn places(&mut self) -> &mut Pairs {
        self.count = 0;
        &mut self.pairs
    }

    /// Appends a pair, unless both inputs are zero or the list is full.
    pub fn push(&mut self, [even, odd]: [u8; 2], offset: usize) {
        if even | odd != 0
            && let Some(place) = self.pairs.get_mut(self.count as usize)
        {
            *place = Pair { inputs: u32::from(even) | u32::from(odd) << 16, offset: offset as u32 };
            self.count = self.count.wrapping_add(1);
        }
    }

    pub fn terminate(&mut self) {
        if let Some(end) = self.pairs.get_mut(self.count as usize) {
            *end = Pair::default();
        }
    }
}
