//! Reports exceptions of the core, with their addresses. Interrupts are never taken.

use core::arch::global_asm;

use defmt::{Format, Formatter};
use riscv::register::{mcause, mepc, mtval};

use crate::hw::end::end;
use crate::hw::fault::{FAILURE, is_second};
use crate::hw::memory::is_stack;

// Handles all traps, instead of riscv-rt's handler, which relies on the stack. If less than 512
// bytes of stack are left for the report, it starts again with an empty stack. A naked function
// could not have the alignment of a trap vector.
global_asm!(
    ".pushsection .trap, \"ax\"",
    ".balign 4",
    ".global _start_trap",
    "_start_trap:",
    "mv a0, sp",
    "mv a1, ra",
    "la t0, _stack_end + 512",
    "bltu sp, t0, 1f",
    "la t0, _stack_start",
    "bgeu t0, sp, 2f",
    "1:",
    "la sp, _stack_start",
    "2:",
    "andi sp, sp, -16",
    "call {report}",
    ".popsection",
    report = sym report_trap,
);

/// Reports a trap.
extern "C" fn report_trap(stack_pointer: usize, caller: usize) -> ! {
    if is_second() {
        // Without the logs, which may be the cause: this core, unlike Arm's, would loop forever.
        semihosting::process::exit(FAILURE);
    }
    let status = TrapStatus { mcause: mcause::read().bits(), mtval: mtval::read() };
    // A function moves the stack pointer before it writes, so after an overflow it is outside.
    if !is_stack(stack_pointer) {
        defmt::error!("stack overflow: the stack pointer is at {=usize:#010x} ({})", stack_pointer, status);
    } else {
        defmt::error!("trap at {=usize:#010x}, called from {=usize:#010x} ({})", mepc::read(), caller, status);
    }
    end(FAILURE)
}

/// Status registers of a trap (Privileged Architecture 3.1.15 and 3.1.16).
struct TrapStatus {
    mcause: usize,
    /// The accessed address or the undefined instruction.
    mtval: usize,
}

impl Format for TrapStatus {
    fn format(&self, formatter: Formatter<'_>) {
        let cause = match self.mcause {
            0 => "instruction address misaligned",
            1 => "instruction access fault",
            2 => "illegal instruction",
            3 => "breakpoint",
            4 => "load address misaligned",
            5 => "load access fault",
            6 => "store address misaligned",
            7 => "store access fault",
            _ => "another cause",
        };
        defmt::write!(formatter, "mcause {=usize:#x}: {=str}, mtval {=usize:#010x}", self.mcause, cause, self.mtval);
    }
}
