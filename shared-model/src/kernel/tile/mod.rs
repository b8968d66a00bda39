//! Tiles of a dense layer: the innermost loops, for the core that this build is for.
//!
//! ```text
//!  Armv7E-M; Armv8-M with the DSP extension   dsp.rs                        Cortex-M4, M7, M33
//!  Armv7-M; Armv8-M without                   armv7m.rs                     Cortex-M3
//!  Armv6-M, Armv8-M Baseline                  armv6m.rs                     Cortex-M0; M0+ and M23 untried
//!  Armv8.1-M with Helium                      dsp.rs, helium.rs             Cortex-M55
//!  x86-64, AArch64                            simd.rs                       desks
//!  all others, and vectors without Helium     portable.rs
//!  what a core's kernel does not take         any.rs
//! ```
//!
//! The build script knows which. All give the same bits: sums are exact, and an exact sum has no order.

#[cfg(any(kernel_dsp, kernel_armv7m))]
mod activate;
mod any;
#[cfg(kernel_armv6m)]
mod armv6m;
#[cfg(kernel_armv7m)]
mod armv7m;
#[cfg(kernel_assembly)]
mod blocks;
#[cfg(kernel_dsp)]
mod dsp;
#[cfg(any(kernel_dsp, kernel_armv7m))]
mod frame;
#[cfg(kernel_assembly)]
mod gather;
#[cfg(kernel_helium)]
mod helium;
#[cfg(any(test, not(kernel_assembly)))]
mod portable;
#[cfg(kernel_simd)]
mod simd;

#[cfg(kernel_armv6m)]
use armv6m as pairs;
#[cfg(kernel_armv7m)]
use armv7m as pairs;
#[cfg(kernel_dsp)]
use dsp as pairs;

#[cfg(any(kernel_dsp, kernel_armv7m))]
pub use activate::activate_high;
pub use any::add_weights;
#[cfg(kernel_assembly)]
pub use gather::gather_words;

use super::gather::PairList;
#[cfg(any(kernel_helium, not(kernel_assembly)))]
use super::order::VECTOR_ZERO_POINT;
use super::{BlockLists, DensePart, TILE_OUTPUTS, WeightOrder};
#[cfg(kernel_assembly)]
use super::{
    gather::{MAX_PAIRS, Pair},
    order::{BLOCK_BYTES, FOUR_BITS, TERNARY},
};

/// Which kernels this build has, by the names of their files.
pub const KERNEL: &str = if cfg!(kernel_helium) {
    "dsp+helium"
} else if cfg!(kernel_dsp) {
    "dsp"
} else if cfg!(kernel_armv7m) {
    "armv7m"
} else if cfg!(kernel_armv6m) {
    "armv6m"
} else if cfg!(kernel_simd) {
    "simd"
} else {
    "portable"
};

/// A kernel for lists of pairs: adds the products of a list with the weights of `tile_count` tiles, one behind the other, to
/// the sums of their outputs, eight each.
///
/// # Safety
///
/// The weights are in the kernel's order. `list` has at least one pair, and behind the last one of zeros; `first` is the number
/// of its pairs modulo 4. For each, each tile has a block. `tiles` and `tile_bytes` are multiples of four. `tile_count` is not 0, and
/// so many tiles and eight times so many sums are there. `start` is what the eight sums of the kernel start from: zeros, or
/// [`Fields::start`](super::order::Fields::start) for the sum of the list.
#[cfg(kernel_assembly)]
type Kernel = unsafe extern "C" fn(
    list: &[Pair; MAX_PAIRS + 1],
    tiles: *const u8,
    sums: *mut i32,
    tile_bytes: usize,
    tile_count: usize,
    first: usize,
    start: &[i32; TILE_OUTPUTS],
);

