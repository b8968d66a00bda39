//! ReLU and requantization for cores with `SMULL` and `USAT`: Armv7-M, and Armv8-M Mainline.

use core::arch::naked_asm;

/// The activations of `accumulators`, for shifts above 32, so that the lower half of a product has no say; false, and nothing done,
/// where the kernel does not take them: multipliers are not aligned, or there are not as many of each.
pub fn activate_high(accumulators: &[i32], multipliers: &[u8], shifts: &[u8], activations: &mut [u8]) -> bool {
    let count = activations.len();
    let are_as_many = accumulators.len() == count && shifts.len() == count && multipliers.len() / 4 == count;
    if !are_as_many || count == 0 || !multipliers.as_ptr().addr().is_multiple_of(4) {
        return false;
    }
    // SAFETY: so many of each are there, one at least, and multipliers are aligned.
    unsafe { activate(accumulators.as_ptr(), multipliers.as_ptr(), shifts.as_ptr(), activations.as_mut_ptr(), count) };
    true
}

/// # Safety
///
/// `count` is not 0, and so many of each are there, aligned to four bytes but for shifts and activations.
#[unsafe(naked)]
unsafe extern "C" fn activate(
    accumulators: *const i32,
    multipliers: *const u8,
    shifts: *const u8,
    activations: *mut u8,
    count: usize,
) {
    naked_asm!(
        "push {{r4-r7}}",
        "ldr r12, [sp, #16]",
        "lsls r4, r12, #31",
        "add r12, r3",
        "beq 1f",
        // One first where their number is odd.
        "ldr r4, [r0], #4",
        "ldr r5, [r1], #4",
        "ldrb r6, [r2], #1",
        // The upper half.
        "smull r5, r4, r4, r5",
        // Half a step is one before the last bit is shifted out.
        "subs r6, #33",
        "asrs r4, r6",
        "adds r4, #1",
        "usat r4, #8, r4, asr #1",
        "strb r4, [r3], #1",
        "cmp r3, r12",
        "beq 2f",
        "1:",
        "ldrd r4, r5, [r0], #8",
        "ldrd r6, r7, [r1], #8",
        "smull r6, r4, r4, r6",
        "smull r7, r5, r5, r7",
        // A byte each, and none is below 33. Only the lowest one is shifted by.
        "ldrh r6, [r2], #2",
        "sub r6, r6, #0x21212121",
        "asrs r4, r6",
        "lsrs r6, r6, #8",
        "asrs r5, r6",
        "adds r4, #1",
        "adds r5, #1",
        "usat r4, #8, r4, asr #1",
        "usat r5, #8, r5, asr #1",
        "strb r5, [r3, #1]",
        "strb r4, [r3], #2",
        "cmp r3, r12",
        "bne 1b",
        "2:",
        "pop {{r4-r7}}",
        "bx lr",
    )
}
