//! Kernels with `VMLADAVA.U8`: Armv8.1-M with Helium. For other orders than vectors, those of
//! `dsp.rs`.
//!
//! A vector of a block holds sixteen weights of one output, as bytes `w + 128`. `VMLADAVA` adds
//! their products with sixteen inputs to one register: two instructions for sixteen products. It
//! accepts only even registers for sums.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::assembly::{activate_with, each_tile};
use super::convolve::{Arguments, Offsets, are_outputs_for, convolve};
use super::dsp::Dsp;
use super::interface::Core;
use super::sources::{Convolution, Sources, Tiles, Windows};
use crate::kernel::pair_list::PairList;
use crate::model::{Requants, VECTOR_INPUTS};
use crate::weights::{BlockLists, TILE_OUTPUTS, VECTOR_ZERO_POINT, WeightOrder};

pub enum Helium {}

impl Core for Helium {
    const NAME: &'static str = "dsp+helium";
    const PAIR_STEP: usize = Dsp::PAIR_STEP;
    const NEEDS_WORDS: bool = true;

    fn gather_words(words: &[[u8; 4]], list: &mut PairList<'_>, first: usize) -> usize {
        Dsp::gather_words(words, list, first)
    }

    fn can_convolve(sources: &Sources<'_>, requants: &Requants<'_>, outputs: usize) -> bool {
        let has_vectors =
            accepts_vectors(sources, sources.inputs, outputs) && are_outputs_for(sources, requants, outputs);
        has_vectors || Dsp::can_convolve(sources, requants, outputs)
    }

    /// For vectors, copies the rows of each window next to each other.
    #[inline]
    fn convolve(convolution: &mut Convolution<'_>, windows: &Windows<'_>) -> bool {
        // Without vectors, `can_convolve` is that of `Dsp`.
        if convolution.sources.order != WeightOrder::Vectors {
            return Dsp::convolve(convolution, windows);
        }
        if !convolution.has_kernel {
            return false;
        }
        let inputs = convolution.sources.inputs.next_multiple_of(VECTOR_INPUTS);
        let Some(window) = convolution.window.get_mut(..inputs) else { return false };
        window.as_chunks_mut::<VECTOR_INPUTS>().0.iter_mut().for_each(|vector| *vector = [0; VECTOR_INPUTS]);
        let list = window.as_mut_ptr().cast();
        let offsets = Offsets { first: windows.place, gap: windows.row_inputs.wrapping_sub(windows.row_values) };
        // SAFETY: `can_convolve` is true. The list has room for the inputs of a tile, which are
        // zero.
        unsafe { convolve(convolve_vectors, convolution, windows, offsets, list) }
    }

    #[inline(always)]
    fn add_list(
        order: WeightOrder,
        list: &PairList<'_>,
        tiles: Tiles<'_>,
        biases: Option<&[[u8; 4]]>,
        sums: &mut [i32],
    ) {
        Dsp::add_list(order, list, tiles, biases, sums);
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
        Dsp::add_blocks(input, is_whole, lists, max_blocks, biases, sums);
    }

    #[inline(always)]
    fn add_vectors(input: &[u8], sources: &Sources<'_>, sums: &mut [i32]) -> bool {
        if !accepts_vectors(sources, input.len(), sums.len()) {
            return false;
        }
        // SAFETY: there are that many inputs.
        let sum = unsafe { sum(input.as_ptr(), input.len() / 16, input.len() % 16) };
        // SAFETY: there are that many inputs, and the caller has checked the sources.
        unsafe { add_all_vectors(input.as_ptr(), input.len(), sum, sources, sums) };
        true
    }

    #[inline(always)]
    fn activate_high(requants: &Requants<'_>, accumulators: &[i32], activations: &mut [u8]) -> bool {
        activate_with(activate, requants, accumulators, activations)
    }
}

/// Writes the biases plus the products of `length` inputs at `input` and all tiles to `sums`. `sum`
/// is the sum of the inputs.
///
/// # Safety
///
/// There are that many inputs, and [`accepts_vectors`] is true.
unsafe fn add_all_vectors(input: *const u8, length: usize, sum: u32, sources: &Sources<'_>, sums: &mut [i32]) {
    let correction = sum.wrapping_mul(VECTOR_ZERO_POINT.into()).cast_signed();
    each_tile(sources.tiles, Some(sources.biases), sums, |weights, (to, count), from, _| {
        // SAFETY: there are that many inputs, and a tile and eight values at `from` for each eight
        // sums, with a block for each sixteen inputs.
        unsafe { add_vectors(input, weights.as_ptr(), to, length / 16, length % 16, correction, count, from) };
    });
}

/// Returns true if the kernel for vectors accepts `sources`, whose biases it loads as words.
fn accepts_vectors(sources: &Sources<'_>, inputs: usize, outputs: usize) -> bool {
    sources.are_vectors_for(inputs, outputs) && sources.biases.as_ptr().addr().is_multiple_of(4)
}

