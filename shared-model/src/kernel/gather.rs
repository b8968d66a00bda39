//! Gathers the pairs of inputs that are not both zero, once for a layer, so that each tile of outputs reads only those.

/// Most pairs that are gathered at a time.
///
/// So many products, of at most 255 * 127 each, add up to less than 2^23: that is what keeps the two sums apart that an
/// accumulator of [`WeightOrder::Pairs`](crate::WeightOrder::Pairs) holds.
pub const MAX_PAIRS: usize = 128;

const _: () = assert!(MAX_PAIRS * 2 * 255 * 127 < 1 << 23 && MAX_PAIRS * 255 < 1 << 16);

/// Two neighbouring inputs and the place of their weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Pair {
    /// The even input in the lower half, the odd one in the upper; zero only behind the last pair.
    pub inputs: u32,
    /// Which pair it is, times [`PAIR_STEP`].
    pub offset: u32,
}

/// What offsets rise by from pair to pair: a power of two, from which a kernel shifts to its block's bytes. 16 is what blocks of
/// pairs have; cores that shift as they add are better off with 4, what those of ternary weights have.
pub(crate) const PAIR_STEP: usize = if cfg!(any(kernel_dsp, kernel_armv7m)) { 4 } else { 16 };

/// A list of pairs.
#[derive(Clone, Debug)]
pub struct PairList {
    /// Behind the last pair stands one of zeros.
    pairs: [Pair; MAX_PAIRS + 1],
    /// 32 bits on every machine, so that a device's size can be told on the desk.
    count: u32,
}

const _: () = assert!(size_of::<PairList>() == 1036, "as the docs of `Workspace` say");

