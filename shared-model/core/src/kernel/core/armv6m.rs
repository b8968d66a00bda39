//! Kernels with `MULS`: Armv6-M and Armv8-M Baseline.
//!
//! Pairs: a halfword of a block holds `256 * odd + even` of two outputs, for one input. The
//! halfword's products sum to `256 * odd + even`, those of its lower byte to `even`. The sums stay
//! in registers: two in low registers, six in high ones, which these cores can add to.
//!
//! Four-bit and ternary: the products of the whole halfword, then of fewer and fewer of its lower
//! fields.

use core::arch::naked_asm;
use core::slice;

use super::assembly::{ActivateKernel, Assembly, BlockKernel, GatherKernel, Kernel};
use super::convolve::{Arguments, ConvolveKernel};
use super::interface::Core;
use super::sources::start_from;
use super::thumb1;
use crate::kernel::pair_list::Pair;
use crate::model::Requants;
use crate::weights::{BLOCK_BYTES, TILE_OUTPUTS};

pub enum Armv6M {}

impl Assembly for Armv6M {
    const NAME: &'static str = "armv6m";
    const PAIR_STEP: usize = thumb1::PAIR_STEP;
    const GATHER: GatherKernel = thumb1::gather;
    const CONVOLVE: ConvolveKernel = convolve;
    const ADD_PAIRS: Kernel = add_pairs;
    const ADD_NARROW_PAIRS: Kernel = add_narrow_pairs;
    const ADD_FOUR_BITS: Kernel = add_four_bits;
    const ADD_TERNARY: Kernel = add_ternary;
    const ADD_BLOCKS: BlockKernel = add_blocks;
    const ACTIVATE: Option<ActivateKernel> = None;
}

/// # Safety
///
/// See [`ConvolveKernel`].
unsafe extern "C" fn convolve(arguments: &mut Arguments) {
    let Arguments { list, rows, row_values, row_gap, outputs, blank, .. } = *arguments;
    let (offset, offset_gap) = (arguments.offset as u32, arguments.offset_gap as u32);
    let mut blank = blank;
    let (mut first, mut output) = (arguments.first, arguments.output);
    // SAFETY: there are a bias, a multiplier and a shift for each output, and room for a sum.
    let (biases, multipliers, shifts, sums) = unsafe {
        (
            slice::from_raw_parts(arguments.biases.cast::<[u8; 4]>(), outputs),
            slice::from_raw_parts(arguments.multipliers.cast::<u8>(), outputs.wrapping_mul(4)),
            slice::from_raw_parts(arguments.shifts, outputs),
            slice::from_raw_parts_mut(arguments.sums, outputs),
        )
    };
    let requants = Requants { multipliers, shifts, are_high: true };
    for _ in 0..arguments.windows {
        // SAFETY: the window has these rows, and the list has room for their pairs.
        let end = unsafe { thumb1::gather_rows(first, row_gap, list, offset, rows, row_values, offset_gap) };
        // SAFETY: there is room for the activations of each window.
        let activations = unsafe { slice::from_raw_parts_mut(output, outputs) };
        if end == list && !blank.is_null() {
            // SAFETY: these are the activations of a window before this one.
            let known = unsafe { slice::from_raw_parts(blank, outputs) };
            activations.iter_mut().zip(known).for_each(|(place, value)| *place = *value);
        } else {
            if end == list {
                blank = output;
                start_from(biases, sums);
            } else {
                let tiles = outputs / TILE_OUTPUTS;
                // SAFETY: the list has room for a pair after those of a window. It is not empty,
                // and there are a tile for each eight outputs and a block for each pair. This
                // core's kernels do not read the number of pairs.
                unsafe {
                    *end = [0; 2];
                    let biases = biases.as_ptr().cast();
                    add_pairs(
                        list,
                        arguments.tiles,
                        sums.as_mut_ptr(),
                        arguments.tile_bytes,
                        tiles,
                        0,
                        &[0; 8],
                        biases,
                    );
                }
            }
            Armv6M::activate(&requants, sums, activations);
        }
        first = first.wrapping_add(arguments.step);
        output = output.wrapping_add(outputs);
    }
    arguments.blank = blank;
}

/// Adds the products of the pair of inputs in r1 and r3, with the weights at r2, in pairs. The sums
/// are, in order, r6, r7, r8 to r12, and lr.
macro_rules! pair {
    () => {
        of_each_two_outputs!(outputs)
    };
}

