//! The interface of a core's kernels.

use super::lists::are_for_pairs;
use crate::kernel::pair_list::PairList;
use crate::weights::{BlockLists, TILE_OUTPUTS, WeightOrder};

/// The innermost loops of one core. Only code in this folder and the kernels above it call them.
pub trait Core {
    /// The names of the files that have the kernels.
    const NAME: &'static str;

    /// The step of [`Pair::offset`](crate::kernel::pair_list::Pair::offset) from pair to pair: a
    /// power of two, which a kernel shifts to the offset of the block in bytes.
    ///
    /// 16 is the size of a block of pairs. Cores that shift while they add use 4, the size of a
    /// ternary block.
    const PAIR_STEP: usize = 16;

    /// True if [`add_list`](Self::add_list) requires tiles that are aligned to four bytes.
    const NEEDS_WORDS: bool = false;

    /// Appends the pairs of `words`, two in each word, until fewer than four places are left.
    ///
    /// `first` is the number of the first pair. Returns the number of words read.
    fn gather_words(words: &[[u8; 4]], list: &mut PairList, first: usize) -> usize {
        let mut taken = 0_usize;
        for &[a, b, c, d] in words {
            if list.is_full() {
                break;
            }
            let pair = first.wrapping_add(taken.wrapping_mul(2));
            list.push([a, b], pair.wrapping_mul(Self::PAIR_STEP));
            list.push([c, d], pair.wrapping_add(1).wrapping_mul(Self::PAIR_STEP));
            taken = taken.wrapping_add(1);
        }
        taken
    }

    /// Returns true if [`convolve`](Self::convolve) accepts `sources` for this many outputs.
    fn can_convolve(sources: &Sources<'_>, outputs: usize) -> bool
    where
        Self: Sized,
    {
        are_for_pairs::<Self>(sources, sources.inputs, outputs)
    }

    /// Computes the sums of consecutive windows, and calls `finish` with those of each, and true if
    /// all of its inputs are zero.
    ///
    /// The caller has checked `sources` with [`can_convolve`](Self::can_convolve). Returns false,
    /// and does nothing, if the kernel rejects the arguments, for example windows that can need
    /// more than one list.
    fn convolve(
        windows: &Windows<'_>,
        sources: &Sources<'_>,
        list: &mut PairList,
        sums: &mut [i32],
        finish: &mut impl FnMut(&mut [i32], bool),
    ) -> bool;

    /// Adds the products of the pairs of `list` and `tiles`, in an order of pairs, to the sums of
    /// all outputs. With `biases`, one for each sum, the sums start from these.
    ///
    /// The caller has checked with [`are_for_pairs`] that each tile has a block for each pair, that
    /// there is a tile for each eight sums, and the alignment of tiles and biases. The list is not
    /// empty.
    fn add_list(order: WeightOrder, list: &PairList, tiles: Tiles<'_>, biases: Option<&[[u8; 4]]>, sums: &mut [i32]);

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

    /// Writes the activations of `accumulators`, for shifts above 32.
    ///
    /// Returns false, and changes nothing, if the core has no such kernel or it rejects the
    /// arguments.
    fn activate_high(_accumulators: &[i32], _multipliers: &[u8], _shifts: &[u8], _activations: &mut [u8]) -> bool {
        false
    }
}

/// Consecutive windows of one row of outputs, with the same part inside the image.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'i> {
    /// From the first value of the first window.
    pub input: &'i [u8],
    /// Number of windows.
    pub count: u16,
    /// Values from the start of a window to the start of the next.
    pub step: u16,
    /// Number of rows of a window.
    pub rows: u16,
    /// Values of each row.
    pub row_values: u16,
    /// Values from the start of a row to the start of the next.
    pub row_step: u16,
    /// Number of the first row's first pair in the matrix.
    pub pair: u16,
    /// Pairs of the matrix from one row to the next.
    pub row_pairs: u16,
}

/// The parameters of a layer's sums.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    pub order: WeightOrder,
    /// Inputs of the matrix.
    pub inputs: usize,
    pub tiles: Tiles<'a>,
    /// Little-endian.
    pub biases: &'a [[u8; 4]],
}

impl Sources<'_> {
    /// Returns true if there are inputs, and tiles and biases are those of vectors for this many
    /// inputs and outputs.
    ///
    /// The length must match exactly: Helium's kernel runs from the end of one tile into the next.
    #[cfg(any(kernel_helium, not(kernel_assembly)))]
    pub fn are_vectors_for(&self, inputs: usize, outputs: usize) -> bool {
        let has_blocks = inputs.next_multiple_of(16).wrapping_mul(TILE_OUTPUTS) == self.tiles.tile_bytes;
        let has_all = self.tiles.are_for(outputs) && self.biases.len() >= outputs;
        self.order == WeightOrder::Vectors && has_blocks && inputs != 0 && has_all
    }
}

/// The packed weights of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Tiles<'a> {
    pub weights: &'a [u8],
    /// Size of a tile in bytes, for all inputs of the layer.
    pub tile_bytes: usize,
}

impl<'a> Tiles<'a> {
    /// Returns the tiles in order. Endless if they have no bytes, for which `chunks_exact` panics.
    pub fn each(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.weights;
        core::iter::from_fn(move || {
            let (tile, others) = rest.split_at_checked(self.tile_bytes)?;
            rest = others;
            Some(tile)
        })
    }

    /// Returns true if there is a tile for each eight outputs.
    pub fn are_for(&self, outputs: usize) -> bool {
        let bytes = outputs.div_ceil(TILE_OUTPUTS).checked_mul(self.tile_bytes);
        bytes.is_some_and(|bytes| bytes <= self.weights.len())
    }

    /// Calls `add` with tiles and eight sums for each: first all whole ones, then the last one,
    /// which can have fewer outputs.
    ///
    /// There is always at least one tile. The last argument is the number of a tile's sums in use.
    #[cfg(any(test, not(kernel_assembly)))]
    pub fn with_eight(self, sums: &mut [i32], mut add: impl FnMut(Self, &mut [[i32; TILE_OUTPUTS]], usize)) {
        let (whole, rest) = sums.as_chunks_mut::<TILE_OUTPUTS>();
        if !whole.is_empty() {
            add(self, whole, TILE_OUTPUTS);
        }
        if !rest.is_empty() {
            let start = whole.len().wrapping_mul(self.tile_bytes);
            let mut eight = [0; TILE_OUTPUTS];
            eight.iter_mut().zip(&*rest).for_each(|(place, sum)| *place = *sum);
            add(
                Self { weights: self.weights.get(start..).unwrap_or_default(), ..self },
                core::slice::from_mut(&mut eight),
                rest.len(),
            );
            rest.iter_mut().zip(eight).for_each(|(sum, place)| *sum = place);
        }
    }
}
