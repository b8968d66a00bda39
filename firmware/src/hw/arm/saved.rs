//! The registers of floating point and vectors that a function has to leave as they are: `s16` to
//! `s31`, which are `d8` to `d15`.

use core::arch::asm;

/// What the registers hold before.
const PATTERN: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// Calls `call`; whether those registers are afterwards as they were before.
pub fn keeps_saved_registers(mut call: &mut dyn FnMut()) -> bool {
    let mut after = [0_u64; 8];
    // SAFETY: `call_it` gets what it takes, at a stack pointer that is as aligned as at any call.
    // What it may change, and what is loaded here, is named; the pointers for both ends are in
    // registers that it has to leave as they are. Eight values are read from the one and written to
    // the other.
    unsafe {
        asm!(
            "vldmia r4, {{d8-d15}}",
            "bl {call_it}",
            "vstmia r5, {{d8-d15}}",
            call_it = sym call_it,
            inout("r0") &raw mut call => _,
            in("r4") PATTERN.as_ptr(),
            in("r5") after.as_mut_ptr(),
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            // Not by `clobber_abi`: it names registers that these cores do not have, of which the
            // compiler warns.
            out("r1") _, out("r2") _, out("r3") _, out("r12") _, out("lr") _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
        );
    }
    after == PATTERN
}

extern "C" fn call_it(call: &mut &mut dyn FnMut()) {
    call();
}
