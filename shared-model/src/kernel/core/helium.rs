//! Kernels with `VMLADAVA.U8`: Armv8.1-M with Helium. For other orders than vectors, those of
//! `dsp.rs`.
//!
//! A vector of a block holds sixteen weights of one output, as bytes `w + 128`. `VMLADAVA` adds
//! their products with sixteen inputs to one register: two instructions for sixteen products. It
//! accepts only even registers for sums.

use core::arch::naked_asm;

use super::dsp::Dsp;
use super::interface::{Core, Sources, Tiles, Windows};
use crate::kernel::pair_list::PairList;
use crate::weights::{BlockLists, TILE_OUTPUTS, VECTOR_ZERO_POINT, WeightOrder};

pub enum Helium {}

impl Core for Helium {
    const NAME: &'static str = "dsp+helium";
    const PAIR_STEP: usize = Dsp::PAIR_STEP;
    const NEEDS_WORDS: bool = true;

    fn gather_words(words: &[[u8; 4]], list: &mut PairList, first: usize) -> usize {
        Dsp::gather_words(words, list, first)
    }

    #[inline(always)]
    fn convolve(
        windows: &Windows<'_>,
        sources: &Sources<'_>,
        list: &mut PairList,
        sums: &mut [i32],
        finish: &mut impl FnMut(&mut [i32], bool),
    ) -> bool {
        Dsp::convolve(windows, sources, list, sums, finish)
    }

    fn add_list(order: WeightOrder, list: &PairList, tiles: Tiles<'_>, biases: Option<&[[u8; 4]]>, sums: &mut [i32]) {
        Dsp::add_list(order, list, tiles, biases, sums);
    }

    fn add_blocks(
        input: &[u8],
        is_whole: bool,
        lists: BlockLists<'_>,
        max_blocks: usize,
        biases: &[u8],
        sums: &mut [i32],
    ) {
        Dsp::add_blocks(input, is_whole, lists, max_blocks, biases, sums);
    }

    fn add_vectors(input: &[u8], tiles: Tiles<'_>, sums: &mut [i32]) -> bool {
        if !tiles.are_vectors_for(input.len(), sums.len()) {
            return false;
        }
        // SAFETY: there are that many inputs.
        let sum = unsafe { sum(input.as_ptr(), input.len() / 16, input.len() % 16) };
        let correction = sum.wrapping_mul(VECTOR_ZERO_POINT.into()).cast_signed();
        tiles.with_eight(sums, |tiles, sums, _| {
            // SAFETY: there are that many inputs, and a tile for each eight sums, with a block for
            // each sixteen inputs.
            unsafe {
                add_vectors(
                    input.as_ptr(),
                    tiles.weights.as_ptr(),
                    sums.as_mut_ptr(),
                    input.len() / 16,
                    input.len() % 16,
                    correction,
                    sums.len(),
                );
            }
        });
        true
    }

    fn activate_high(accumulators: &[i32], multipliers: &[u8], shifts: &[u8], activations: &mut [u8]) -> bool {
        Dsp::activate_high(accumulators, multipliers, shifts, activations)
    }
}

/// Adds the products of the inputs in q0 and the next vector at r3.
macro_rules! output {
    ($vector:literal, $sum:literal) => {
        concat!("vldrb.u8 ", $vector, ", [r3], #16\n", "vmladava.u8 ", $sum, ", q0, ", $vector, "\n",)
    };
}

/// Adds the products of the inputs in q0 and the block at r3.
macro_rules! block {
    () => {
        concat!(
            output!("q1", "r0"),
            output!("q2", "r2"),
            output!("q3", "r4"),
            output!("q1", "r6"),
            output!("q2", "r8"),
            output!("q3", "r10"),
            output!("q1", "r12"),
            output!("q2", "lr"),
        )
    };
}

/// Adds the products of the inputs and `tile_count` consecutive tiles to the sums of their outputs,
/// eight for each tile, and subtracts `correction`, 128 times the sum of the inputs.
///
/// # Safety
///
/// There are `blocks` vectors of inputs and `rest` more bytes, in 0..16, at `input`; `blocks` and
/// `rest` are not both 0. A tile has a block for each vector, and one more if `rest` is not 0.
/// `tile_count` is not 0.
#[unsafe(naked)]
unsafe extern "C" fn add_vectors(
    input: *const u8,
    tiles: *const u8,
    sums: *mut [i32; TILE_OUTPUTS],
    blocks: usize,
    rest: usize,
    correction: i32,
    tile_count: usize,
) {
    naked_asm!(
        ".cpu cortex-m55",
        // input at 0, tiles at 4, sums at 8, blocks at 12; rest at 52, correction at 56, tile_count
        // at 60.
        "push {{r0-r3, r4-r11, lr}}",
        "mov r3, r1",
        "1:",
        "movs r0, #0",
        "movs r2, #0",
        "movs r4, #0",
        "movs r6, #0",
        "mov r8, r0",
        "mov r10, r0",
        "mov r12, r0",
        "mov lr, r0",
        "ldr r1, [sp]",
        "ldr r5, [sp, #12]",
        "cbz r5, 3f",
        "2:",
        "vldrb.u8 q0, [r1], #16",
        block!(),
        "subs r5, #1",
        "bne 2b",
        "3:",
        "ldr r5, [sp, #52]",
        "cbz r5, 4f",
        "vctp.8 r5",
        "vpst",
        "vldrbt.u8 q0, [r1]",
        block!(),
        "4:",
        "ldr r1, [sp, #8]",
        "ldr r5, [sp, #56]",
        "vldrw.u32 q0, [r1]",
        "vldrw.u32 q1, [r1, #16]",
        "vmov q2[2], q2[0], r0, r4",
        "vmov q2[3], q2[1], r2, r6",
        "vmov q3[2], q3[0], r8, r12",
        "vmov q3[3], q3[1], r10, lr",
        "vsub.i32 q2, q2, r5",
        "vsub.i32 q3, q3, r5",
        "vadd.i32 q0, q0, q2",
        "vadd.i32 q1, q1, q3",
        "vstrw.u32 q0, [r1]",
        "vstrw.u32 q1, [r1, #16]",
        "adds r1, #32",
        "str r1, [sp, #8]",
        "ldr r1, [sp, #60]",
        "subs r1, #1",
        "str r1, [sp, #60]",
        "bne 1b",
        "add sp, #16",
        "pop {{r4-r11, pc}}",
    )
}

/// Returns the sum of `blocks` times 16 inputs and `rest` more, in 0..16.
///
/// # Safety
///
/// There are that many inputs at `input`.
#[unsafe(naked)]
unsafe extern "C" fn sum(input: *const u8, blocks: usize, rest: usize) -> u32 {
    naked_asm!(
        ".cpu cortex-m55",
        "mov r12, r0",
        "movs r0, #0",
        "cbz r1, 2f",
        "1:",
        "vldrb.u8 q0, [r12], #16",
        "vaddva.u8 r0, q0",
        "subs r1, #1",
        "bne 1b",
        "2:",
        "cbz r2, 3f",
        "vctp.8 r2",
        "vpst",
        "vldrbt.u8 q0, [r12]",
        "vaddva.u8 r0, q0",
        "3:",
        "bx lr",
    )
}
