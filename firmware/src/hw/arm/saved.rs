//! Checks the callee-saved floating-point registers, `d8` to `d15`.

use core::arch::asm;

/// Values of the registers before the call.
const PATTERN: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// Calls `call`. Returns true if it preserves the registers.
pub fn keeps_saved_registers(mut call: &mut dyn FnMut()) -> bool {
    let mut after = [0_u64; 8];
    // SAFETY: `call_it` gets its argument in `r0` and an aligned stack. All changed registers are
    // listed. `r4` and `r5`, which `call_it` preserves, point to eight values to read and to write.
    unsafe {
        asm!(
            "vldmia r4, {{d8-d15}}",
            "bl {call_it}",
            "vstmia r5, {{d8-d15}}",
            call_it = sym call_it,
            inout("r0") &raw mut call => _,
            in("r4") PATTERN.as_ptr(),
            in("r5") after.as_mut_ptr(),
            out("d8") _, out("d9") _, out("d10") _, out("d11") _,
            out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            // Not `clobber_abi`, which warns: it lists registers that these cores do not have.
            out("r1") _, out("r2") _, out("r3") _, out("r12") _, out("lr") _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
        );
    }
    after == PATTERN
}

extern "C" fn call_it(call: &mut &mut dyn FnMut()) {
    call();
}
