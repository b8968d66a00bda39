//! Gathers the pairs of inputs that are not both zero, and adds their products, list by list.
//!
//! The inputs are gathered once for a layer, so that each tile of outputs reads only the pairs in
//! use.

use super::interface::{Core, Tiles};
use crate::kernel::pair_list::PairList;
use crate::weights::WeightOrder;

/// A part of a dense layer that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DensePart {
    /// Gathered the non-zero inputs, as many as a list holds.
    Gather,
    /// Added their products.
    Accumulate,
}

/// Adds the products of `input` and `tiles`, in an order of pairs, to the sums of all outputs.
///
/// Returns false, and changes nothing, if the core's kernel rejects the tiles: the order is not one
/// of pairs, weights are not aligned to four bytes, a tile has too few blocks, or there are too few
/// tiles.
pub fn add_lists<C: Core>(
    order: WeightOrder,
    input: &[u8],
    tiles: Tiles<'_>,
    list: &mut PairList,
    sums: &mut [i32],
    on_stage: &mut dyn FnMut(DensePart),
) -> bool {
    if !are_for_pairs::<C>(order, input.len(), tiles, sums.len()) {
        return false;
    }
    let mut next = Some(0);
    while let Some(first) = next {
        list.clear();
        next = gather::<C>(list, input, first);
        on_stage(DensePart::Gather);
        add_gathered::<C>(order, list, tiles, sums);
        on_stage(DensePart::Accumulate);
    }
    true
}

/// Returns true if the core's kernel accepts `tiles` for this many inputs and outputs: the order is
/// one of pairs, and there are enough blocks and tiles, aligned as it needs them.
pub fn are_for_pairs<C: Core>(order: WeightOrder, inputs: usize, tiles: Tiles<'_>, outputs: usize) -> bool {
    let has_blocks = order.has_pairs() && order.tile_bytes(inputs) <= tiles.tile_bytes;
    // The first tile and the step to the next one: kernels load words from every tile.
    let is_aligned = !C::NEEDS_WORDS || (tiles.weights.as_ptr().addr() | tiles.tile_bytes).is_multiple_of(4);
    has_blocks && is_aligned && tiles.are_for(outputs)
}

/// Adds the products of the pairs of `list` and `tiles`, which [`are_for_pairs`] has accepted, to
/// the sums of all outputs.
pub fn add_gathered<C: Core>(order: WeightOrder, list: &mut PairList, tiles: Tiles<'_>, sums: &mut [i32]) {
    list.terminate();
    if list.count() != 0 {
        C::add_list(order, list, tiles, sums);
    }
}

/// Appends the pairs of `inputs`, the first of which has the index `first` in a layer. Calls
/// `on_full` with the list when it is full, and clears it.
pub fn append<C: Core>(list: &mut PairList, inputs: &[u8], first: usize, on_full: &mut dyn FnMut(&mut PairList)) {
    let mut inputs = inputs;
    let mut pair = first / 2;
    if first % 2 == 1
        && let Some((&odd, rest)) = inputs.split_first()
    {
        if list.is_full() {
            on_full(list);
            list.clear();
        }
        list.push([0, odd], pair.wrapping_mul(C::PAIR_STEP));
        (inputs, pair) = (rest, pair.wrapping_add(1));
    }
    let (words, rest) = inputs.as_chunks::<4>();
    let mut words = words;
    loop {
        let taken = C::gather_words(words, list, pair);
        pair = pair.wrapping_add(taken.wrapping_mul(2));
        words = words.get(taken..).unwrap_or_default();
        if words.is_empty() {
            break;
        }
        on_full(list);
        list.clear();
    }
    if !rest.is_empty() {
        if list.is_full() {
            on_full(list);
            list.clear();
        }
        push_rest::<C>(list, rest, pair);
    }
}

/// Appends one to three inputs, in one pair or two, of which `pair` is the first.
fn push_rest<C: Core>(list: &mut PairList, rest: &[u8], pair: usize) {
    let at = |index: usize| rest.get(index).copied().unwrap_or(0);
    list.push([at(0), at(1)], pair.wrapping_mul(C::PAIR_STEP));
    list.push([at(2), 0], pair.wrapping_add(1).wrapping_mul(C::PAIR_STEP));
}

/// Appends pairs of `inputs` to an empty `list` from the pair `first` on, until it is full or the
/// inputs end.
///
/// Returns the pair to continue with; `None` at the end of the inputs.
pub fn gather<C: Core>(list: &mut PairList, inputs: &[u8], first: usize) -> Option<usize> {
    let (words, rest) = inputs.get(first.wrapping_mul(2)..).unwrap_or_default().as_chunks::<4>();
    let taken = C::gather_words(words, list, first);
    let next = first.wrapping_add(taken.wrapping_mul(2));
    let has_ended = taken == words.len();
    if has_ended && !rest.is_empty() {
        // The words leave room for them.
        push_rest::<C>(list, rest, next);
    }
    if has_ended { None } else { Some(next) }
}