/// Like [`pair`], for the inputs in the halves of r1, but goes to [`single_inputs`] if one of them
/// is zero.
macro_rules! pair_or_single {
    () => {
        concat!("lsrs r3, r1, #16\n", "beq 7b\n", "uxth r1, r1\n", "cmp r1, #0\n", "beq 8b\n", pair!(), "9:\n",)
    };
}

/// The code for pairs with one input only, before the loop over pairs.
macro_rules! single_inputs {
    () => {
        concat!(
            "b 2f\n",
            "7:\n",
            of_each_two_outputs!(even_outputs),
            "b 9f\n",
            "8:\n",
            of_each_two_outputs!(odd_outputs),
            "b 9f\n",
        )
    };
}

/// Adds the products of eight outputs, two at a time.
macro_rules! of_each_two_outputs {
    ($outputs:ident) => {
        concat!($outputs!("r6", "r7"), $outputs!("r8", "r9"), $outputs!("r10", "r11"), $outputs!("r12", "lr"))
    };
}

/// Like [`outputs`], for the input in r1 only.
macro_rules! even_outputs {
    ($both:literal, $even:literal) => {
        concat!("ldmia r2!, {{r4}}\n", "sxth r5, r4\n", sum!("r1", $both), "sxtb r5, r4\n", sum!("r1", $even),)
    };
}

/// Like [`outputs`], for the input in r3 only.
macro_rules! odd_outputs {
    ($both:literal, $even:literal) => {
        concat!(
            "ldmia r2!, {{r4}}\n",
            "asrs r4, r4, #16\n",
            "sxtb r5, r4\n",
            sum!("r3", $even),
            "muls r4, r3, r4\n",
            "add ",
            $both,
            ", r4\n",
        )
    };
}

/// Adds the products of two outputs and the two inputs in r1 and r3, with the next word at r2.
macro_rules! outputs {
    ($both:literal, $even:literal) => {
        concat!(
            "ldmia r2!, {{r4}}\n",
            "sxth r5, r4\n",
            sum!("r1", $both),
            "sxtb r5, r4\n",
            sum!("r1", $even),
            "asrs r4, r4, #16\n",
            "sxtb r5, r4\n",
            sum!("r3", $even),
            "muls r4, r3, r4\n",
            "add ",
            $both,
            ", r4\n",
        )
    };
}

/// Moves the inputs in the halves of r1 to r1 and r3.
macro_rules! split_inputs {
    () => {
        "lsrs r3, r1, #16\nuxth r1, r1\n"
    };
}

/// Like [`pair_or_single`], for weights of four bits, of both inputs.
macro_rules! four_bit_pair {
    () => {
        concat!(split_inputs!(), four_outputs!("r6", "r7", "r8", "r9"), four_outputs!("r10", "r11", "r12", "lr"),)
    };
}

/// Like [`outputs`], for four outputs of four bits.
macro_rules! four_outputs {
    ($all:literal, $three:literal, $two:literal, $one:literal) => {
        concat!(
            "ldmia r2!, {{r4}}\n",
            "sxth r5, r4\n",
            sum!("r1", $all),
            "asrs r5, r4, #16\n",
            sum!("r3", $all),
            fields!("20", "4", "20", $three),
            fields!("24", "8", "24", $two),
            fields!("28", "12", "28", $one),
        )
    };
}

/// Like [`pair_or_single`], for ternary weights, of both inputs.
macro_rules! ternary_pair {
    () => {
        concat!(
            split_inputs!(),
            "ldmia r2!, {{r4}}\n",
            "sxth r5, r4\n",
            sum!("r1", "r6"),
            "asrs r5, r4, #16\n",
            sum!("r3", "r6"),
            fields!("18", "2", "18", "r7"),
            fields!("20", "4", "20", "r8"),
            fields!("22", "6", "22", "r9"),
            fields!("24", "8", "24", "r10"),
            fields!("26", "10", "26", "r11"),
            fields!("28", "12", "28", "r12"),
            fields!("30", "14", "30", "lr"),
        )
    };
}

/// Adds the products of the lower fields of both halfwords in r4. `$lower` and `$upper` shift each
/// halfword up, `$down` shifts both down again.
macro_rules! fields {
    ($lower:literal, $upper:literal, $down:literal, $sum:literal) => {
        concat!(
            "lsls r5, r4, #",
            $lower,
            "\n",
            "lsrs r5, r5, #",
            $down,
            "\n",
            sum!("r1", $sum),
            "lsls r5, r4, #",
            $upper,
            "\n",
            "lsrs r5, r5, #",
            $down,
            "\n",
            sum!("r3", $sum),
        )
    };
}

