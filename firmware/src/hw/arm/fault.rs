//! Reports faults of the core, with their addresses.

use core::arch::naked_asm;

#[cfg(not(armv6m))]
use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::hw::end::end;
use crate::hw::fault::{FAILURE, is_second};
use crate::hw::memory::is_stack;

/// Handles all faults.
///
/// If less than 512 bytes of stack are left for the report, it starts again with an empty stack.
/// Otherwise the stack, with the exception frame, stays intact.
///
/// # Safety
///
/// Only the processor calls this, as the HardFault exception.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn HardFault() -> ! {
    naked_asm!(
        "mov r0, sp",
        "ldr r1, =_stack_end + 512",
        "cmp r0, r1",
        "bhs 1f",
        "ldr r1, =_stack_start",
        "mov sp, r1",
        "1:",
        "bl {report}",
        report = sym report_fault,
    )
}

/// Reports an unexpected interrupt.
///
/// # Safety
///
/// Only the processor calls this, as an exception.
#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    if !is_second() {
        defmt::error!("interrupt {=i16} has no handler", number);
    }
    end(FAILURE)
}

/// Reports a fault. Its exception frame is at `frame`, unless the stack was full.
extern "C" fn report_fault(frame: *const ExceptionFrame) -> ! {
    if is_second() {
        end(FAILURE);
    }
    let status = FaultStatus::read();
    if status.is_stack_overflow || !is_stack(frame.addr()) || !is_stack(frame.wrapping_add(1).addr().wrapping_sub(1)) {
        defmt::error!("stack overflow: the stack pointer is at {=usize:#010x} ({})", frame.addr(), status);
        end(FAILURE);
    }
    // SAFETY: the whole frame is in the stack's region, where the processor has just written it.
    // This function's own stack is below it, or kilobytes above it on an emptied stack.
    let frame = unsafe { &*frame };
    defmt::error!("HardFault at {=u32:#010x}, called from {=u32:#010x} ({})", frame.pc(), frame.lr(), status);
    end(FAILURE)
}

/// Status registers of a fault. ARMv6-M does not have them.
#[derive(defmt::Format)]
struct FaultStatus {
    #[cfg(not(armv6m))]
    cfsr: u32,
    #[cfg(not(armv6m))]
    bfar: u32,
    /// True if the stack pointer reached its limit and nothing was stacked (ARMv8-M: UFSR.STKOF).
    is_stack_overflow: bool,
}

impl FaultStatus {
    #[cfg(not(armv6m))]
    fn read() -> Self {
        // SAFETY: these registers are only read, and reading them has no effect.
        let (cfsr, bfar) = unsafe { ((*SCB::PTR).cfsr.read(), (*SCB::PTR).bfar.read()) };
        Self { cfsr, bfar, is_stack_overflow: cfg!(armv8m) && cfsr & 1 << 20 != 0 }
    }

    #[cfg(armv6m)]
    fn read() -> Self {
        Self { is_stack_overflow: false }
    }
}
