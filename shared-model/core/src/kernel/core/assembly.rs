//! The calls of kernels in assembly, for every core that has them.

use core::ptr;

use super::any;
use super::convolve::{ConvolveKernel, Offsets, are_outputs_for, convolve};
use super::interface::Core;
use super::sources::{Convolution, Sources, Tiles, Windows, hidden, start_from};
use crate::kernel::pair_list::{Pair, PairList};
use crate::model::Requants;
use crate::weights::{BLOCK_BYTES, BlockLists, BlockTile, FOUR_BITS, MAX_PAIRS, TERNARY, TILE_OUTPUTS, WeightOrder};

/// A kernel for lists of pairs: adds the products of a list and the weights of `tile_count`
/// consecutive tiles to the eight values of each tile at `from`, and writes the sums to `to`.
///
/// # Safety
///
/// The weights are in the kernel's order. `list` has at least one pair, and a pair of zeros after
/// the last one; `first` is the number of its pairs modulo 4. Each tile has a block for each pair.
/// `tiles` and `tile_bytes` are multiples of four. `tile_count` is not 0, and there are that many
/// tiles, eight times as many values at `from`, and as much room at `to`, which can be the same.
/// Both are aligned to four bytes. `start` has the start values of the kernel's eight sums: zeros,
/// or [`Fields::start`](crate::weights::Fields::start) for the sum of the list.
pub type Kernel = unsafe extern "C" fn(
    list: *const Pair,
    tiles: *const u8,
    to: *mut i32,
    tile_bytes: usize,
    tile_count: usize,
    first: usize,
    start: &[i32; TILE_OUTPUTS],
    from: *const i32,
);

/// A kernel for pruned layers: adds the products of inputs and the blocks of `tile_count`
/// consecutive tiles to eight sums for each tile.
///
/// # Safety
///
/// `tile_count` is not 0, and there are that many counts at `counts`, none above 128, which keeps
/// the sums apart. `places` and `blocks` have as many items as the counts' sum. There are two
/// inputs at each place. There are eight times as many sums as tiles at `from`, and as much room at
/// `to`, which can be the same. Counts and places are aligned to two bytes, everything else but the
/// inputs to four.
pub type BlockKernel = unsafe extern "C" fn(
    counts: *const [u8; 2],
    places: *const [u8; 2],
    blocks: *const [u8; BLOCK_BYTES],
    to: *mut i32,
    from: *const i32,
    input: *const u8,
    tile_count: usize,
);

/// A kernel that gathers pairs of inputs. Returns the end of the list in the lower half, and the
/// end of the words read in the upper.
///
/// # Safety
///
/// There are words from `first` to `end`, at least one. There is room for two pairs at `list` and
/// at any address up to `limit`.
pub type GatherKernel = unsafe extern "C" fn(
    first: *const [u8; 4],
    end: *const [u8; 4],
    list: *mut Pair,
    offset: u32,
    limit: *const Pair,
) -> u64;

/// A kernel that writes `count` activations, for shifts above 32.
///
/// # Safety
///
/// `count` is not 0, and there are that many of each. Accumulators and multipliers are aligned to
/// four bytes.
pub type ActivateKernel = unsafe extern "C" fn(
    accumulators: *const i32,
    multipliers: *const u8,
    shifts: *const u8,
    activations: *mut u8,
    count: usize,
);

/// The kernels of one core, which [`Core`] calls.
pub trait Assembly {
    /// See [`Core::NAME`].
    const NAME: &'static str;
    /// See [`Core::PAIR_STEP`].
    const PAIR_STEP: usize;
    const GATHER: GatherKernel;
    /// For pairs.
    const CONVOLVE: ConvolveKernel;
    const ADD_PAIRS: Kernel;
    /// For one tile in [`WeightOrder::Pairs`] whose blocks have weights only in their first word.
    const ADD_NARROW_PAIRS: Kernel;
    const ADD_FOUR_BITS: Kernel;
    const ADD_TERNARY: Kernel;
    const ADD_BLOCKS: BlockKernel;
    const ACTIVATE: Option<ActivateKernel>;
}