/// A kernel for pruned layers: adds the products of inputs with the blocks of `tile_count` tiles, one behind the other, to eight
/// sums each.
///
/// # Safety
///
/// `tile_count` is not 0, and so many counts are at `counts`, none above 128, which is what keeps sums apart; so many places and
/// blocks as they add up to are at `places` and `blocks`. Two inputs are at each place. Eight times as many sums as tiles are at
/// `from`, and their places at `to`, which may be the same. Lists are aligned to their numbers, all else but inputs to four bytes.
#[cfg(kernel_assembly)]
type BlockKernel = unsafe extern "C" fn(
    counts: *const [u8; 2],
    places: *const [u8; 2],
    blocks: *const [u8; BLOCK_BYTES],
    to: *mut i32,
    from: *const i32,
    input: *const u8,
    tile_count: usize,
);

/// The packed weights of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Tiles<'a> {
    /// Tiles, one behind the other.
    pub weights: &'a [u8],
    /// Bytes of each, for all inputs of the layer.
    pub tile_bytes: usize,
}

/// Adds the products of `input` with `tiles`, in an order of pairs, to the sums of all outputs; false, and nothing done, where
/// this core's kernel does not take them: the order is another, weights are not aligned to four bytes, tiles have no block for an
/// input, or there are fewer than outputs.
pub fn add_pairs(
    order: WeightOrder,
    input: &[u8],
    tiles: Tiles<'_>,
    pairs: &mut PairList,
    sums: &mut [i32],
    on_stage: &mut dyn FnMut(DensePart),
) -> bool {
    let has_blocks = order.block_inputs() == 2 && order.tile_bytes(input.len()) <= tiles.tile_bytes;
    // The first one and the step to the next: kernels load words from every tile.
    let is_aligned = cfg!(not(kernel_assembly)) || (tiles.weights.as_ptr().addr() | tiles.tile_bytes).is_multiple_of(4);
    if !has_blocks || !is_aligned || !tiles.are_for(sums.len()) {
        return false;
    }
    let mut next = Some(0);
    while let Some(first) = next {
        next = pairs.gather(input, first);
        on_stage(DensePart::Gather);
        if !pairs.pairs().is_empty() {
            #[cfg(kernel_assembly)]
            let (kernel, fields) = match order {
                WeightOrder::FourBitPairs => (pairs::add_four_bits as Kernel, Some(FOUR_BITS)),
                WeightOrder::TernaryPairs => (pairs::add_ternary as Kernel, Some(TERNARY)),
                _ => (pairs::add_pairs as Kernel, None),
            };
            #[cfg(kernel_assembly)]
            let start = fields.map_or([0; TILE_OUTPUTS], |fields| fields.start(pairs.sum()));
            tiles.with_eight(sums, |tiles, sums, used| {
                #[cfg(kernel_assembly)]
                let kernel = if used <= 2 && order == WeightOrder::Pairs { pairs::add_narrow_pairs } else { kernel };
                #[cfg(not(kernel_assembly))]
                let _ = used;
                #[cfg(kernel_assembly)]
                // SAFETY: the kernel is the order's. The list is not empty, and was gathered from inputs that each tile has blocks
                // for; there is a tile for each eight sums, aligned. It is one tile where at most two of its outputs are used, and
                // these are the first, so that the first word of a block has all of their weights.
                unsafe {
                    kernel(
                        pairs.terminated(),
                        tiles.weights.as_ptr(),
                        sums.as_mut_ptr().cast(),
                        tiles.tile_bytes,
                        sums.len(),
                        pairs.pairs().len() % 4,
                        &start,
                    );
                }
                #[cfg(kernel_simd)]
                simd::add_pairs(order, pairs, tiles.weights, tiles.tile_bytes, sums);
                #[cfg(not(any(kernel_assembly, kernel_simd)))]
                for (tile, sums) in tiles.each().zip(sums) {
                    portable::add_pairs(order, pairs.pairs(), tile, sums);
                }
            });
        }
        on_stage(DensePart::Accumulate);
    }
    true
}