/// Adds the product of an input and the weight in r5.
macro_rules! sum {
    ($input:literal, $sum:literal) => {
        concat!("muls r5, ", $input, ", r5\n", "add ", $sum, ", r5\n")
    };
}

/// `$sums` of [`tiles`], for weights in pairs.
macro_rules! pair_sums {
    () => {
        concat!(
            store!(first!("r7"), difference!("r6", "r7", "8")),
            store!(first!("r9"), difference!("r8", "r9", "8")),
            store!(first!("r11"), difference!("r10", "r11", "8")),
            store!(first!("lr"), difference!("r12", "lr", "8")),
        )
    };
}

/// `$sums` of [`tiles`], for weights of four bits.
macro_rules! four_bit_sums {
    () => {
        concat!(
            store!(first!("r9"), difference!("r8", "r9", "4")),
            store!(lower!("r7", "r8", "8"), difference!("r6", "r7", "12")),
            store!(first!("lr"), difference!("r12", "lr", "4")),
            store!(lower!("r11", "r12", "8"), difference!("r10", "r11", "12")),
        )
    };
}

/// `$sums` of [`tiles`], for ternary weights.
macro_rules! ternary_sums {
    () => {
        concat!(
            store!(first!("lr"), difference!("r12", "lr", "2")),
            store!(lower!("r11", "r12", "4"), difference!("r10", "r11", "6")),
            store!(lower!("r9", "r10", "8"), difference!("r8", "r9", "10")),
            store!(lower!("r7", "r8", "12"), difference!("r6", "r7", "14")),
        )
    };
}

/// Moves the sum of an output that has its own register to r1.
macro_rules! first {
    ($one:literal) => {
        concat!("mov r1, ", $one, "\n")
    };
}

/// Moves the sum of an output to r1: the difference of two prefix sums, shifted.
macro_rules! lower {
    ($with:literal, $without:literal, $shift:literal) => {
        concat!(
            "mov r1, ",
            $with,
            "\n",
            "mov r2, ",
            $without,
            "\n",
            "subs r1, r1, r2\n",
            "asrs r1, r1, #",
            $shift,
            "\n"
        )
    };
}

/// Like [`lower`], to r2.
macro_rules! difference {
    ($with:literal, $without:literal, $shift:literal) => {
        concat!(
            "mov r2, ",
            $with,
            "\n",
            "mov r3, ",
            $without,
            "\n",
            "subs r2, r2, r3\n",
            "asrs r2, r2, #",
            $shift,
            "\n"
        )
    };
}

/// Writes the sums of two outputs, which `$sum` moves to r1 and r2, plus the two values at r4 to
/// r0.
macro_rules! store {
    ($($sum:expr),*) => {
        concat!(
            $($sum,)*
            "ldmia r4!, {{r3}}\n",
            "adds r1, r1, r3\n",
            "ldmia r4!, {{r3}}\n",
            "adds r2, r2, r3\n",
            "stmia r0!, {{r1, r2}}\n",
        )
    };
}

/// The body of a naked function with the contract of a [`Kernel`].
///
/// `$pair` has the instructions for one pair. `$sums` has those that write the sums plus the values
/// at r4 to r0, and advance both by 32 bytes. `$before` has the label 2 of the loop over pairs, and
/// instructions that convert the offset of a block of pairs to that of this order.
macro_rules! tiles {
    ($pair:ident, $sums:ident, $before:expr) => {
        naked_asm!(
            "push {{r4-r7, lr}}",
            "mov r4, r8",
            "mov r5, r9",
            "mov r6, r10",
            "mov r7, r11",
            "push {{r4-r7}}",
            // list at 0, tiles at 4, to at 8, tile_bytes at 12; tile_count at 52, start at 60, from
            // at 64.
            "push {{r0-r3}}",
            "1:",
            "ldr r0, [sp, #60]",
            "ldmia r0!, {{r6, r7}}",
            "ldmia r0!, {{r1-r5}}",
            "mov r8, r1",
            "mov r9, r2",
            "mov r10, r3",
            "mov r11, r4",
            "mov r12, r5",
            "ldr r1, [r0]",
            "mov lr, r1",
            "ldr r0, [sp]",
            "ldmia r0!, {{r1, r2}}",
            $before,
            "ldr r4, [sp, #4]",
            "adds r2, r2, r4",
            $pair!(),
            "ldmia r0!, {{r1, r2}}",
            "cmp r1, #0",
            "bne 2b",
            "ldr r0, [sp, #8]",
            "ldr r4, [sp, #64]",
            $sums!(),
            "str r4, [sp, #64]",
            "str r0, [sp, #8]",
            "ldr r1, [sp, #4]",
            "ldr r2, [sp, #12]",
            "adds r1, r1, r2",
            "str r1, [sp, #4]",
            "ldr r1, [sp, #52]",
            "subs r1, r1, #1",
            "str r1, [sp, #52]",
            "beq 3f",
            "b 1b",
            "3:",
            "add sp, #16",
            "pop {{r4-r7}}",
            "mov r8, r4",
            "mov r9, r5",
            "mov r10, r6",
            "mov r11, r7",
            "pop {{r4-r7, pc}}",
        )
    };
}