impl<A: Assembly> Core for A {
    const NAME: &'static str = <A as Assembly>::NAME;
    const PAIR_STEP: usize = <A as Assembly>::PAIR_STEP;
    const NEEDS_WORDS: bool = true;

    fn gather_words(words: &[[u8; 4]], list: &mut PairList<'_>, first: usize) -> usize {
        let offset = first.wrapping_mul(<A as Assembly>::PAIR_STEP) as u32;
        let limit = list.limit();
        if list.count() > limit {
            return 0;
        }
        list.write_with(|pairs, count| {
            // A list without places for two pairs after its limit, and its end, takes none.
            if words.is_empty() || pairs.len() < limit.wrapping_add(3) {
                return (count, words.len());
            }
            let (first, start) = (words.as_ptr(), pairs.as_mut_ptr());
            let limit = start.cast_const().wrapping_add(limit);
            // SAFETY: the kernel reads at most from the first word to the last. It reads them at
            // any alignment, which these cores support unless told to trap, and nothing here does;
            // or byte by byte. There are places for two pairs after the limit, and the
            // list is not above it, where the kernel stops.
            let ends = unsafe { A::GATHER(first, words.as_ptr_range().end, start.wrapping_add(count), offset, limit) };
            let (list_end, words_end) = (ends as u32 as usize, (ends >> 32) as usize);
            let count = list_end.wrapping_sub(start.addr()).checked_div(size_of::<Pair>()).unwrap_or(0);
            (count, words_end.wrapping_sub(first.addr()) / 4)
        })
    }

    /// Also requires that the outputs fill their tiles and that all shifts are above 32.
    fn can_convolve(sources: &Sources<'_>, requants: &Requants<'_>, outputs: usize) -> bool {
        let has_blocks = sources.order.tile_bytes(sources.inputs) <= sources.tiles.tile_bytes;
        sources.order == WeightOrder::Pairs && has_blocks && are_outputs_for(sources, requants, outputs)
    }

    /// Rejects windows that may need more than one list, and those whose rows begin within a pair.
    #[inline(always)]
    fn convolve(convolution: &mut Convolution<'_>, windows: &Windows<'_>) -> bool {
        if !convolution.has_kernel {
            return false;
        }
        let Windows { place, row_inputs, rows, row_values, .. } = *windows;
        let pairs = row_values.div_ceil(2);
        if place % 2 != 0 || pairs.wrapping_mul(rows) > convolution.list.capacity() {
            return false;
        }
        let step = <A as Assembly>::PAIR_STEP;
        let list = convolution.list.places().as_mut_ptr();
        let offsets = Offsets {
            first: (place / 2).wrapping_mul(step),
            gap: (row_inputs / 2).wrapping_sub(pairs).wrapping_mul(step),
        };
        // SAFETY: `can_convolve` is true. The list has room for the pairs of a window: the product
        // has not overflowed if the windows are inside the matrix. Each pair has a block, because
        // they are inside the matrix, which has an even number of inputs in each row.
        unsafe { convolve(A::CONVOLVE, convolution, windows, offsets, list) }
    }

    #[inline(always)]
    fn add_list(
        order: WeightOrder,
        list: &PairList<'_>,
        tiles: Tiles<'_>,
        biases: Option<&[[u8; 4]]>,
        sums: &mut [i32],
    ) {
        let (kernel, fields) = match order {
            WeightOrder::FourBitPairs => (A::ADD_FOUR_BITS, FOUR_BITS),
            WeightOrder::TernaryPairs => (A::ADD_TERNARY, TERNARY),
            _ => return add_from_start::<A>(A::ADD_PAIRS, &[0; TILE_OUTPUTS], list, tiles, biases, sums),
        };
        add_from_start::<A>(kernel, &fields.start(list.sum()), list, tiles, biases, sums);
    }

    #[inline(always)]
    fn add_blocks(
        input: &[u8],
        is_whole: bool,
        lists: BlockLists<'_>,
        max_blocks: usize,
        biases: &[u8],
        sums: &mut [i32],
    ) {
        if is_whole && add_aligned_blocks::<A>(input, lists, max_blocks, biases, sums) {
            return;
        }
        start_from(biases.as_chunks().0, sums);
        for (tile, sums) in lists.tiles().zip(sums.chunks_mut(TILE_OUTPUTS)) {
            any::add_blocks(input, tile, sums);
        }
    }