/// Adds the products of `input` with the blocks of a pruned layer, of which a tile has at most `most`, to `biases`, little-endian
/// `i32`, which makes the sums of all outputs. `is_whole` tells that there are as many inputs as the layer has.
pub fn add_blocks(input: &[u8], is_whole: bool, lists: BlockLists<'_>, most: usize, biases: &[u8], sums: &mut [i32]) {
    #[cfg(kernel_assembly)]
    if is_whole && blocks::add(input, lists, most, biases, sums) {
        return;
    }
    let _ = (is_whole, most);
    let tiles = lists.tiles().zip(biases.chunks(4 * TILE_OUTPUTS)).zip(sums.chunks_mut(TILE_OUTPUTS));
    for ((tile, biases), sums) in tiles {
        for (sum, bias) in sums.iter_mut().zip(biases.as_chunks::<4>().0) {
            *sum = i32::from_le_bytes(*bias);
        }
        #[cfg(kernel_assembly)]
        any::add_blocks(input, tile, sums);
        #[cfg(not(kernel_assembly))]
        portable::add_blocks(input, tile, sums);
    }
}

/// Adds the products of `input` with `tiles`, in vector order, to the sums of all outputs; false, and nothing done, where there
/// are no inputs, or other tiles than for so many inputs and outputs.
#[cfg(any(kernel_helium, not(kernel_assembly)))]
pub fn add_vectors(input: &[u8], tiles: Tiles<'_>, sums: &mut [i32]) -> bool {
    // Exactly: Helium's kernel goes on from the end of one tile to the next.
    let has_blocks = input.len().next_multiple_of(16).wrapping_mul(TILE_OUTPUTS) == tiles.tile_bytes;
    if !has_blocks || input.is_empty() || !tiles.are_for(sums.len()) {
        return false;
    }
    let correction = sum(input).wrapping_mul(VECTOR_ZERO_POINT.into()).cast_signed();
    tiles.with_eight(sums, |tiles, sums, _| {
        #[cfg(kernel_helium)]
        // SAFETY: so many inputs are there, and a tile for each eight sums, with a block for each sixteen inputs.
        unsafe {
            helium::add_vectors(
                input.as_ptr(),
                tiles.weights.as_ptr(),
                sums.as_mut_ptr(),
                input.len() / 16,
                input.len() % 16,
                correction,
                sums.len(),
            );
        }
        #[cfg(not(kernel_assembly))]
        for (tile, sums) in tiles.each().zip(sums) {
            portable::add_vectors(input, correction, tile, sums);
        }
    });
    true
}

/// False: this core has no kernel for activations.
#[cfg(not(any(kernel_dsp, kernel_armv7m)))]
pub const fn activate_high(_: &[i32], _: &[u8], _: &[u8], _: &mut [u8]) -> bool {
    false
}

/// False: this core has no kernel for vectors.
#[cfg(all(kernel_assembly, not(kernel_helium)))]
pub const fn add_vectors(_: &[u8], _: Tiles<'_>, _: &mut [i32]) -> bool {
    false
}

/// The sum of all inputs.
#[cfg(any(kernel_helium, not(kernel_assembly)))]
fn sum(input: &[u8]) -> u32 {
    #[cfg(kernel_helium)]
    // SAFETY: so many inputs are there.
    return unsafe { helium::sum(input.as_ptr(), input.len() / 16, input.len() % 16) };
    #[cfg(not(kernel_helium))]
    input.iter().fold(0, |sum, &value| sum.wrapping_add(value.into()))
}

impl<'a> Tiles<'a> {
    /// The tiles, one after the other; without end if they have no bytes, for which `chunks_exact` panics.
    pub fn each(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.weights;
        core::iter::from_fn(move || {
            let (tile, others) = rest.split_at_checked(self.tile_bytes)?;
            rest = others;
            Some(tile)
        })
    }

    /// Whether there is a tile for each eight outputs.
    fn are_for(&self, outputs: usize) -> bool {
        let bytes = outputs.div_ceil(TILE_OUTPUTS).checked_mul(self.tile_bytes);
        bytes.is_some_and(|bytes| bytes <= self.weights.len())
    }

    /// Lets `add` work on tiles with eight sums each, and there is one at least: all whole ones, then the last, which may have
    /// fewer outputs. It is also told how many sums of a tile are used, the first ones.
    fn with_eight(self, sums: &mut [i32], mut add: impl FnMut(Self, &mut [[i32; TILE_OUTPUTS]], usize)) {
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