/// The body of a naked function with the contract of a [`Kernel`], for one tile of pairs whose
/// blocks have weights only in their first word.
macro_rules! narrow_tile {
    () => {
        naked_asm!(
            "push {{r2, r4-r7, lr}}",
            "mov r12, r1",
            "movs r6, #0",
            "movs r7, #0",
            "ldmia r0!, {{r1, r2}}",
            "2:",
            "add r2, r12",
            "lsrs r3, r1, #16",
            "uxth r1, r1",
            outputs!("r6", "r7"),
            "ldmia r0!, {{r1, r2}}",
            "cmp r1, #0",
            "bne 2b",
            "pop {{r0}}",
            // first at 24, start at 28, from at 32.
            "ldr r4, [sp, #32]",
            store!(first!("r7"), difference!("r6", "r7", "8")),
            "pop {{r4-r7, pc}}",
        )
    };
}

/// Defines functions that are a [`Kernel`].
macro_rules! kernels {
    ($($name:ident: $body:expr;)*) => { $(
        /// # Safety
        ///
        /// See [`Kernel`].
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(
            list: *const Pair,
            tiles: *const u8,
            to: *mut i32,
            tile_bytes: usize,
            tile_count: usize,
            _first: usize,
            start: &[i32; TILE_OUTPUTS],
            from: *const i32,
        ) {
            $body
        }
    )* };
}

kernels! {
    add_pairs: tiles!(pair_or_single, pair_sums, concat!(single_inputs!(), "2:\n"));
    add_narrow_pairs: narrow_tile!();
    add_four_bits: tiles!(four_bit_pair, four_bit_sums, "2:\nlsrs r2, r2, #1");
    add_ternary: tiles!(ternary_pair, ternary_sums, "2:\nlsrs r2, r2, #2");
}

/// # Safety
///
/// See [`BlockKernel`].
#[unsafe(naked)]
pub unsafe extern "C" fn add_blocks(
    counts: *const [u8; 2],
    places: *const [u8; 2],
    blocks: *const [u8; BLOCK_BYTES],
    to: *mut i32,
    from: *const i32,
    input: *const u8,
    tile_count: usize,
) {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4-r7}}",
        // counts at 0, the end of a tile's places at 4, blocks at 8, to at 12; from at 52, input at
        // 56, tile_count at 60.
        "push {{r0-r3}}",
        "mov r0, r1",
        "1:",
        "movs r6, #0",
        "movs r7, #0",
        "mov r8, r7",
        "mov r9, r7",
        "mov r10, r7",
        "mov r11, r7",
        "mov r12, r7",
        "mov lr, r7",
        "ldr r3, [sp]",
        "ldrh r1, [r3]",
        "adds r3, #2",
        "str r3, [sp]",
        "lsls r1, r1, #1",
        "beq 5f",
        "adds r1, r1, r0",
        "str r1, [sp, #4]",
        "ldr r2, [sp, #8]",
        "2:",
        "ldrh r4, [r0]",
        "adds r0, #2",
        "ldr r3, [sp, #56]",
        "adds r3, r3, r4",
        "ldrb r1, [r3]",
        "ldrb r3, [r3, #1]",
        "mov r4, r1",
        "orrs r4, r3",
        "beq 4f",
        pair!(),
        "3:",
        "ldr r4, [sp, #4]",
        "cmp r0, r4",
        "bne 2b",
        "str r2, [sp, #8]",
        "b 5f",
        "4:",
        "adds r2, #16",
        "b 3b",
        "5:",
        "mov r5, r0",
        "ldr r0, [sp, #12]",
        "ldr r4, [sp, #52]",
        pair_sums!(),
        "str r4, [sp, #52]",
        "str r0, [sp, #12]",
        "mov r0, r5",
        "ldr r1, [sp, #60]",
        "subs r1, r1, #1",
        "str r1, [sp, #60]",
        "beq 6f",
        "b 1b",
        "6:",
        "add sp, #16",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
    )
}