/// Adds the products of the inputs in q0 and the next vector at r3.
macro_rules! output {
    ($multiply:literal, $vector:literal, $sum:literal) => {
        concat!("vldrb.u8 ", $vector, ", [r3], #16\n", $multiply, ".u8 ", $sum, ", q0, ", $vector, "\n",)
    };
}

/// Adds the products of the inputs in q0 and the block at r3, or, with `vmladav`, sets the sums to
/// them.
macro_rules! block {
    () => {
        block!("vmladava")
    };
    ($multiply:literal) => {
        concat!(
            output!($multiply, "q1", "r0"),
            output!($multiply, "q2", "r2"),
            output!($multiply, "q3", "r4"),
            output!($multiply, "q1", "r6"),
            output!($multiply, "q2", "r8"),
            output!($multiply, "q3", "r10"),
            output!($multiply, "q1", "r12"),
            output!($multiply, "q2", "lr"),
        )
    };
}

/// Adds the products of the inputs and `tile_count` consecutive tiles to the eight values of each
/// tile at `from`, subtracts `correction`, 128 times the sum of the inputs, and writes the sums.
///
/// # Safety
///
/// There are `blocks` vectors of inputs and `rest` more bytes, in 0..16, at `input`; `blocks` and
/// `rest` are not both 0. A tile has a block for each vector, and one more if `rest` is not 0.
/// `tile_count` is not 0, and there are that many tiles, eight times as many values at `from`, and
/// as much room at `sums`. Both are aligned to four bytes.
#[unsafe(naked)]
unsafe extern "C" fn add_vectors(
    input: *const u8,
    tiles: *const u8,
    sums: *mut [i32; TILE_OUTPUTS],
    blocks: usize,
    rest: usize,
    correction: i32,
    tile_count: usize,
    from: *const i32,
) {
    naked_asm!(
        ".cpu cortex-m55",
        // input at 0, tiles at 4, sums at 8, blocks at 12; rest at 52, correction at 56, tile_count
        // at 60, from at 64.
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
        // Two blocks in each round.
        "lsrs r5, #1",
        "bcc 2f",
        "vldrb.u8 q0, [r1], #16",
        block!(),
        "2:",
        "cmp r5, #0",
        "beq 3f",
        "5:",
        "vldrb.u8 q0, [r1], #16",
        block!(),
        "vldrb.u8 q0, [r1], #16",
        block!(),
        "subs r5, #1",
        "bne 5b",
        "3:",
        "ldr r5, [sp, #52]",
        "cbz r5, 4f",
        "vctp.8 r5",
        "vpst",
        "vldrbt.u8 q0, [r1]",
        block!(),
        "4:",
        "ldr r1, [sp, #64]",
        "ldr r5, [sp, #56]",
        "vldrw.u32 q0, [r1], #16",
        "vldrw.u32 q1, [r1], #16",
        "str r1, [sp, #64]",
        "vmov q2[2], q2[0], r0, r4",
        "vmov q2[3], q2[1], r2, r6",
        "vmov q3[2], q3[0], r8, r12",
        "vmov q3[3], q3[1], r10, lr",
        "vsub.i32 q2, q2, r5",
        "vsub.i32 q3, q3, r5",
        "vadd.i32 q0, q0, q2",
        "vadd.i32 q1, q1, q3",
        "ldr r1, [sp, #8]",
        "vstrw.u32 q0, [r1], #16",
        "vstrw.u32 q1, [r1], #16",
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

/// # Safety
///
/// See [`ConvolveKernel`](super::convolve::ConvolveKernel), for vectors.
#[unsafe(naked)]
unsafe extern "C" fn convolve_vectors(arguments: &mut Arguments) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r11, lr}}",
        "mov r7, r0",
        "1:",
        // first, row_gap, list, offset, row_values, offset_gap, rows.
        "ldm r7, {{r0-r6}}",
        "add r2, r3",
        // From the start of a row to the start of the next.
        "add r1, r4",
        "add r5, r4",
        "mov r10, #0",
        "2:",
        "mov r12, r0",
        "mov r8, r2",
        "dlstp.8 lr, r4",
        "3:",
        "vldrb.u8 q0, [r12], #16",
        "vstrb.8 q0, [r8], #16",
        "vaddva.u8 r10, q0",
        "letp lr, 3b",
        "add r0, r1",
        "add r2, r5",
        "subs r6, #1",
        "bne 2b",
        // 128 times the sum of the inputs.
        "lsls r11, r10, #7",
        "beq 8f",
        "4:",
        "ldr r3, [r7, #{tiles}]",
        "movs r9, #0",
        // A tile. r9 is its first output.
        "5:",
        "ldr r1, [r7, #{list}]",
        "ldr r5, [r7, #{tile_bytes}]",
        "vldrb.u8 q0, [r1], #16",
        block!("vmladav"),
        "subs r5, #128",
        "beq 7f",
        "6:",
        "vldrb.u8 q0, [r1], #16",
        block!(),
        "subs r5, #128",
        "bne 6b",
        "7:",
        "vmov q2[2], q2[0], r0, r4",
        "vmov q2[3], q2[1], r2, r6",
        "vmov q3[2], q3[0], r8, r12",
        "vmov q3[3], q3[1], r10, lr",
        "ldrd r0, r2, [r7, #{biases}]",
        "ldrd r4, r6, [r7, #{shifts}]",
        "add r0, r0, r9, lsl #2",
        "add r2, r2, r9, lsl #2",
        "add r4, r9",
        "add r6, r9",
        "vsub.i32 q2, q2, r11",
        "vsub.i32 q3, q3, r11",
        "vldrw.u32 q0, [r0]",
        "vldrw.u32 q1, [r0, #16]",
        "vadd.i32 q2, q2, q0",
        "vadd.i32 q3, q3, q1",
        "vldrw.u32 q0, [r2]",
        "vldrw.u32 q1, [r2, #16]",
        "vmulh.s32 q2, q2, q0",
        "vmulh.s32 q3, q3, q1",
        "movs r0, #32",
        "vdup.32 q1, r0",
        "vldrb.u32 q0, [r4]",
        // A negative shift to the left is one to the right.
        "vsub.i32 q0, q1, q0",
        "vrshl.s32 q2, q2, q0",
        "vldrb.u32 q0, [r4, #4]",
        "vsub.i32 q0, q1, q0",
        "vrshl.s32 q3, q3, q0",
        // Saturates to 16 bits, then to 0..=255, in the lower part of each lane.
        "vqmovnb.s32 q2, q2",
        "vqmovunb.s16 q2, q2",
        "vstrb.32 q2, [r6]",
        "vqmovnb.s32 q3, q3",
        "vqmovunb.s16 q3, q3",
        "vstrb.32 q3, [r6, #4]",
        "ldr r0, [r7, #{outputs}]",
        "add r9, #8",
        "cmp r9, r0",
        "bne 5b",
        // The next window.
        "9:",
        "ldrd r0, r1, [r7, #{output}]",
        "ldrd r2, r3, [r7, #{step}]",
        "ldr r4, [r7]",
        "add r0, r1",
        "str r0, [r7, #{output}]",
        "add r4, r2",
        "str r4, [r7]",
        "subs r3, #1",
        "str r3, [r7, #{windows}]",
        "bne 1b",
        "pop {{r4-r11, pc}}",
        // A blank window.
        "8:",
        "ldr r0, [r7, #{blank}]",
        "ldrd r1, r2, [r7, #{output}]",
        "cbnz r0, 20f",
        "str r1, [r7, #{blank}]",
        "b 4b",
        "20:",
        "dlstp.8 lr, r2",
        "21:",
        "vldrb.u8 q0, [r0], #16",
        "vstrb.8 q0, [r1], #16",
        "letp lr, 21b",
        "b 9b",
        list = const offset_of!(Arguments, list),
        tiles = const offset_of!(Arguments, tiles),
        tile_bytes = const offset_of!(Arguments, tile_bytes),
        biases = const offset_of!(Arguments, biases),
        shifts = const offset_of!(Arguments, shifts),
        output = const offset_of!(Arguments, output),
        outputs = const offset_of!(Arguments, outputs),
        step = const offset_of!(Arguments, step),
        windows = const offset_of!(Arguments, windows),
        blank = const offset_of!(Arguments, blank),
    )
}

/// Shifts the upper half of a product to the right by the rest of the shift, and rounds.
///
/// # Safety
///
/// See [`ActivateKernel`](super::assembly::ActivateKernel).
#[unsafe(naked)]
unsafe extern "C" fn activate(
    accumulators: *const i32,
    multipliers: *const u8,
    shifts: *const u8,
    activations: *mut u8,
    count: usize,
) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, lr}}",
        "ldr r12, [sp, #8]",
        "movs r4, #32",
        "vdup.32 q3, r4",
        "dlstp.32 lr, r12",
        "1:",
        "vldrw.u32 q0, [r0], #16",
        "vldrw.u32 q1, [r1], #16",
        "vmulh.s32 q0, q0, q1",
        "vldrb.u32 q1, [r2], #4",
        // A negative shift to the left is one to the right.
        "vsub.i32 q1, q3, q1",
        "vrshl.s32 q0, q0, q1",
        // Saturates to 16 bits, then to 0..=255, in the lower part of each lane.
        "vqmovnb.s32 q0, q0",
        "vqmovunb.s16 q0, q0",
        "vstrb.32 q0, [r3], #4",
        "letp lr, 1b",
        "pop {{r4, pc}}",
    )
}
