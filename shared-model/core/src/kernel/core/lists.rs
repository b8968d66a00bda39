//! Gathers the pairs of inputs that are not both zero, and adds their products, list by list.
//!
//! The inputs are gathered once for a layer, so that each tile of outputs reads only the pairs in
//! use.

use super::interface::Core;
use super::sources::{Sources, start_from};
use crate::kernel::pair_list::PairList;

/// A part of a dense layer that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DensePart {
    /// Gathered the non-zero inputs, as many as a list holds.
    Gather,
    /// Added their products.
    Accumulate,
}

/// Writes biases plus the products of `input` and weights, in an order of pairs, to the sums of all
/// outputs.
///
/// Returns false, and changes nothing, if the core's kernel rejects the tiles: the order is not one
/// of pairs, weights or biases are not aligned to four bytes, a tile has too few blocks, or there
/// are too few tiles or biases.
#[inline(always)]
pub fn add_lists<C: Core>(
    sources: &Sources<'_>,
    input: &[u8],
    list: &mut PairList<'_>,
    sums: &mut [i32],
    on_stage: &mut dyn FnMut(DensePart),
) -> bool {
    if !C::accepts_pairs(sources, input.len(), sums.len()) {
        return false;
    }
    let mut biases = Some(sources.biases);
    let mut next = Some(0);
    while let Some(first) = next {
        next = gather::<C>(list, input, first);
        on_stage(DensePart::Gather);
        if list.count() != 0 {
            C::add_list(sources.order, list, sources.tiles, biases.take(), sums);
        } else if next.is_none()
            && let Some(biases) = biases
        {
            start_from(biases, sums);
        }
        on_stage(DensePart::Accumulate);
    }
    true
}

/// Gathers pairs of `inputs` from the pair `first` on, until the list is full or the inputs end.
///
/// Returns the pair to continue with; `None` at the end of the inputs.
pub fn gather<C: Core>(list: &mut PairList<'_>, inputs: &[u8], first: usize) -> Option<usize> {
    list.clear();
    let (words, rest) = inputs.get(first.wrapping_mul(2)..).unwrap_or_default().as_chunks::<4>();
    let taken = C::gather_words(words, list, first);
    let next = first.wrapping_add(taken.wrapping_mul(2));
    let has_ended = taken == words.len();
    if has_ended && !rest.is_empty() {
        // One to three inputs are left, in one pair or two. The words leave room for them.
        let at = |index: usize| rest.get(index).copied().unwrap_or(0);
        list.push([at(0), at(1)], next.wrapping_mul(C::PAIR_STEP));
        list.push([at(2), 0], next.wrapping_add(1).wrapping_mul(C::PAIR_STEP));
    }
    list.terminate();
    if has_ended { None } else { Some(next) }
}
