//! Gathers the pairs of inputs that are not both zero, once for a layer, so that each tile of outputs reads only those.

/// Most pairs that are gathered at a time.
///
/// So many products, of at most 255 * 127 each, add up to less than 2^23: that is what keeps the two sums apart that an
/// accumulator of [`WeightOrder::Pairs`](crate::WeightOrder::Pairs) holds.
pub const MOST_PAIRS: usize = 128;

const _: () = assert!(MOST_PAIRS * 2 * 255 * 127 < 1 << 23);

/// Two neighbouring inputs and the place of their weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Pair {
    /// The even input in the lower half, the odd one in the upper; zero only behind the last pair.
    pub inputs: u32,
    /// Bytes from the start of a tile to the pair's block.
    pub offset: u32,
}

/// Bytes of a block of [`WeightOrder::Pairs`](crate::WeightOrder::Pairs).
pub(crate) const BLOCK_BYTES: usize = 16;

/// A list of pairs. 1,040 bytes.
#[derive(Clone, Debug)]
pub struct PairList {
    /// Behind the last pair stands one of zeros.
    pairs: [Pair; MOST_PAIRS + 1],
    count: usize,
}

impl PairList {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: [Pair { inputs: 0, offset: 0 }; MOST_PAIRS + 1], count: 0 }
    }

    /// The pairs, in order; their offsets rise.
    pub(crate) fn pairs(&self) -> &[Pair] {
        self.pairs.get(..self.count).unwrap_or_default()
    }

    /// The pairs, and behind them one of zeros.
    #[cfg(kernel_assembly)]
    pub(crate) const fn terminated(&self) -> &[Pair; MOST_PAIRS + 1] {
        &self.pairs
    }

    /// Gathers pairs of `inputs` from the pair `first` on, until the list is full or the inputs end; returns the pair to
    /// go on with, or nothing where they have ended.
    pub(crate) fn gather(&mut self, inputs: &[u8], first: usize) -> Option<usize> {
        self.count = 0;
        let (words, rest) = inputs.get(first.wrapping_mul(2)..).unwrap_or_default().as_chunks::<4>();
        let mut offset = first.wrapping_mul(BLOCK_BYTES) as u32;
        let taken = self.take_words(words, &mut offset);
        let next = if taken < words.len() {
            Some(offset as usize / BLOCK_BYTES)
        } else {
            // One to three inputs may be left, and are one pair or two: words leave room for them.
            let at = |index: usize| rest.get(index).copied().unwrap_or(0);
            for [even, odd] in [[at(0), at(1)], [at(2), 0]] {
                self.push([even, odd], offset);
                offset = offset.wrapping_add(BLOCK_BYTES as u32);
            }
            None
        };
        if let Some(end) = self.pairs.get_mut(self.count) {
            *end = Pair::default();
        }
        next.filter(|next| next.wrapping_mul(2) < inputs.len())
    }

    /// Gathers from `words` of two pairs each as long as there is room for two more behind it; returns how many were taken.
    fn take_words(&mut self, words: &[[u8; 4]], offset: &mut u32) -> usize {
        #[cfg(kernel_assembly)]
        {
            let (count, taken) = super::tile::gather_words(words, &mut self.pairs, *offset);
            self.count = count;
            *offset = offset.wrapping_add((taken * 2 * BLOCK_BYTES) as u32);
            taken
        }
        #[cfg(not(kernel_assembly))]
        {
            let mut taken = 0;
            for &[a, b, c, d] in words {
                if self.count > MOST_PAIRS - 4 {
                    break;
                }
                self.push([a, b], *offset);
                self.push([c, d], offset.wrapping_add(BLOCK_BYTES as u32));
                *offset = offset.wrapping_add(2 * BLOCK_BYTES as u32);
                taken += 1;
            }
            taken
        }
    }

    /// Adds a pair, unless both are zero.
    fn push(&mut self, [even, odd]: [u8; 2], offset: u32) {
        if even | odd != 0
            && let Some(place) = self.pairs.get_mut(self.count)
        {
            *place = Pair { inputs: u32::from(even) | u32::from(odd) << 16, offset };
            self.count = self.count.wrapping_add(1);
        }
    }
}
