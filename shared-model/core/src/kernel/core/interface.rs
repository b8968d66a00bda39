//! The interface of a core's kernels.

use super::outputs::Outputs;
use super::sources::{Convolution, Sources, Tiles, Windows, start_from};
use crate::kernel::pair_list::PairList;
use crate::model::Requants;
use crate::weights::{BlockLists, WeightOrder};

/// The innermost loops of one core. Only code in this folder and the kernels above it call them.
pub trait Core {
    /// The names of the files that have the kernels.
    const NAME: &'static str;

    /// The step of the offset of a [`Pair`](crate::kernel::pair_list::Pair) from pair to pair: a
    /// power of two, which a kernel shifts to the offset of the block in bytes.
    ///
    /// 16 is the size of a block of pairs. Cores that shift while they add use 4, the size of a
    /// ternary block.
    const PAIR_STEP: usize = 16;

    /// True if [`add_list`](Self::add_list) requires tiles that are aligned to four bytes.
    const NEEDS_WORDS: bool = false;

    /// Appends the pairs of `words`, two in each word, until their number is above
    /// [`PairList::limit`].
    ///
    /// `first` is the number of the first pair. Returns the number of words read.
    fn gather_words(words: &[[u8; 4]], list: &mut PairList<'_>, first: usize) -> usize {
        let mut taken = 0_usize;
        for &[a, b, c, d] in words {
            if list.count() > list.limit() {
                break;
            }
            let pair = first.wrapping_add(taken.wrapping_mul(2));
            list.push([a, b], pair.wrapping_mul(Self::PAIR_STEP));
            list.push([c, d], pair.wrapping_add(1).wrapping_mul(Self::PAIR_STEP));
            taken = taken.wrapping_add(1);
        }
        taken
    }

    /// Returns true if [`add_list`](Self::add_list) accepts `sources` for this many inputs and
    /// outputs: the order is one of pairs, and there are enough blocks, tiles and biases, aligned
    /// as it needs them.
    #[inline(always)]
    fn accepts_pairs(sources: &Sources<'_>, inputs: usize, outputs: usize) -> bool {
        let Sources { order, tiles, biases, .. } = *sources;
        let has_blocks = order.has_pairs() && order.tile_bytes(inputs) <= tiles.tile_bytes;
        // The first tile and the step to the next one: kernels load words from every tile.
        let addresses = tiles.weights.as_ptr().addr() | tiles.tile_bytes | biases.as_ptr().addr();
        let is_aligned = !Self::NEEDS_WORDS || addresses.is_multiple_of(4);
        has_blocks && is_aligned && tiles.are_for(outputs) && biases.len() >= outputs
    }

    /// Returns a convolution with these parameters and this memory, for
    /// [`convolve`](Self::convolve).
    #[inline(always)]
    fn convolution<'c>(
        sources: Sources<'c>,
        requants: Requants<'c>,
        list: PairList<'c>,
        window: &'c mut [u8],
        sums: &'c mut [i32],
        outputs: Outputs<'c>,
    ) -> Convolution<'c> {
        let has_kernel = Self::can_convolve(&sources, &requants, sums.len());
        Convolution { has_kernel, sources, requants, list, window, sums, outputs }
    }

    /// Returns true if [`convolve`](Self::convolve) accepts these parameters for this many outputs.
    fn can_convolve(sources: &Sources<'_>, _requants: &Requants<'_>, outputs: usize) -> bool {
        Self::accepts_pairs(sources, sources.inputs, outputs)
    }

    /// Writes the activations of `windows`.
    ///
    /// Returns false, and does nothing, if the kernel rejects the parameters or the windows, for
    /// example if these can need more than one list.
    fn convolve(convolution: &mut Convolution<'_>, windows: &Windows<'_>) -> bool {
        let Convolution { has_kernel, sources, requants, list, sums, outputs, .. } = convolution;
        let Windows { input, count, step, rows, row_values, row_step, place, row_inputs } = *windows;
        if !*has_kernel || place % 2 != 0 || row_values.div_ceil(2).saturating_mul(rows) > list.capacity() {
            return false;
        }
        for window in 0..count {
            list.clear();
            for row in 0..rows {
                let start = window.wrapping_mul(step).wrapping_add(row.wrapping_mul(row_step));
                let values = input.get(start..start.wrapping_add(row_values)).unwrap_or_default();
                let first = place.wrapping_add(row.wrapping_mul(row_inputs)) / 2;
                for (number, pair) in (first..).zip(values.chunks(2)) {
                    let &[even, odd] = pair.first_chunk().unwrap_or(&[pair.first().copied().unwrap_or(0), 0]);
                    list.push([even, odd], number.wrapping_mul(Self::PAIR_STEP));
                }
            }
            list.terminate();
            let is_blank = list.count() == 0;
            outputs.write(is_blank, |activations| {
                if is_blank {
                    start_from(sources.biases, sums);
                } else {
                    Self::add_list(sources.order, list, sources.tiles, Some(sources.biases), sums);
                }
                Self::activate(requants, sums, activations);
            });
        }
        true
    }

    /// Adds the products of the pairs of `list` and `tiles`, in an order of pairs, to the sums of
    /// all outputs. With `biases`, one for each sum, the sums start from these.
    ///
    /// The caller has checked with [`accepts_pairs`](Self::accepts_pairs) that each tile has a
    /// block for each pair, that there is a tile for each eight sums, and the alignment of tiles
    /// and biases. The list is not empty.
    fn add_list(
        order: WeightOrder,
        list: &PairList<'_>,
        tiles: Tiles<'_>,
        biases: Option<&[[u8; 4]]>,
        sums: &mut [i32],
    );

    /// Writes `biases` (little-endian `i32`) plus the products of `input` and the blocks of a
    /// pruned layer to `sums`.
    ///
    /// A tile has at most `max_blocks` blocks. `is_whole` is true if `input` has all inputs of the
    /// layer; missing ones count as zero.
    fn add_blocks(
        input: &[u8],
        is_whole: bool,
        lists: BlockLists<'_>,
        max_blocks: usize,
        biases: &[u8],
        sums: &mut [i32],
    );

    /// Writes the biases plus the products of `input` and the tiles of `sources`, in vector order,
    /// to the sums of all outputs.
    ///
    /// Returns false, and changes nothing, if the core has no such kernel or
    /// [`Sources::are_vectors_for`] is false.
    fn add_vectors(_input: &[u8], _sources: &Sources<'_>, _sums: &mut [i32]) -> bool {
        false
    }

    /// Writes the activations of `accumulators`, as far as there are all three.
    fn activate(requants: &Requants<'_>, accumulators: &[i32], activations: &mut [u8]) {
        if requants.are_high && Self::activate_high(requants, accumulators, activations) {
            return;
        }
        for ((activation, accumulator), requant) in activations.iter_mut().zip(accumulators).zip(requants.each()) {
            *activation = requant.activation(*accumulator);
        }
    }

    /// Like [`activate`](Self::activate), for shifts above 32.
    ///
    /// Returns false, and changes nothing, if the core has no such kernel or it rejects the
    /// arguments.
    fn activate_high(_requants: &Requants<'_>, _accumulators: &[i32], _activations: &mut [u8]) -> bool {
        false
    }
}
