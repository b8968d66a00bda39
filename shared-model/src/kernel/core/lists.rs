//! Gathers the pairs of inputs that are not both zero, and adds their products, list by list.
//!
//! The inputs are gathered once for a layer, so that each tile of outputs reads only the pairs in
//! use.

#[cfg(any(test, not(kernel_assembly)))]
use super::interface::Windows;
use super::interface::{Core, Sources};
use crate::kernel::pair_list::PairList;
#[cfg(any(test, not(kernel_assembly)))]
use crate::weights::MAX_PAIRS;

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
pub fn add_lists<C: Core>(
    sources: &Sources<'_>,
    input: &[u8],
    list: &mut PairList,
    sums: &mut [i32],
    on_stage: &mut dyn FnMut(DensePart),
) -> bool {
    if !are_for_pairs::<C>(sources, input.len(), sums.len()) {
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

/// Returns true if the core's kernel accepts `sources` for this many inputs and outputs: the order
/// is one of pairs, and there are enough blocks, tiles and biases, aligned as it needs them.
pub fn are_for_pairs<C: Core>(sources: &Sources<'_>, inputs: usize, outputs: usize) -> bool {
    let Sources { order, tiles, biases, .. } = *sources;
    let has_blocks = order.has_pairs() && order.tile_bytes(inputs) <= tiles.tile_bytes;
    // The first tile and the step to the next one: kernels load words from every tile.
    let addresses = tiles.weights.as_ptr().addr() | tiles.tile_bytes | biases.as_ptr().addr();
    let is_aligned = !C::NEEDS_WORDS || addresses.is_multiple_of(4);
    has_blocks && is_aligned && tiles.are_for(outputs) && biases.len() >= outputs
}

/// Sets each accumulator to its bias, as far as there are both.
pub fn start_from(biases: &[[u8; 4]], accumulators: &mut [i32]) {
    // Words, if the model is aligned, take fewer instructions than bytes.
    if let Ok(words) = bytemuck::try_cast_slice::<u8, i32>(biases.as_flattened()) {
        accumulators.iter_mut().zip(words).for_each(|(accumulator, bias)| *accumulator = i32::from_le(*bias));
    } else {
        let biases = biases.iter().map(|bias| i32::from_le_bytes(*bias));
        accumulators.iter_mut().zip(biases).for_each(|(accumulator, bias)| *accumulator = bias);
    }
}

/// Implements [`Core::convolve`] for cores without assembly.
#[cfg(any(test, not(kernel_assembly)))]
pub fn convolve<C: Core>(
    windows: &Windows<'_>,
    sources: &Sources<'_>,
    list: &mut PairList,
    sums: &mut [i32],
    finish: &mut impl FnMut(&mut [i32], bool),
) -> bool {
    let Windows { input, count, step, rows, row_values, row_step, pair, row_pairs } = *windows;
    if usize::from(row_values.div_ceil(2)).wrapping_mul(rows.into()) > MAX_PAIRS {
        return false;
    }
    for window in 0..usize::from(count) {
        list.clear();
        for row in 0..usize::from(rows) {
            let start = window.wrapping_mul(step.into()).wrapping_add(row.wrapping_mul(row_step.into()));
            let values = input.get(start..).and_then(|rest| rest.get(..row_values.into())).unwrap_or_default();
            let first = usize::from(pair).wrapping_add(row.wrapping_mul(row_pairs.into()));
            for (index, pair) in values.chunks(2).enumerate() {
                let pair = [pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)];
                list.push(pair, first.wrapping_add(index).wrapping_mul(C::PAIR_STEP));
            }
        }
        list.terminate();
        if list.count() == 0 {
            start_from(sources.biases, sums);
        } else {
            C::add_list(sources.order, list, sources.tiles, Some(sources.biases), sums);
        }
        finish(sums, list.count() == 0);
    }
    true
}

/// Gathers pairs of `inputs` from the pair `first` on, until the list is full or the inputs end.
///
/// Returns the pair to continue with; `None` at the end of the inputs.
pub fn gather<C: Core>(list: &mut PairList, inputs: &[u8], first: usize) -> Option<usize> {
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