    #[inline(always)]
    fn activate_high(requants: &Requants<'_>, accumulators: &[i32], activations: &mut [u8]) -> bool {
        A::ACTIVATE.is_some_and(|kernel| activate_with(kernel, requants, accumulators, activations))
    }
}

/// Writes activations with `kernel`, for shifts above 32.
///
/// Rejects multipliers that are not aligned, and slices of different lengths.
#[inline(always)]
pub fn activate_with(
    kernel: ActivateKernel,
    requants: &Requants<'_>,
    accumulators: &[i32],
    activations: &mut [u8],
) -> bool {
    let Requants { multipliers, shifts, .. } = *requants;
    let count = activations.len();
    let are_as_many = accumulators.len() == count && shifts.len() == count && multipliers.len() / 4 == count;
    if !are_as_many || count == 0 || !multipliers.as_ptr().addr().is_multiple_of(4) {
        return false;
    }
    // SAFETY: there are `count` of each, at least one, and multipliers are aligned.
    unsafe { kernel(accumulators.as_ptr(), multipliers.as_ptr(), shifts.as_ptr(), activations.as_mut_ptr(), count) };
    true
}

/// Calls `kernel`, whose eight sums start with `start`.
#[inline(never)]
fn add_from_start<A: Assembly>(
    kernel: Kernel,
    start: &[i32; TILE_OUTPUTS],
    list: &PairList<'_>,
    tiles: Tiles<'_>,
    biases: Option<&[[u8; 4]]>,
    sums: &mut [i32],
) {
    each_tile(tiles, biases, sums, |weights, (to, count), from, used| {
        // No two kernels have the same code, so none shares an address.
        let is_narrow = used <= 2 && core::ptr::fn_addr_eq(kernel, A::ADD_PAIRS);
        let kernel = if is_narrow { A::ADD_NARROW_PAIRS } else { kernel };
        // SAFETY: the kernel is the order's. The caller has checked that the list is not empty,
        // that it was gathered from inputs for which each tile has blocks, that there is a tile for
        // each eight sums, and that tiles and biases are aligned. There is one tile if at most two
        // of its outputs are used; they are its first, so that the first word of a block has all
        // of their weights. There are as many values at `from` as sums.
        unsafe {
            kernel(
                list.terminated().as_ptr(),
                weights.as_ptr(),
                to.cast(),
                tiles.tile_bytes,
                count,
                list.count() % 4,
                start,
                from,
            );
        }
    });
}

/// Calls `add` for all whole tiles, then for the last one, which can have fewer outputs.
///
/// Its arguments are the weights, the sums to write with the number of tiles, eight start values
/// for each tile, and the number of a tile's outputs in use. There is always at least one tile. The
/// start values are `biases`, one for each sum, or the sums themselves.
#[inline(always)]
pub fn each_tile(
    tiles: Tiles<'_>,
    biases: Option<&[[u8; 4]]>,
    sums: &mut [i32],
    mut add: impl FnMut(&[u8], (*mut [i32; TILE_OUTPUTS], usize), *const i32, usize),
) {
    let (whole, rest) = sums.as_chunks_mut::<TILE_OUTPUTS>();
    if !whole.is_empty() {
        let (to, count) = (whole.as_mut_ptr(), whole.len());
        let from = biases.map_or(to.cast_const().cast(), |biases| biases.as_ptr().cast());
        add(tiles.weights, (to, count), from, TILE_OUTPUTS);
    }
    if !rest.is_empty() {
        let mut eight = [hidden(0); TILE_OUTPUTS];
        match biases.and_then(|biases| biases.get(whole.len().wrapping_mul(TILE_OUTPUTS)..)) {
            Some(biases) => start_from(biases, &mut eight),
            None => eight.iter_mut().zip(&*rest).for_each(|(place, sum)| *place = hidden(*sum)),
        }
        let weights = tiles.weights.get(whole.len().wrapping_mul(tiles.tile_bytes)..).unwrap_or_default();
        let to: *mut [i32; TILE_OUTPUTS] = &raw mut eight;
        add(weights, (to, 1), to.cast_const().cast(), rest.len());
        rest.iter_mut().zip(&eight).for_each(|(sum, place)| *sum = hidden(*place));
    }
}

