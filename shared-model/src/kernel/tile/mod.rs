//! One tile of a dense layer: the innermost loops, for the core that this build is for.
//!
//! ```text
//!  Armv7E-M; Armv8-M with the DSP extension   dsp.rs       Cortex-M4, M7, M33
//!  Armv7-M; Armv8-M without                   armv7m.rs    Cortex-M3
//!  Armv6-M, Armv8-M Baseline                  armv6m.rs    Cortex-M0, M0+, M23
//!  Armv8.1-M with Helium                      dsp.rs, and helium.rs for vectors: Cortex-M55
//!  all others                                 portable.rs
//! ```
//!
//! The build script knows which. All give the same bits: sums are exact, and an exact sum has no order.

#[cfg(kernel_armv6m)]
mod armv6m;
#[cfg(kernel_armv7m)]
mod armv7m;
#[cfg(kernel_dsp)]
mod dsp;
#[cfg(any(kernel_dsp, kernel_armv7m))]
mod frame;
#[cfg(any(kernel_dsp, kernel_armv7m, kernel_armv6m))]
mod gather;
#[cfg(kernel_helium)]
mod helium;
mod portable;

#[cfg(kernel_armv6m)]
use armv6m as core_kernel;
#[cfg(kernel_armv7m)]
use armv7m as core_kernel;
#[cfg(kernel_dsp)]
use dsp as core_kernel;

use super::TILE_OUTPUTS;
use super::gather::PairList;
use super::order::VECTOR_ZERO_POINT;
#[cfg(any(kernel_dsp, kernel_armv7m, kernel_armv6m))]
pub use gather::gather_words;

/// Which kernels this build has, by the names of their files.
pub const KERNEL: &str = if cfg!(kernel_helium) {
    "dsp+helium"
} else if cfg!(kernel_dsp) {
    "dsp"
} else if cfg!(kernel_armv7m) {
    "armv7m"
} else if cfg!(kernel_armv6m) {
    "armv6m"
} else {
    "portable"
};

/// Adds the products of `pairs` with `weights`, in pair order and tiles of `tile_bytes`, to the sums of all outputs.
pub fn add_pairs(pairs: &PairList, weights: &[u8], tile_bytes: usize, sums: &mut [i32]) {
    for_tiles(weights, tile_bytes, sums, |tiles, sums| {
        #[cfg(any(kernel_dsp, kernel_armv7m, kernel_armv6m))]
        {
            let end = pairs.pairs().last().map_or(0, |pair| pair.offset as usize + super::gather::BLOCK_BYTES);
            let is_whole = sums.len().wrapping_mul(tile_bytes) <= tiles.len();
            let is_aligned = tiles.as_ptr().addr().is_multiple_of(4);
            if end == 0 || sums.is_empty() {
                return;
            }
            if end <= tile_bytes && is_whole && is_aligned {
                let first = pairs.pairs().len() % 4;
                let (tiles, count) = (tiles.as_ptr(), sums.len());
                // SAFETY: the list is terminated and not empty; its offsets rise, and the last one's block lies within a tile;
                // so many tiles are there, aligned.
                unsafe {
                    core_kernel::add_pairs(
                        pairs.terminated(),
                        tiles,
                        sums.as_mut_ptr().cast(),
                        tile_bytes,
                        count,
                        first,
                    );
                }
                return;
            }
        }
        for (tile, sums) in tiles.chunks_exact(tile_bytes.max(1)).zip(sums) {
            portable::add_pairs(pairs.pairs(), tile, sums);
        }
    });
}

/// Adds the products of `input` with `weights`, in vector order and tiles of `tile_bytes`, to the sums of all outputs.
pub fn add_vectors(input: &[u8], weights: &[u8], tile_bytes: usize, sums: &mut [i32]) {
    let correction = sum(input).wrapping_mul(VECTOR_ZERO_POINT.into()) as i32;
    for_tiles(weights, tile_bytes, sums, |tiles, sums| {
        #[cfg(kernel_helium)]
        if !input.is_empty()
            && !sums.is_empty()
            && input.len().next_multiple_of(16).wrapping_mul(TILE_OUTPUTS) == tile_bytes
            && sums.len().wrapping_mul(tile_bytes) <= tiles.len()
        {
            // SAFETY: so many inputs are there, and so many tiles with a block for each sixteen of them.
            unsafe {
                helium::add_vectors(
                    input.as_ptr(),
                    tiles.as_ptr(),
                    sums.as_mut_ptr(),
                    input.len() / 16,
                    input.len() % 16,
                    correction,
                    sums.len(),
                );
            }
            return;
        }
        for (tile, sums) in tiles.chunks_exact(tile_bytes.max(1)).zip(sums) {
            portable::add_vectors(input, correction, tile, sums);
        }
    });
}

/// The sum of all inputs.
fn sum(input: &[u8]) -> u32 {
    #[cfg(kernel_helium)]
    // SAFETY: so many inputs are there.
    return unsafe { helium::sum(input.as_ptr(), input.len() / 16, input.len() % 16) };
    #[cfg(not(kernel_helium))]
    input.iter().fold(0, |sum, &value| sum.wrapping_add(value.into()))
}

/// Lets `add` work on tiles with eight sums each: all whole ones, then the last, which may have fewer outputs.
fn for_tiles(
    weights: &[u8],
    tile_bytes: usize,
    sums: &mut [i32],
    mut add: impl FnMut(&[u8], &mut [[i32; TILE_OUTPUTS]]),
) {
    let (whole, rest) = sums.as_chunks_mut::<TILE_OUTPUTS>();
    let last = weights.get(whole.len().wrapping_mul(tile_bytes)..).unwrap_or_default();
    add(weights, whole);
    if rest.is_empty() {
        return;
    }
    let mut eight = [0; TILE_OUTPUTS];
    eight.iter_mut().zip(&*rest).for_each(|(place, sum)| *place = *sum);
    add(last, core::slice::from_mut(&mut eight));
    rest.iter_mut().zip(eight).for_each(|(sum, place)| *sum = place);
}