impl PairList {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: [Pair { inputs: 0, offset: 0 }; MAX_PAIRS + 1], count: 0 }
    }

    /// The pairs, in order; their offsets rise.
    pub(crate) fn pairs(&self) -> &[Pair] {
        self.pairs.get(..self.count as usize).unwrap_or_default()
    }

    /// The sum of all inputs in the list.
    #[cfg(any(kernel_assembly, kernel_simd))]
    pub(crate) fn sum(&self) -> u32 {
        // Both halves at once: neither gets beyond 16 bits.
        let both = self.pairs().iter().fold(0_u32, |sum, pair| sum.wrapping_add(pair.inputs));
        (both & 0xFFFF).wrapping_add(both >> 16)
    }

    /// The pairs, and behind them one of zeros.
    #[cfg(kernel_assembly)]
    pub(crate) const fn terminated(&self) -> &[Pair; MAX_PAIRS + 1] {
        &self.pairs
    }

    /// Gathers pairs of `inputs` from the pair `first` on, until the list is full or the inputs end; returns the pair to
    /// go on with, or nothing where they have ended.
    pub(crate) fn gather(&mut self, inputs: &[u8], first: usize) -> Option<usize> {
        self.count = 0;
        let (words, rest) = inputs.get(first.wrapping_mul(2)..).unwrap_or_default().as_chunks::<4>();
        let taken = self.take_words(words, first);
        let next = first.wrapping_add(taken.wrapping_mul(2));
        let has_ended = taken == words.len();
        if has_ended && !rest.is_empty() {
            // One to three inputs are left, and are one pair or two: words leave room for them.
            let at = |index: usize| rest.get(index).copied().unwrap_or(0);
            self.push([at(0), at(1)], next);
            self.push([at(2), 0], next.wrapping_add(1));
        }
        if let Some(end) = self.pairs.get_mut(self.count as usize) {
            *end = Pair::default();
        }
        if has_ended { None } else { Some(next) }
    }

    /// Gathers from `words` of two pairs each, of which `first` is the first, as long as there is room for two more behind it;
    /// returns how many were taken.
    fn take_words(&mut self, words: &[[u8; 4]], first: usize) -> usize {
        #[cfg(kernel_assembly)]
        {
            let offset = first.wrapping_mul(PAIR_STEP) as u32;
            let (count, taken) = super::tile::gather_words(words, &mut self.pairs, offset);
            self.count = count as u32;
            taken
        }
        #[cfg(not(kernel_assembly))]
        {
            let mut taken = 0_usize;
            for &[a, b, c, d] in words {
                if self.count as usize > MAX_PAIRS - 4 {
                    break;
                }
                let pair = first.wrapping_add(taken.wrapping_mul(2));
                self.push([a, b], pair);
                self.push([c, d], pair.wrapping_add(1));
                taken = taken.wrapping_add(1);
            }
            taken
        }
    }

    /// Adds the pair of that number, unless both are zero.
    fn push(&mut self, [even, odd]: [u8; 2], number: usize) {
        if even | odd != 0
            && let Some(place) = self.pairs.get_mut(self.count as usize)
        {
            let offset = number.wrapping_mul(PAIR_STEP) as u32;
            *place = Pair { inputs: u32::from(even) | u32::from(odd) << 16, offset };
            self.count = self.count.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// All pairs that are not both zero, by the plainest of loops.
    fn reference(inputs: &[u8]) -> Vec<Pair> {
        let pair = |(index, pair): (usize, &[u8])| {
            let (even, odd) = (pair[0], pair.get(1).copied().unwrap_or(0));
            let inputs = u32::from(even) + 65536 * u32::from(odd);
            (inputs != 0).then_some(Pair { inputs, offset: (index * PAIR_STEP) as u32 })
        };
        inputs.chunks(2).enumerate().filter_map(pair).collect()
    }

    /// List after list until the inputs end, each held to what kernels rely on.
    fn gathered(inputs: &[u8]) -> Vec<Pair> {
        // As it would be after a larger layer.
        let mut list = PairList { pairs: [Pair { inputs: 7, offset: 7 }; MAX_PAIRS + 1], count: MAX_PAIRS as u32 };
        let (mut all, mut next) = (Vec::new(), Some(0));
        while let Some(first) = next {
            next = list.gather(inputs, first);
            let pairs = list.pairs();
            assert!(pairs.len() <= MAX_PAIRS);
            assert_eq!(list.pairs.get(pairs.len()), Some(&Pair::default()), "no end behind {} pairs", pairs.len());
            assert!(pairs.iter().all(|pair| pair.offset as usize >= first * PAIR_STEP), "pairs before {first}");
            // Else it would not end, or be called for nothing.
            assert!(next.is_none_or(|next| next > first && next * 2 < inputs.len()), "{first} {next:?}");
            all.extend_from_slice(pairs);
        }
        all
    }

    proptest! {
        #[test]
        fn all_pairs_are_gathered_in_order(
            inputs in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..1200),
        ) {
            prop_assert_eq!(gathered(&inputs), reference(&inputs));
        }
    }

    #[test]
    fn lists_are_gone_on_with_wherever_they_are_full() {
        for length in 0..MAX_PAIRS * 2 * 3 + 8 {
            for step in [1, 2, 3, 4, 5] {
                let inputs: Vec<u8> =
                    (0..length).map(|index| if index % step == 0 { index as u8 | 1 } else { 0 }).collect();
                assert_eq!(gathered(&inputs), reference(&inputs), "{length} inputs, each {step}.");
            }
        }
    }

    #[test]
    fn what_lies_behind_a_full_list_is_looked_for_and_zeros_are_nothing() {
        assert_eq!(gathered(&[]), []);
        assert_eq!(gathered(&[0; 1000]), []);
        // Full, and then only zeros: a list of none at the end is right.
        let mut inputs = [255; MAX_PAIRS * 2 + 100].to_vec();
        inputs[MAX_PAIRS * 2..].fill(0);
        assert_eq!(gathered(&inputs).len(), MAX_PAIRS);
        // From a pair behind the end there is nothing.
        let mut list = PairList::new();
        assert_eq!(list.gather(&inputs, inputs.len()), None);
        assert_eq!(list.gather(&inputs, usize::MAX), None);
        assert_eq!(list.pairs(), []);
    }
}