/// Like [`Core::add_blocks`], for all inputs of the layer.
///
/// Returns false, and changes nothing, if the kernel rejects the layer: the number of inputs is
/// odd, so that a pair would extend past the last one, or lists are not aligned or too short.
#[inline(always)]
fn add_aligned_blocks<A: Assembly>(
    input: &[u8],
    lists: BlockLists<'_>,
    max_blocks: usize,
    biases: &[u8],
    sums: &mut [i32],
) -> bool {
    let are_loadable = lists.are_for_words(input.len()) && biases.as_ptr().addr().is_multiple_of(4);
    let (counts, biases) = (lists.counts.as_chunks::<2>().0, biases.as_chunks::<4>().0);
    let (whole, rest) = sums.as_chunks_mut::<TILE_OUTPUTS>();
    let are_there = counts.len() == whole.len().wrapping_add(usize::from(!rest.is_empty()));
    let Some((whole_biases, rest_biases)) = biases.split_at_checked(whole.len().wrapping_mul(TILE_OUTPUTS)) else {
        return false;
    };
    if !are_loadable || !are_there {
        return false;
    }
    if max_blocks > MAX_PAIRS {
        add_tile_by_tile::<A>(input, lists, biases, sums);
        return true;
    }
    let (places, blocks) = (lists.places.as_ptr().cast(), lists.blocks.as_ptr().cast());
    if !whole.is_empty() {
        // SAFETY: the parser has proved that the lists are as long as the counts' sum, and that
        // there are two inputs at each place, since their number is even. Each tile has a count,
        // eight biases and eight sums. Everything is aligned.
        unsafe {
            A::ADD_BLOCKS(
                counts.as_ptr(),
                places,
                blocks,
                whole.as_mut_ptr().cast(),
                whole_biases.as_ptr().cast(),
                input.as_ptr(),
                whole.len(),
            );
        }
    }
    if let Some(tile) = (!rest.is_empty()).then(|| lists.tiles().last()).flatten() {
        add_tile::<A>(input, tile, rest_biases, rest);
    }
    true
}

/// Computes each tile on its own, for tiles of more blocks than the kernel can sum at once.
fn add_tile_by_tile<A: Assembly>(input: &[u8], lists: BlockLists<'_>, biases: &[[u8; 4]], sums: &mut [i32]) {
    for ((tile, biases), sums) in lists.tiles().zip(biases.chunks(TILE_OUTPUTS)).zip(sums.chunks_mut(TILE_OUTPUTS)) {
        add_tile::<A>(input, tile, biases, sums);
    }
}

/// Computes one tile, of at most eight outputs and any number of blocks.
///
/// The number of inputs is even, and the lists are aligned.
fn add_tile<A: Assembly>(input: &[u8], tile: BlockTile<'_>, biases: &[[u8; 4]], sums: &mut [i32]) {
    let mut eight = [0; TILE_OUTPUTS];
    start_from(biases, &mut eight);
    for (places, blocks) in tile.places.chunks(MAX_PAIRS).zip(tile.blocks.chunks(MAX_PAIRS)) {
        // These cores are little-endian, like the lists.
        let count = places.len() as u16;
        let to = eight.as_mut_ptr();
        // SAFETY: there are that many places and blocks, and eight sums, aligned like the tables.
        // There are two inputs at each place, as the parser has proved for an even number of
        // inputs.
        unsafe {
            A::ADD_BLOCKS(
                ptr::from_ref(&count).cast(),
                places.as_ptr(),
                blocks.as_ptr(),
                to,
                to.cast_const(),
                input.as_ptr(),
                1,
            );
        }
    }
    sums.iter_mut().zip(eight).for_each(|(sum, place)| *sum = place);
}
